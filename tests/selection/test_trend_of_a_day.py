"""The trend compares within a list day and claims only what is sure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from selection_world import NOW, seen

from newsletter.model import Candidate, Paper
from newsletter.selection.trend import trends


def _paper(number: int) -> Paper:
    return Paper(id=f"p{number:02d}", title=f"Paper {number}")


def _day(votes: list[int | None]) -> list[Candidate]:
    return [seen(_paper(i), upvotes=v, rank=i + 1) for i, v in enumerate(votes)]


def test_the_top_of_the_day_is_most_upvoted_and_the_next_are_top_three():
    found = trends(_day([90, 80, 70, *range(40, 20, -2)]), NOW)
    assert found["p00"].line == "most upvoted on 3 April"
    assert found["p02"].line == "top 3 on 3 April"
    assert found["p12"].line == ""
    values = [found[f"p{i:02d}"].value for i in range(13)]
    assert values == sorted(values, reverse=True)
    assert all(0 <= value <= 1 for value in values)


def test_tied_papers_share_their_place_and_nobody_is_called_first():
    found = trends(_day([5] * 12), NOW)
    assert len({trend.value for trend in found.values()}) == 1
    assert all(trend.line == "" for trend in found.values())


def test_nothing_is_claimed_that_an_unseen_paper_of_the_list_could_refute():
    whole = _day([90, 80, *range(60, 30, -2)])
    assert trends(whole, NOW)["p01"].line == "top 3 on 3 April"
    without_first = trends(whole[1:], NOW)
    assert without_first["p01"].line == "top 3 on 3 April"
    without_many = trends(whole[4:], NOW)
    assert without_many["p04"].line == "top 5 on 3 April" or without_many["p04"].line == ""
    assert all("most" not in trend.line for trend in without_first.values())


def test_votes_of_different_days_are_never_compared():
    young = _day([9, 8, 7, 6, 5, 4])
    old = [
        replace(
            c,
            paper=replace(c.paper, id=f"old{c.paper.id}"),
            sightings=tuple(
                replace(s, source="daily:2026-04-01", upvotes=(s.upvotes or 0) * 50)
                for s in c.sightings
            ),
        )
        for c in young
    ]
    found = trends([*young, *old], NOW)
    assert found["p00"].value == found["oldp00"].value
    assert found["oldp00"].line == "most upvoted on 1 April"


def test_a_growing_paper_is_called_rising_with_its_numbers():
    day = [*_day([300, 200, 150, 100, 90, 80]), seen(_paper(9), upvotes=180, rank=7, before=41)]
    assert trends(day, NOW)["p09"].line == "rising: 41 to 180 upvotes in a day"


def test_an_old_or_small_growth_is_not_called_rising():
    late = NOW + timedelta(days=5)
    day = [*_day([3, 2, 1]), seen(_paper(9), upvotes=180, rank=1, before=41)]
    assert "rising" not in trends(day, late)["p09"].line
    small = [*_day([3, 2, 1]), seen(_paper(9), upvotes=8, rank=1, before=4)]
    assert "rising" not in trends(small, NOW)["p09"].line


def test_without_votes_there_is_no_trend():
    found = trends(_day([None, None]), NOW)
    assert not any(trend.known or trend.value or trend.line for trend in found.values())
