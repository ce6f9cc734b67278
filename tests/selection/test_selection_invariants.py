"""What holds for every profile and every list, however odd."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selection_world import NOW, TOPICS, seen, world

from newsletter.model import Paper, Profile
from newsletter.selection import Background, Verdict, rank, score, select
from newsletter.selection.texts.matching import Mutes

WORLD = world(4, votes=True)
PAPERS = [candidate.paper for candidate in WORLD]
KNOWN = Background.fit(PAPERS)

words = st.sampled_from(
    [
        *TOPICS,
        *" ".join(TOPICS.values()).split(),
        "the of and",
        "x",
        "🤖",
        "",
        " ",
        "机器人",
        "C++",
        "cs.CL",
        PAPERS[3].id,
        PAPERS[5].title,
        "١٢٣",
        "a" * 3000,
    ]
) | st.text(max_size=20)
lists = st.lists(words, max_size=4).map(tuple)
profiles = st.builds(
    Profile,
    topics=lists,
    keywords=lists,
    authors=lists,
    organizations=lists,
    categories=lists,
    liked=lists,
    disliked=lists,
    muted=st.lists(words, max_size=2).map(tuple),
    max_papers=st.integers(-1, 12),
    min_score=st.floats(0, 1),
    trend_weight=st.floats(0, 1),
    surprise=st.booleans(),
)
paper_ids = st.sets(st.sampled_from([paper.id for paper in PAPERS]), max_size=10)


@given(profiles, paper_ids)
def test_any_profile_ends_in_a_valid_result(profile, sent):
    ranking = rank(profile, WORLD, already_sent=sent, now=NOW, background=KNOWN)
    picks = ranking.picks
    ids = [pick.paper.id for pick in picks]
    assert len(set(ids)) == len(ids) <= max(profile.max_papers, 0)
    assert not sent & set(ids)
    assert all(pick.reasons and len(pick.reasons) <= 3 for pick in picks)
    assert all(all(reason.detail for reason in pick.reasons) for pick in picks)
    mutes = Mutes.of(profile.muted)
    assert not any(mutes.first(pick.paper) for pick in picks)
    assert len(ranking) == len(WORLD)
    for item in ranking:
        assert np.isfinite([item.score, item.taste, item.trend]).all()
        assert (item.verdict is Verdict.PICKED) == (item.paper.id in ids)
        assert (item.note == "") == (item.verdict is Verdict.PICKED)


@settings(max_examples=25)
@given(profiles, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(profile, chance):
    shuffled = list(WORLD)
    chance.shuffle(shuffled)
    assert rank(profile, shuffled, now=NOW) == rank(profile, WORLD, now=NOW)


@given(profiles, st.sampled_from(["Ada Lovelace", "A. Lovelace", "Lovelace, Ada"]))
def test_a_muted_author_never_appears_whatever_else_is_wanted(profile, muted):
    hers = [replace(paper, authors=("Ada Lovelace", "Someone Else")) for paper in PAPERS[::2]]
    wanted = replace(profile, muted=(*profile.muted, muted), authors=("Ada Lovelace",))
    picks = rank(wanted, [*hers, *WORLD[1::2]], now=NOW, background=KNOWN).picks
    assert not {paper.id for paper in hers} & {pick.paper.id for pick in picks}


@given(profiles, st.sampled_from(PAPERS))
def test_a_topic_that_is_its_title_never_lowers_a_paper(profile, paper):
    def above(of: Profile) -> int:
        scores = score(of, PAPERS, background=KNOWN)
        return int((scores > scores[PAPERS.index(paper)]).sum())

    with_title = replace(profile, topics=(*profile.topics, paper.title))
    assert above(with_title) <= above(profile)


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60)), max_size=6), profiles)
def test_any_papers_end_in_a_valid_result(texts, profile):
    papers = [Paper(id=f"p{i}", title=t, abstract=a) for i, (t, a) in enumerate(texts)]
    assert np.isfinite(score(profile, papers)).all()
    assert len(rank(profile, papers, now=NOW)) == len(papers)


@pytest.mark.parametrize(
    "profile",
    [
        Profile(topics=tuple(f"topic {i} of speech" for i in range(10_000))),
        Profile(keywords=tuple(f"word{i}" for i in range(10_000)), muted=("zebra",) * 10_000),
        Profile(topics=tuple("🤖" * n for n in range(1, 200)), keywords=("🤖",), muted=("🦓",)),
        Profile(topics=("x",), keywords=("y",), authors=("z",), muted=("q",)),
        Profile(topics=("обучение речи", "語音辨識", "تعلم الآلة"), keywords=("การเรียนรู้",)),
        Profile(topics=("the of and",), keywords=("the",), max_papers=10_000),
        Profile(liked=tuple(paper.id for paper in PAPERS), disliked=(PAPERS[0].id,)),
    ],
)
def test_a_huge_or_empty_worded_profile_ends_in_a_valid_result(profile):
    assert len(select(profile, WORLD, now=NOW, background=KNOWN)) <= profile.max_papers


def test_the_ten_thousandth_topic_is_still_found_by_its_exact_title():
    topics = (*(f"topic {i}" for i in range(10_000)), PAPERS[7].title)
    scores = score(Profile(topics=topics), PAPERS, background=KNOWN)
    assert int(scores.argmax()) == 7


def test_a_paper_without_abstract_is_chosen_by_its_title():
    bare = seen(Paper(id="9999.1", title="Speech recognition for all"), upvotes=1, rank=40)
    ids = [
        pick.paper.id
        for pick in select(Profile(topics=("speech recognition",)), [*WORLD, bare], now=NOW)
    ]
    assert "9999.1" in ids
