"""Vectors turned so that the squares of their products with all stored papers can be told at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newsletter.selection.texts.hashing import Floats
from newsletter.selection.usual.batch import Spots

_FLAT = 1e-9  # share of the strongest direction that the others have at least, lest none be lost


@dataclass(frozen=True, slots=True)
class Turned:
    """The papers that stand for all, in a space of few dimensions, by their main directions.

    The products of a vector with all of them are `places @ turned`; as the columns of `places` are
    of unit length and square to each other, the sum of their squares is that of `turned`. `sums` are
    those of the columns.
    """

    mean: Floats
    turn: Floats
    back: Floats
    places: Floats
    sums: Floats

    @classmethod
    def of(cls, spots: Spots, mean: Floats) -> Turned:
        """Of those papers, whose mean is given."""
        vectors = spots.vectors.astype(np.float64)
        strength, axes = np.linalg.eigh(vectors.T @ vectors)
        length = np.sqrt(np.maximum(strength, _FLAT * (strength.max(initial=0) or 1)))
        turn, back = ((axes * by).astype(np.float32) for by in (length, 1 / length))
        places = (vectors @ (axes / length)).astype(np.float32)
        return cls(mean, turn, back, places, places.sum(axis=0, dtype=np.float64))

    def turned(self, vectors: Floats) -> Floats:
        """What the vectors have above the mean."""
        above = vectors - self.mean.astype(np.float32)
        return np.asarray(above @ self.turn)

    def facing(self, vectors: Floats) -> Floats:
        """Those whose products with turned vectors are as if none had been turned."""
        return np.asarray(vectors @ self.back)
