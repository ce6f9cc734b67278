"""What a change of taste does to a digest: who moves, who comes in, who leaves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from selection_world import NOW, world

from newsletter.model import Candidate, Paper, Pick, Profile
from newsletter.selection import Ranked, Ranking, Verdict, rank
from newsletter.selection.effect import Move, moves


def picks(picked: str, further: str = "") -> tuple[Pick, ...]:
    """Those of a ranking whose picks are these letters; the others came next."""
    ranking = Ranking.of(
        Ranked(
            candidate=Candidate(paper=Paper(id=letter, title=f"Paper {letter}")),
            score=0.5,
            taste=0.5,
            trend=0.5,
            verdict=Verdict.PICKED if letter in picked else Verdict.NEXT,
        )
        for letter in (*picked, *further)
    )
    return ranking.picks


def told(found: tuple[Move, ...]) -> list[tuple[str, int | None, int | None]]:
    return [(move.paper.id, move.before, move.after) for move in found]


def test_the_same_ranking_twice_moves_nothing():
    assert moves(picks("abc"), picks("abc")) == ()


def test_papers_that_swap_are_told_by_their_new_place():
    assert told(moves(picks("abc"), picks("cab"))) == [("c", 3, 1), ("a", 1, 2), ("b", 2, 3)]


def test_who_leaves_is_told_after_those_who_come_in():
    found = moves(picks("abc", "d"), picks("acd", "b"))
    assert told(found) == [("c", 3, 2), ("d", None, 3), ("b", 2, None)]


def test_coming_in_and_rising_are_up_and_falling_and_leaving_are_not():
    found = moves(picks("abc", "d"), picks("bad", "c"))
    assert {move.paper.id: move.up for move in found} == {
        "b": True,
        "a": False,
        "d": True,
        "c": False,
    }


def test_the_others_are_counted_around_a_place_that_is_held():
    assert told(moves(picks("abc"), picks("acb"), held=2)) == [("c", 4, 3), ("b", 3, 4)]


def test_a_held_last_place_moves_nobody():
    assert told(moves(picks("ab"), picks("ba"), held=3)) == [("b", 2, 1), ("a", 1, 2)]


def test_next_and_excluded_papers_have_no_place():
    assert moves(picks("a", "bc"), picks("a", "cb")) == ()


LETTERS = st.lists(st.sampled_from("abcdefgh"), unique=True).map("".join)


@given(before=LETTERS, after=LETTERS, held=st.integers(0, 9))
def test_there_and_back_is_the_same_moves_the_other_way_round(before, after, held):
    there = moves(picks(before), picks(after), held=held)
    back = moves(picks(after), picks(before), held=held)
    assert {(m.paper.id, m.before, m.after) for m in there} == {
        (m.paper.id, m.after, m.before) for m in back
    }


@given(before=LETTERS, after=LETTERS)
def test_nobody_is_told_who_stands_where_they_stood(before, after):
    found = moves(picks(before), picks(after))
    assert all(move.before != move.after for move in found)
    changed = {p for p in {*before, *after} if before.find(p) != after.find(p)}
    assert {move.paper.id for move in found} == changed


def test_a_liked_paper_brings_its_kind_up():
    papers = world()
    before = rank(Profile(topics=("graph neural networks", "speech")), papers, now=NOW)
    liked = next(c.paper for c in papers if "speech" in c.paper.title.lower())
    taste = Profile(topics=("graph neural networks", "speech"), liked=(liked.id,))
    found = moves(before.picks, rank(taste, papers, now=NOW).picks)
    assert any(move.up and "speech" in move.paper.title.lower() for move in found)
