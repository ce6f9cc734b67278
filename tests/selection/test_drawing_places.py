"""Places are drawn the same in narrow tables and in wide ones, and not at all where all get one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from newsletter.selection.blend import STEPS
from newsletter.selection.diversity import NEAR, Offered, choose
from newsletter.selection.fitting import Fitting

WIDTH, PAPERS = 60, 80


def _offered(seed: int) -> tuple[Offered, np.ndarray]:
    """Readers to whom 0 to 60 papers fit, with topics of their own, and how alike the papers are."""
    chance = np.random.default_rng(seed)
    count = chance.integers(0, WIDTH + 1, 40)
    count[::3] = chance.integers(0, 25, len(count[::3]))
    there = np.arange(WIDTH) < count[:, None]
    place = np.array([chance.permutation(PAPERS)[:WIDTH] for _ in count])
    vectors = chance.normal(size=(PAPERS, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    offered = Offered(
        place=np.where(there, place, -1),
        score=-np.sort(-chance.random((len(count), WIDTH)).astype(np.float32), axis=1),
        topics=np.where(there, chance.integers(0, 8, there.shape), 0).astype(np.uint8),
        first=np.where(there, chance.integers(-1, 3, there.shape), -1).astype(np.int8),
        places=chance.integers(0, 12, len(count)),
        in_order=chance.random(len(count)) < 0.2,
    )
    return offered, (vectors @ vectors.T).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_everybody_gets_what_they_would_get_beside_readers_with_more_papers(seed):
    offered, alike = _offered(seed)
    together = choose(offered, alike)
    for row in range(len(offered.place)):
        width = max(int((offered.place[row] >= 0).sum()), 1)
        alone = choose(_cut(offered, row, width), alike)
        assert np.array_equal(alone.picked[0], together.picked[row, :width])
        assert np.array_equal(alone.repeats[0], together.repeats[row, :width])
    assert together.picked.any()


def _cut(offered: Offered, row: int, width: int) -> Offered:
    """What one reader is offered, in a table no wider than that."""
    tables = (offered.place, offered.score, offered.topics, offered.first)
    lists = offered.places[[row]], offered.in_order[[row]]
    return Offered(*(table[[row], :width] for table in tables), *lists)


@pytest.mark.parametrize("seed", range(5))
def test_who_has_a_place_for_each_paper_gets_all_of_them_where_none_tells_the_same(seed):
    offered, alike = _offered(seed)
    counts = (offered.place >= 0).sum(axis=1)
    extra = np.random.default_rng(seed).integers(0, 3, len(counts))
    chosen = choose(replace(offered, places=counts + extra), np.minimum(alike, NEAR - 0.01))
    assert np.array_equal(chosen.picked, offered.place >= 0)
    assert (chosen.repeats == -1).all()


def test_of_equal_scores_the_first_paper_of_the_field_stands_first():
    reader, place = np.array([0, 0, 0, 2, 2]), np.array([1, 4, 7, 0, 7])
    steps = np.array([10, STEPS, 10, 0, STEPS])
    fits = Fitting.of(reader, place, steps, 3).best_first()
    assert fits.place.tolist() == [4, 1, 7, 7, 0]
    assert fits.steps.tolist() == [STEPS, 10, 10, STEPS, 0]
    assert fits.reader.tolist() == reader.tolist()
    assert fits.counts.tolist() == [3, 0, 2]
    assert fits.rank.tolist() == [0, 1, 2, 0, 1]


def test_a_table_of_some_readers_holds_every_pair_of_theirs():
    reader = np.repeat(np.arange(4), [3, 0, 2, 1])
    fits = Fitting.of(reader, np.arange(6), np.zeros(6, int), 4)
    assert fits.table(np.array([0, 1, 3])).tolist() == [[0, 1, 2], [-1, -1, -1], [5, -1, -1]]
    assert fits.those(reader > 0).table(np.array([2, 0])).tolist() == [[0, 1], [-1, -1]]
