"""How crowded it is around a paper: papers in the thick of a fashion are like many others anyway.

Without it they would win for every reader (the "hubs" of nearest-neighbour search); taking it off
the likeness is CSLS of Conneau et al., 2018.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from newsletter.selection.texts.hashing import Floats, Matrix
from newsletter.selection.usual.space import Rows

_NEAREST = 0.02  # share of the stored papers that make the crowd around one
_STORED = 2000  # that stand for all
_FEWEST = 200  # too few to say where it is crowded
_LONG = (
    0.25  # what a longer text makes up for: in vectors of unit length each word counts less there
)
_SAME = 0.99  # cosine from which a stored paper is the paper itself
_BLOCK = 250


@dataclass(frozen=True, slots=True)
class Crowd:
    """Some stored papers; how crowded it usually is (mean and spread), and how long they are."""

    papers: Matrix
    usual: tuple[float, float]
    length: tuple[float, float]

    @classmethod
    def of(cls, sample: Rows) -> Crowd:
        """The first of the sample stand for all."""
        papers = sample.units[:_STORED]
        if papers.shape[0] < _FEWEST:
            return cls(papers[:0], (0.0, 1.0), (0.0, 1.0))
        around = cls(papers, (0.0, 1.0), (0.0, 1.0)).around(papers)
        return cls(papers, _mean_and_spread(around), _mean_and_spread(sample.lengths))

    def marked(self, rows: Rows) -> Rows:
        """The rows with how crowded it is around each, in standard deviations above the usual."""
        if not self.papers.shape[0]:
            return rows
        long = np.clip(_above(rows.lengths, self.length), -2, 2)
        return replace(rows, crowd=_above(self.around(rows.units), self.usual) - _LONG * long)

    def around(self, units: Matrix) -> Floats:
        """The mean cosine with the nearest."""
        size = self.papers.shape[0]
        nearest = int(size * _NEAREST)
        against = self.papers.T.tocsr()
        blocks = (units[start : start + _BLOCK] for start in range(0, units.shape[0], _BLOCK))
        found = [_nearest((block @ against).toarray(), nearest) for block in blocks]
        return np.concatenate([np.zeros(0), *found])


def _mean_and_spread(values: Floats) -> tuple[float, float]:
    return float(values.mean()), float(values.std()) or 1.0


def _above(values: Floats, usual: tuple[float, float]) -> Floats:
    mean, spread = usual
    return np.asarray((values - mean) / spread)


def _nearest(cosines: Floats, count: int) -> Floats:
    cosines[cosines >= _SAME] = 0
    return np.asarray(np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1), np.float64)
