"""What is kept of the papers that readers named says the same as comparing them anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from selection_world import planted, world

from newsletter.model import Profile
from newsletter.selection import Background
from newsletter.selection.fit.columns import Columns
from newsletter.selection.fit.finding import Read
from newsletter.selection.fit.likeness import Alike
from newsletter.selection.fit.named import NamedPapers
from newsletter.selection.fit.tastes import Tastes
from newsletter.selection.texts.tables import Rows
from newsletter.selection.usual.standing import Key, Stood

STORED = [candidate.paper for candidate in world(60)]
KNOWN = Background.fit(STORED)  # with a latent space
DAY = STORED[::12]

texts = st.sampled_from(
    [
        *(paper.id for paper in STORED[::7]),
        f"arXiv:{STORED[7].id}v2",
        STORED[14].title,
        "Grasping speech with graphs",
        "grasping speech with graphs",
        "0000.00000",
        "",
    ]
)
lists = st.lists(texts, max_size=5).map(tuple)
readers = st.builds(Profile, liked=lists, disliked=lists)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 239), st.floats(0.1, 1)), min_size=1, max_size=6))
def test_the_usual_likeness_is_that_of_the_stored_papers_without_the_named_ones(named):
    weights = {STORED[at].id: weight for at, weight in named}
    table = NamedPapers(KNOWN, KNOWN.batch(DAY))
    said, *_ = table.named([tuple(weights)], {0: weights})
    standing = _along(len(KNOWN.usual)).of(said, KNOWN.named)
    ways = zip((standing.words, *standing.near), (0.02, 0.15), _products(weights), strict=True)
    for usual, prior, values in ways:
        share = len(values) / (len(values) + 20)
        spread = np.sqrt(values.var() * share + prior**2 * (1 - share))
        np.testing.assert_allclose(usual.mean, values.mean() * share, atol=1e-5)
        np.testing.assert_allclose(usual.spread, spread, rtol=1e-4)


def _along(directions):
    return Stood(KNOWN.usual, KNOWN.stood.spaces, directions=directions)


def _products(weights):
    """How alike each stored paper is to the named ones, in each way, reckoned one by one."""
    others = [paper for paper in STORED if paper.id not in weights]
    rows, named = KNOWN.vectors(others), [p for p in STORED if p.id in weights]
    shares = np.array([weights[paper.id] for paper in named]) / sum(weights.values())
    theirs = KNOWN.vectors(named)
    words = (rows.units @ (theirs.units + 0.4 * KNOWN.titles(named)).T).toarray()
    yield (words - (rows.units @ KNOWN.means.units)[:, None]) @ shares
    yield (rows.dense @ theirs.dense.T - (rows.dense @ KNOWN.means.dense)[:, None]) @ shares


@settings(max_examples=30)
@given(st.lists(readers, min_size=1, max_size=4), st.lists(readers, min_size=1, max_size=4))
def test_scores_do_not_depend_on_what_others_named_before(profiles, before):
    used = Columns(DAY, KNOWN)
    Tastes.of(before, used)
    fresh = Tastes.of(profiles, Columns(DAY, KNOWN)).totals
    np.testing.assert_allclose(Tastes.of(profiles, used).totals, fresh, atol=1e-6)


def test_what_finds_no_room_is_measured_anew_and_is_as_alike_as_before():
    texts = [(paper.id, "Some title", DAY[1].id) for paper in STORED]
    ample, narrow = (NamedPapers(KNOWN, KNOWN.batch(DAY), most_bytes=b) for b in (10**7, 5_000))
    first = Alike.of(texts, {}, ample).strengths
    for _ in range(3):
        again = Alike.of(texts[::-1], {}, narrow).strengths[::-1]
        narrow.trim()
        np.testing.assert_allclose(again, first, atol=2e-6)
        assert len(narrow.papers) < 20


def test_what_is_usual_is_the_same_where_little_room_is_kept_for_it():
    table = NamedPapers(KNOWN, KNOWN.batch(DAY))
    texts = [(paper.id, "Some title", DAY[1].id) for paper in STORED]
    said, *_ = table.named(texts, {})
    narrow = Stood(KNOWN.usual, KNOWN.stood.spaces, most_bytes=1)
    ample = KNOWN.stood.of(said, KNOWN.named)
    for _ in range(2):
        found = narrow.of(said, KNOWN.named)
        for usual, first in zip(
            (found.words, *found.near), (ample.words, *ample.near), strict=True
        ):
            np.testing.assert_allclose(usual.mean, first.mean, atol=1e-7)
            np.testing.assert_allclose(usual.spread, first.spread, rtol=1e-6)


def test_the_main_directions_say_nearly_all_of_what_is_usual():
    table = NamedPapers(KNOWN, KNOWN.batch(DAY))
    texts = [tuple(p.id for p in STORED[at : at + 40 : step]) for at in (0, 90) for step in (5, 9)]
    said, *_ = table.named(texts, {})
    whole, some = (_along(n).of(said, KNOWN.named).words for n in (len(KNOWN.usual), 120))
    np.testing.assert_allclose(some.mean, whole.mean, atol=2e-4)
    np.testing.assert_allclose(some.spread, whole.spread, rtol=0.02)


def test_what_was_measured_outlives_a_day_but_for_papers_whose_text_has_changed():
    known = Background.of(STORED)
    texts = [(paper.id,) for paper in STORED[:3]]
    known.stood.of(NamedPapers(known, known.batch(DAY)).named(texts, {})[0], known.named)
    changed = replace(STORED[1], abstract="Bees dance in the hive.")
    grown = known.renewed(
        [STORED[0], changed, *STORED[2:], planted("speech recognition", 99).paper]
    )
    asked: list[Key] = []

    def measure(keys):
        asked.extend(keys)
        return grown.named(keys)

    said = NamedPapers(grown, grown.batch(DAY)).named(texts, {})[0]
    found = grown.stood.of(said, measure).words
    assert asked == [1]
    again = grown.stood.of(said, measure).words
    assert asked == [1]
    np.testing.assert_array_equal(found.spread, again.spread)


def test_a_text_that_was_forgotten_is_read_again():
    read = Read(len, most=2)
    assert [read[text] for text in ("a", "bb", "ccc", "a")] == [1, 2, 3, 1]
    assert list(read) == ["ccc", "a"]


def test_a_table_keeps_its_rows_while_it_grows():
    table = Rows(2, room=1)
    for number in range(5):
        table.append(np.full((2, 2), number))
    table.cut(7)
    assert table.all[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3]
