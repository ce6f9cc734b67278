"""What votes make of a taste: at once, fading with age, and never more than a voice a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selection_world import planted, world

from newsletter.model import Feedback, Profile, Verdict
from newsletter.selection import Background, score
from newsletter.selection.learn import HALF_LIFE, VOTES_OF_A_DAY, weights_in, with_votes

NOW = datetime(2026, 4, 3, 12, tzinfo=UTC)


def vote(paper: str, verdict: Verdict = Verdict.MORE, *, days_ago: float = 0) -> Feedback:
    at = NOW - timedelta(days=days_ago)
    return Feedback(subscriber_id="s", paper_id=paper, verdict=verdict, at=at)


def test_a_vote_counts_at_once_and_half_after_its_half_life():
    voted = with_votes(Profile(), [vote("1"), vote("2", days_ago=HALF_LIFE.days)], now=NOW)

    assert weights_in(voted) == {"1": 1.0, "2": pytest.approx(0.5)}


def test_many_votes_of_one_evening_share_the_weight_of_a_few():
    angry = [vote(str(n), Verdict.LESS) for n in range(50)]

    weights = weights_in(with_votes(Profile(), [*angry, vote("a")], now=NOW))

    assert sum(weights[str(n)] for n in range(50)) == pytest.approx(VOTES_OF_A_DAY)
    assert weights["a"] == 1.0


def test_what_the_reader_wrote_themselves_does_not_fade():
    voted = with_votes(Profile(liked=("own",)), [vote("1", days_ago=700)], now=NOW)

    assert voted.liked == ("own", "1")
    assert "own" not in weights_in(voted)


def test_without_votes_the_profile_is_the_taste():
    profile = Profile(topics=("robots",))

    assert with_votes(profile, [], now=NOW) is profile


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(Verdict), st.floats(0, 2000))))
def test_every_vote_has_a_weight_from_0_to_1_that_only_sinks(given_votes):
    votes = [vote(str(paper), verdict, days_ago=age) for paper, verdict, age in given_votes]

    now = weights_in(with_votes(Profile(), votes, now=NOW))
    later = weights_in(with_votes(Profile(), votes, now=NOW + timedelta(days=30)))

    assert set(now) == {one.paper_id for one in votes}
    assert all(0 <= later[paper] < weight <= 1 for paper, weight in now.items() if weight > 1e-300)


def test_a_fresh_vote_moves_its_topic_more_than_an_old_one():
    candidates = world()
    papers = [candidate.paper for candidate in candidates]
    background = Background.fit(papers)
    asked = [planted("speech recognition", 99).paper]
    seed = planted("speech recognition", 0).paper.id
    scores = [
        score(
            with_votes(Profile(), [vote(seed, verdict, days_ago=age)], now=NOW),
            asked,
            background=background,
        )[0]
        for verdict, age in ((Verdict.MORE, 0), (Verdict.MORE, 400), (Verdict.LESS, 400))
    ]

    assert scores[0] > scores[1] > 0 > scores[2]


def test_one_angry_evening_does_not_empty_a_profile():
    candidates = world()
    papers = [candidate.paper for candidate in candidates]
    background = Background.fit(papers)
    profile = Profile(topics=("robot manipulation",))
    angry = [vote(paper.id, Verdict.LESS) for paper in papers]
    asked = [planted("robot manipulation", 99).paper, planted("protein folding", 99).paper]

    wanted, other = score(with_votes(profile, angry, now=NOW), asked, background=background)

    assert wanted > 1
    assert wanted > other
