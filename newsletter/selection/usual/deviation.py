"""What values are usual, and how many standard deviations a value is above them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newsletter.selection.texts.hashing import Floats, Ints

_PRIOR_WEIGHT = 20  # how many papers the guess is worth that stands in where few are stored


@dataclass(frozen=True, slots=True)
class Usual:
    """Mean and spread of each column, shrunk where little is known."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, values: Floats, prior_spread: float) -> Usual:
        """Measured on one row per stored paper."""
        size = len(values)
        some = max(size, 1)
        mean = values.sum(axis=0) / some
        variance = ((values - mean) ** 2).sum(axis=0) / some
        return cls._shrunk(np.full(mean.shape, size), mean, variance, prior_spread)

    @classmethod
    def summed(cls, count: Ints, sums: Floats, squares: Floats, prior_spread: float) -> Usual:
        """The same by how many values there are, their sum and the sum of their squares."""
        some = np.maximum(count, 1)
        mean = sums / some
        return cls._shrunk(count, mean, np.maximum(squares / some - mean**2, 0), prior_spread)

    @classmethod
    def _shrunk(cls, count: Ints, mean: Floats, variance: Floats, prior_spread: float) -> Usual:
        share = count / (count + _PRIOR_WEIGHT)
        spread = np.sqrt(variance * share + prior_spread**2 * (1 - share))
        return cls(mean * share, np.maximum(spread, prior_spread / 10))

    def above(self, values: Floats) -> Floats:
        """The values in standard deviations above the usual one."""
        return np.asarray((values - self.mean) / self.spread)
