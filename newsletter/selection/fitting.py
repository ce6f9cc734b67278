"""What fits some readers, as pairs of a reader and a paper: few of all, so no tables are needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newsletter.selection.blend import STEPS
from newsletter.selection.texts.hashing import Bools, Ints

_BITS = 20  # for a score in parts of 1


@dataclass(frozen=True, slots=True)
class Fitting:
    """The papers that fit each reader, readers in turn.

    Attributes:
        reader, place: a pair for each, the place is that in the field.
        steps: the score, in so many parts of 1.
        ends: where those of each reader begin, and where the last one's end.
    """

    reader: Ints
    place: Ints
    steps: Ints
    ends: Ints

    @classmethod
    def of(cls, reader: Ints, place: Ints, steps: Ints, readers: int) -> Fitting:
        """`reader`: of each pair, in turn; `readers`: how many there are."""
        ends = np.zeros(readers + 1, np.int64)
        np.cumsum(np.bincount(reader, minlength=readers), out=ends[1:])
        return cls(reader, place, steps, ends)

    @property
    def counts(self) -> Ints:
        """How many fit each reader."""
        return np.diff(self.ends)

    @property
    def rank(self) -> Ints:
        """How many of the same reader stand before each."""
        return np.arange(len(self.reader)) - self.ends[self.reader]

    def those(self, which: Bools) -> Fitting:
        """Some of the pairs alone."""
        kept = self.reader[which], self.place[which], self.steps[which]
        return Fitting.of(*kept, len(self.ends) - 1)

    def best_first(self) -> Fitting:
        """The same in the order of their scores: papers stand in the field in the order that
        decides where these are equal. Each pair is sorted as one number.
        """
        bits = int(self.place.max(initial=0)).bit_length()
        keys = self.reader.astype(np.int64) << _BITS
        keys += STEPS - self.steps
        keys <<= bits
        keys += self.place
        keys.sort()
        place = keys & ((1 << bits) - 1)
        steps = STEPS - ((keys >> bits) & ((1 << _BITS) - 1))
        return Fitting(self.reader, place, steps, self.ends)

    def table(self, readers: Ints) -> Ints:
        """A row for each of some readers: where their papers stand among the pairs, -1 behind these."""
        counts = self.counts[readers]
        column = np.arange(counts.max(initial=0))
        at = self.ends[readers][:, None] + column
        return np.where(column < counts[:, None], at, -1)
