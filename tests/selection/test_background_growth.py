"""The background takes a day's papers in without being measured anew, and stays the same measure."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from selection_world import TOPICS, planted, world

from newsletter.model import Paper, Profile
from newsletter.selection import Background, score

PAPERS = [candidate.paper for candidate in world(30)]
NEW = [planted("robot manipulation", number).paper for number in (30, 31, 32)]


def test_new_papers_can_be_found_and_count():
    grown = Background.of(PAPERS).renewed([*PAPERS, *NEW])
    assert grown.size == len(PAPERS) + 3
    assert grown.find(NEW[1].id) == len(PAPERS) + 1
    assert np.array_equal(grown.rarity, Background.fit([*PAPERS, *NEW]).rarity)


class _Interrupted(Paper):
    """Another thread asks for other papers whenever somebody looks for this one."""

    def __hash__(self) -> int:
        BUSY.batch(next(OTHERS))
        return super().__hash__()


BUSY, OTHERS = Background.of(PAPERS), cycle([NEW[:1], NEW[1:]])


def test_papers_are_made_ready_while_another_thread_asks_for_others():
    papers = [*PAPERS, _Interrupted(id="2604.99999", title="Robot manipulation at night")]

    assert len(BUSY.batch(papers)) == len(papers)


def test_a_grown_background_keeps_its_measure_until_a_tenth_is_new():
    known = Background.of(PAPERS)
    grown = known.renewed([*PAPERS, *NEW])
    assert grown.fitted is known.fitted
    many = [planted("speech recognition", number).paper for number in range(30, 60)]
    anew = grown.renewed([*PAPERS, *NEW, *many])
    assert anew.fitted is not known.fitted
    assert anew.size == len(PAPERS) + 33


@given(st.lists(st.integers(1, 120), max_size=4))
@settings(max_examples=20)
def test_a_background_that_took_its_papers_in_day_by_day_is_that_of_whoever_asks_now(days):
    """A service that was started long ago, a preview and a command pick the same papers."""
    papers = [planted(topic, number).paper for number in range(40) for topic in TOPICS]
    known = Background.of(papers[:0])
    for day in sorted(days):
        known = known.renewed(papers[:day])
    known, anew = known.renewed(papers), Background.of(papers)
    assert known.papers == anew.papers
    profile = Profile(topics=("robot manipulation",), liked=(papers[0].id, papers[100].id))
    one, other = (score(profile, papers, background=of) for of in (known, anew))
    np.testing.assert_array_equal(one, other)


def test_a_background_without_news_is_the_same_one():
    known = Background.of(PAPERS)
    assert known.renewed(PAPERS) is known


def test_a_paper_whose_abstract_came_later_is_read_again():
    bare = replace(PAPERS[0], abstract="")
    known = Background.of([bare, *PAPERS[1:]])
    grown = known.renewed(PAPERS)
    assert grown.size == known.size
    place = grown.place_of(bare.id)
    whole = grown.vectors([PAPERS[0]]).units
    assert (grown.rows.units[[place]] != whole).nnz == 0
    assert whole.nnz > known.vectors([bare]).units.nnz
    assert np.array_equal(grown.holders, Background.of(PAPERS).holders)


def test_when_many_abstracts_come_later_all_is_measured_anew():
    known = Background.of([replace(paper, abstract="") for paper in PAPERS])
    grown, anew = known.renewed(PAPERS), Background.of(PAPERS)
    one, other = (
        score(Profile(liked=(PAPERS[0].id,)), PAPERS, background=of) for of in (grown, anew)
    )
    np.testing.assert_array_equal(one, other)


def test_a_paper_is_as_near_to_what_a_reader_likes_on_the_next_day():
    known = Background.of(PAPERS)
    other = replace(PAPERS[1], abstract="Bees dance in the hive.")
    grown = known.renewed([PAPERS[0], other, *PAPERS[2:], *NEW])
    profile = Profile(liked=(PAPERS[0].id, PAPERS[31].id))
    before, after = (score(profile, PAPERS[2:], background=of) for of in (known, grown))
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_a_grown_background_scores_nearly_as_one_measured_anew():
    profile = Profile(topics=("robot manipulation",), liked=(PAPERS[0].id,))
    grown = Background.of(PAPERS).renewed([*PAPERS, *NEW])
    fitted = Background.fit([*PAPERS, *NEW])
    one, other = (score(profile, [*PAPERS, *NEW], background=of) for of in (grown, fitted))
    assert np.corrcoef(one, other)[0, 1] > 0.99


def test_what_is_only_looked_up_does_not_count():
    stranger = Paper(id="9999.00001", title="Bees and their gripper robot arms")
    known = Background.fit(PAPERS).knowing([stranger])
    assert known.size == len(PAPERS)
    assert known.renewed([*PAPERS, stranger]).size == len(PAPERS) + 1


def test_papers_that_all_use_the_same_few_words_can_be_measured_too():
    alike = [replace(paper, title="Attention", abstract="") for paper in [*PAPERS, *NEW]]
    many = [
        replace(one, id=f"{one.id}{copy}") for copy in range(200 // len(alike) + 1) for one in alike
    ]
    scores = score(Profile(topics=("attention",)), many[:3], background=Background.fit(many))
    assert np.isfinite(scores).all()
