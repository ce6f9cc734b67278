"""What values are usual, and how many standard deviations a value is above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.selection.hashing import Bools, Floats

_PRIOR_WEIGHT = 20  # how many papers the guess is worth that stands in where few are stored


@dataclass(frozen=True, slots=True)
class Usual:
    """Mean and spread of each column, shrunk where little is known."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, values: Floats, prior_spread: float, counted: Bools | None = None) -> Usual:
        """Measured on one row per stored paper; with `counted`, on those marked alone."""
        marked = np.ones(values.shape, bool) if counted is None else counted
        count = marked.sum(axis=0)
        some = np.maximum(count, 1)
        mean = np.where(marked, values, 0).sum(axis=0) / some
        variance = (np.where(marked, values - mean, 0) ** 2).sum(axis=0) / some
        share = count / (count + _PRIOR_WEIGHT)
        spread = np.sqrt(variance * share + prior_spread**2 * (1 - share))
        return cls(mean * share, np.maximum(spread, prior_spread / 10))

    @classmethod
    def joined(cls, parts: Sequence[Usual]) -> Usual:
        """The columns of all parts in their order."""
        none = np.zeros(0)
        mean = np.concatenate([none, *(part.mean for part in parts)])
        return cls(mean, np.concatenate([none, *(part.spread for part in parts)]))

    def above(self, values: Floats) -> Floats:
        """The values in standard deviations above the usual one."""
        return np.asarray((values - self.mean) / self.spread)
