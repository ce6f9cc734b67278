"""How taste and trend become one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from newsletter.model import Profile
from newsletter.selection.fit.asked import Asked
from newsletter.selection.texts.hashing import Bools, Floats, Ints

HALF_WAY = 5.0  # a total that makes a taste of 0.63
STEPS = 1_000_000  # that a score is told in
_DECIMALS = 6  # what is further down is noise of the order of adding

_trend_weight = attrgetter("trend_weight")


@dataclass(frozen=True, slots=True)
class Blend:
    """The parts that trend and taste have in the scores of some readers.

    Attributes:
        weight: of the trend; where no votes are known, taste decides by itself.
        alone: who follows the trend alone: who named no interest, or wants none of them to count.
    """

    weight: Floats
    alone: Bools

    @classmethod
    def of(cls, profiles: Sequence[Profile], asked: Asked, *, has_votes: bool) -> Blend:
        """`asked`: the interests of these readers."""
        wanted = np.fromiter(map(_trend_weight, profiles), np.float64, len(profiles))
        alone = wanted >= 1
        for reader in np.flatnonzero(np.diff(asked.ends) == 0).tolist():
            alone[reader] |= profiles[reader].says_nothing
        weight = np.clip(wanted, 0, 1) if has_votes else np.zeros_like(wanted)
        return cls(np.where(alone, 1, weight).astype(np.float32), alone)

    def steps(self, reader: Ints, totals: Floats, trend: Floats) -> Ints:
        """The scores of pairs of a reader and a paper, in so many parts of 1."""
        weight = self.weight[reader]
        scores = _taste(totals)
        scores *= 1 - weight
        if weight.any():
            scores += weight * trend
        scores *= STEPS
        return np.rint(scores, out=scores).astype(np.int32)


def tastes_of(totals: Floats) -> Floats:
    """Totals on a scale from 0 (nothing fits) towards 1."""
    return np.asarray(_taste(totals), np.float64).round(_DECIMALS)


def _taste(totals: Floats) -> Floats:
    tastes = np.maximum(totals, np.float32(0))
    tastes /= np.float32(-HALF_WAY)
    return np.subtract(np.float32(1), np.exp(tastes, out=tastes), out=tastes)
