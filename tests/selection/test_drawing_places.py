"""Places are drawn the same whether a reader is looked at in a narrow table or in a wide one."""

from __future__ import annotations

import numpy as np
import pytest

from newsletter.selection.diversity import Offered, choose

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
    for widths in ((), (0,), (3, 11, 40), (WIDTH,)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("newsletter.selection.diversity._WIDTHS", widths)
            other = choose(offered, alike)
        assert np.array_equal(other.picked, together.picked)
        assert np.array_equal(other.repeats, together.repeats)
    assert together.picked.any()
