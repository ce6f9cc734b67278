"""How crowded it is around a paper: papers in the thick of a fashion are like many others anyway.

Without it they would win for every reader (the "hubs" of nearest-neighbour search); taking it off
the likeness is CSLS of Conneau et al., 2018.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from newsletter.selection.hashing import Floats, Matrix
from newsletter.selection.space import Rows

_NEAREST = 0.02  # share of the stored papers that make the crowd around one
_STORED = 2000  # that stand for all
_FEWEST = 200  # too few to say where it is crowded
_SAME = 0.99  # cosine from which a stored paper is the paper itself
_BLOCK = 500


@dataclass(frozen=True, slots=True)
class Crowd:
    """Some stored papers, and how crowded it usually is."""

    papers: Matrix
    usual: float
    spread: float

    @classmethod
    def of(cls, sample: Matrix) -> Crowd:
        """The first of the sample stand for all."""
        papers = sample[:_STORED]
        if papers.shape[0] < _FEWEST:
            return cls(papers[:0], 0.0, 1.0)
        around = cls(papers, 0.0, 1.0).around(papers)
        return cls(papers, float(around.mean()), float(around.std()) or 1.0)

    def marked(self, rows: Rows) -> Rows:
        """The rows with their crowds."""
        return replace(rows, crowd=self.around(rows.units))

    def around(self, units: Matrix) -> Floats:
        """The mean cosine with the nearest, in standard deviations above the usual one."""
        size = self.papers.shape[0]
        if not size:
            return np.zeros(units.shape[0])
        nearest = int(size * _NEAREST)
        against = self.papers.T.tocsr()
        blocks = [units[start : start + _BLOCK] for start in range(0, units.shape[0], _BLOCK)]
        found = [_nearest((block @ against).toarray(), nearest) for block in blocks]
        return (np.concatenate([np.zeros(0), *found]) - self.usual) / self.spread


def _nearest(cosines: Floats, count: int) -> Floats:
    cosines[cosines >= _SAME] = 0
    return np.asarray(np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1), np.float64)
