"""Which interests of a reader a paper meets: what a pick's reasons are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter

import numpy as np

from newsletter.model import Why
from newsletter.selection.hashing import Bools, Floats, Ints
from newsletter.selection.literal import Interest
from newsletter.selection.tastes import EXACT_TITLE, Tastes

_strength = itemgetter(0)


Evidence = tuple[float, Interest]
"""One interest that a paper meets, and how strongly: standard deviations above what is usual."""


@dataclass(frozen=True, slots=True)
class Met:
    """What some pairs of a reader and a paper have in common, a column for each pair.

    Attributes:
        reader, place: of each pair.
        held: for each interest of the reader (row, in their order) whether the paper meets it;
            `strength`: how much.
    """

    tastes: Tastes
    reader: Ints
    place: Ints
    held: Bools
    strength: Floats

    @classmethod
    def of(cls, tastes: Tastes, reader: Ints, place: Ints) -> Met:
        asked = tastes.asked[reader].T
        held = tastes.columns.held[asked, place] > 0
        return cls(
            tastes, reader, place, held & (asked >= 0), tastes.columns.strength[asked, place]
        )

    def topics(self, most: int) -> tuple[Ints, Ints]:
        """For each pair a bit for each topic it meets, and the number of the strongest (-1: none).

        Topics beyond `most` share the last bit.
        """
        bits = np.zeros(len(self.reader), np.uint64)
        first = np.full(len(self.reader), -1, np.int64)
        best = np.full(len(self.reader), -np.inf, np.float32)
        broad = np.array([why is Why.TOPIC for why, _ in self.tastes.columns.interests], bool)
        for number, (held, strength) in enumerate(zip(self.held, self.strength, strict=True)):
            met = held & broad[self.tastes.asked[self.reader, number]]
            bit = min(number, most - 1)
            bits |= met.astype(np.uint64) << np.uint64(bit)
            better = met & (strength > best)
            first[better], best[better] = bit, strength[better]
        self._mark_exact(bits, first, most)
        return bits, first

    def any(self) -> Bools:
        """Whether a pair has anything in common."""
        found: Bools = np.asarray(self.held.any(axis=0))
        found |= self.tastes.told[self.reader, self.place]
        for at, _ in self._exact():
            found[at] = True
        return found

    def each(self) -> Iterator[list[Evidence]]:
        """What each pair meets, strongest first."""
        found = self._found()
        for at, liked in self._liked():
            found[at] = sorted([*found[at], liked], key=_strength, reverse=True)
        for at, title in self._exact():
            others = (item for item in found[at] if item[1][1] != title)
            found[at] = [(EXACT_TITLE, (Why.TOPIC, title)), *others]
        yield from found

    def _found(self) -> list[list[Evidence]]:
        """Without what belongs to single pairs."""
        pair, number = self.held.T.nonzero()
        strength = self.strength[number, pair]
        order = np.lexsort((number, -strength, pair))
        pair, number, strength = pair[order], number[order], strength[order]
        interests = self.tastes.columns.interests
        named = self.tastes.asked[self.reader[pair], number].tolist()
        met = list(zip(strength.tolist(), map(interests.__getitem__, named), strict=True))
        ends = np.searchsorted(pair, np.arange(len(self.reader) + 1)).tolist()
        return [met[start:end] for start, end in pairwise(ends)]

    def _liked(self) -> Iterator[tuple[int, Evidence]]:
        """The pairs for which a liked paper is told, with the one that is nearest."""
        likes = self.tastes.likes
        if likes is None:
            return
        pairs = np.flatnonzero(self.tastes.told[self.reader, self.place])
        found = likes.like(self.reader[pairs], self.place[pairs])
        for at, (strength, title) in zip(pairs.tolist(), found, strict=True):
            yield at, (strength, (Why.LIKED, title))

    def _exact(self) -> list[tuple[int, str]]:
        """The pairs of a reader and a paper whose very title they typed, with their words."""
        exact = self.tastes.exact
        if not exact:
            return []
        pairs = zip(self.reader.tolist(), self.place.tolist(), strict=True)
        return [(at, exact[pair]) for at, pair in enumerate(pairs) if pair in exact]

    def _mark_exact(self, bits: Ints, first: Ints, most: int) -> None:
        for at, topic in self._exact():
            number = self._number(int(self.reader[at]), topic, most)
            bits[at] |= np.uint64(1) << np.uint64(number)
            first[at] = number

    def _number(self, reader: int, topic: str, most: int) -> int:
        topics = list(dict.fromkeys(t for t in self.tastes.profiles[reader].topics if t.strip()))
        return min(topics.index(topic), most - 1)
