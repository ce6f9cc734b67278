"""With a model that knows what words mean, related papers are found that share no word."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from selection_world import FILLER, NOW, TOPICS, planted, world

from newsletter.encoder import encoder_for
from newsletter.model import Paper, Profile
from newsletter.selection import Background, Field, score, select, select_all

PAPERS = [candidate.paper for candidate in world(60)]
NEW = [planted("robot manipulation", number).paper for number in (60, 61)]
PLAIN = Background.fit(PAPERS)
USUAL = " ".join(FILLER)
CARS = Paper(
    id="9999.00001",
    title="Vehicles amid city traffic",
    abstract=f"Automobiles, trucks, drivers, crowded highways, parking. {USUAL}",
)
BEES = Paper(
    id="9999.00002",
    title="Honey amid northern valleys",
    abstract=f"Bees, pollen, beekeepers, cold meadows, harvest. {USUAL}",
)
READERS = [
    Profile(topics=tuple(TOPICS)[:2], keywords=("gripper",)),
    Profile(topics=("robot arms",), liked=(PAPERS[3].id, PAPERS[70].id)),
    Profile(liked=(PAPERS[130].id, "A title that nobody stored"), disliked=(PAPERS[200].id,)),
    Profile(categories=("cs.CL",)),
]


class Noted:
    """The real encoder, and what it was asked to read."""

    def __init__(self, encoder) -> None:
        self._encoder = encoder
        self.width = encoder.width
        self.read: list[str] = []

    def encode(self, texts):
        self.read += texts
        return self._encoder.encode(texts)


@pytest.fixture(scope="module")
def encoder(model_folder):
    return encoder_for(str(model_folder))


@pytest.fixture(scope="module")
def known(encoder):
    return Background.fit(PAPERS, encoder)


def said(picks):
    return [(pick.paper.id, round(pick.score, 4), pick.reasons) for pick in picks]


@pytest.mark.parametrize(
    "reader",
    [Profile(topics=("graph networks for cars",)), Profile(liked=("Driving cars on roads",))],
)
def test_a_paper_that_shares_no_word_comes_up_by_its_meaning(known, reader):
    without, with_model = (score(reader, [CARS, BEES], background=of) for of in (PLAIN, known))
    assert with_model[0] - with_model[1] > without[0] - without[1] + 0.01


@pytest.mark.parametrize("topic", TOPICS)
def test_with_a_model_planted_topics_still_come_first(known, topic):
    scores = score(Profile(topics=(topic,)), PAPERS, background=known)
    best = [PAPERS[at] for at in np.argsort(-scores)[:20]]
    assert all(f"of {topic}" in paper.title for paper in best)


@pytest.mark.parametrize("reader", READERS)
def test_without_a_model_nothing_is_kept_and_with_one_something_changes(known, reader):
    assert PLAIN.rows.meaning.shape == (len(PAPERS), 0)
    without, with_model = (score(reader, PAPERS, background=of) for of in (PLAIN, known))
    is_asked_of_it = bool(reader.topics or reader.liked)
    assert np.array_equal(without, with_model) != is_asked_of_it


def test_a_reader_alone_gets_the_same_as_among_others(known):
    today = PAPERS[::6]
    field = Field(today, now=NOW, background=known)
    together = select_all([(reader, ()) for reader in READERS], field)
    for reader, picks in zip(READERS, together, strict=True):
        assert said(picks) == said(select(reader, today, now=NOW, background=known))


def test_the_order_of_papers_and_of_readers_does_not_matter(known, encoder):
    mixed = random.Random(1).sample(PAPERS, len(PAPERS))
    other = Background.fit(mixed, encoder)
    for reader in READERS:
        one = dict(zip(PAPERS, score(reader, PAPERS, background=known), strict=True))
        two = dict(zip(mixed, score(reader, mixed, background=other), strict=True))
        np.testing.assert_allclose(list(one.values()), [two[p] for p in one], atol=1e-5)
    field = Field(PAPERS[::6], now=NOW, background=known)
    forth = select_all([(reader, ()) for reader in READERS], field)
    back = select_all([(reader, ()) for reader in READERS[::-1]], field)
    assert list(map(said, forth)) == list(map(said, back))[::-1]


def test_only_new_papers_are_read_and_they_are_as_if_read_with_all(encoder):
    noted = Noted(encoder)
    before = Background.of(PAPERS, noted)
    noted.read.clear()
    grown = before.renewed([*PAPERS, *NEW])
    assert [text.partition(". ")[0] for text in noted.read] == [paper.title for paper in NEW]
    fitted = Background.fit([*PAPERS, *NEW], encoder)
    of_grown, of_fitted = (known.vectors([*PAPERS, *NEW]).meaning for known in (grown, fitted))
    np.testing.assert_array_equal(of_grown, of_fitted)


def test_stored_papers_are_not_read_again_for_a_day(encoder):
    noted = Noted(encoder)
    known = Background.fit(PAPERS, noted)
    noted.read.clear()
    Field(PAPERS[:20], now=NOW, background=known)
    assert noted.read == []
    Field([*PAPERS[:20], CARS], now=NOW, background=known)
    assert len(noted.read) == 1


def test_a_paper_whose_abstract_came_later_is_read_again(encoder):
    bare = replace(PAPERS[0], abstract="")
    grown = Background.of([bare, *PAPERS[1:]], encoder).renewed(PAPERS)
    whole = Background.fit(PAPERS, encoder)
    place = grown.place_of(bare.id)
    np.testing.assert_array_equal(grown.rows.meaning[place], whole.vectors([PAPERS[0]]).meaning[0])


def test_the_model_stays_when_all_is_measured_anew(known, encoder):
    many = [planted("speech recognition", number).paper for number in range(60, 100)]
    anew = known.renewed([*PAPERS, *many])
    assert anew.fitted is not known.fitted
    assert anew.fitted.encoder is encoder
    assert anew.rows.meaning.shape == (len(PAPERS) + 40, encoder.width)


def test_an_empty_background_takes_its_papers_in_by_the_model_it_was_given(encoder):
    grown = Background.fit((), encoder).renewed(PAPERS)
    assert grown.rows.meaning.shape == (len(PAPERS), encoder.width)
