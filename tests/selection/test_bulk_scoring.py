"""Many readers at once are judged as each of them alone."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from selection_world import TOPICS, world

from newsletter.model import Paper, Profile
from newsletter.selection import Background, Field, score, select, select_all
from newsletter.selection.fit.columns import Columns
from newsletter.selection.fit.tastes import Tastes

PAPERS = [candidate.paper for candidate in world(8)]
KNOWN = Background.fit(PAPERS)
NOW = datetime(2026, 4, 3, 12, tzinfo=UTC)

ids = st.lists(st.sampled_from([*(paper.id for paper in PAPERS), "0000.00000"]), max_size=4)
readers = st.builds(
    Profile,
    topics=st.lists(st.sampled_from([*TOPICS, "grasp", PAPERS[3].title, "cs.CL", ""])).map(tuple),
    keywords=st.lists(st.sampled_from(["gripper", "Grippers", "speaker", "unheard of"])).map(tuple),
    liked=ids.map(tuple),
    disliked=ids.map(tuple),
)


@settings(max_examples=30)
@given(st.lists(readers, min_size=1, max_size=5))
def test_a_reader_gets_the_same_scores_among_others_as_alone(profiles):
    together = totals(profiles, PAPERS)
    for place, profile in enumerate(profiles):
        alone = score(profile, PAPERS, background=KNOWN)
        np.testing.assert_allclose(together[place], alone, atol=1e-5)


@settings(max_examples=30)
@given(st.lists(readers, min_size=1, max_size=4))
def test_a_reader_gets_the_same_picks_for_the_same_reasons_among_others_as_alone(profiles):
    field = Field(PAPERS, now=NOW, background=KNOWN)
    together = select_all([(profile, ()) for profile in profiles], field)
    for profile, picks in zip(profiles, together, strict=True):
        assert said(picks) == said(select(profile, PAPERS, now=NOW, background=KNOWN))


def said(picks):
    """Every pick with its reasons; a score to the digits that mean something."""
    return [(pick.paper.id, round(pick.score, 4), pick.reasons) for pick in picks]


def totals(profiles, papers):
    return Tastes.of(profiles, Columns(papers, KNOWN)).totals


@given(st.lists(st.sampled_from([*TOPICS, "grasp", "cs.CL", "unheard"]), min_size=1, unique=True))
def test_the_best_topics_decide_and_where_none_fits_how_far_all_are_below_the_usual(topics):
    each = totals([Profile(topics=(topic,)) for topic in topics], PAPERS)
    (together,) = totals([Profile(topics=tuple(topics))], PAPERS)
    assert each.min() < 0 or set(topics).isdisjoint(TOPICS)
    best = (np.maximum(each, 0) ** 4).sum(axis=0) ** 0.25
    expected = np.where((each > 0).any(axis=0), best, each.mean(axis=0))
    np.testing.assert_allclose(together, expected, atol=1e-4)


def test_two_readers_who_spell_a_keyword_or_a_name_differently_both_get_it():
    paper = Paper(id="9999.00001", title="Small KV caches", authors=("Sergey Levine",))
    profiles = [
        Profile(keywords=("KV cache",), authors=("S. Levine",)),
        Profile(keywords=("KV-cache",), authors=("Levine, S.",)),
    ]
    (first,), (second,) = totals(profiles, [paper])
    assert first == second > 4


def test_the_order_is_the_same_among_many_readers_as_alone():
    topics = list(TOPICS)
    profiles = [
        Profile(topics=(topics[n % 4], topics[n // 4 % 4]), liked=(PAPERS[n % 32].id,))
        for n in range(64)
    ]
    together = totals(profiles, PAPERS)
    for place, profile in enumerate(profiles):
        alone = score(profile, PAPERS, background=KNOWN)
        assert _order(together[place]) == _order(alone)


def _order(scores: np.ndarray) -> list[int]:
    return np.argsort(-scores.round(4), kind="stable").tolist()
