"""Which interests of a reader a paper meets: what a pick's reasons are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Any

import numpy as np

from newsletter.model import Profile, Why
from newsletter.selection.fit.asked import Asked
from newsletter.selection.fit.literal import Interest
from newsletter.selection.fit.tastes import EXACT_TITLE, Tastes
from newsletter.selection.texts.hashing import Bools, Floats, Ints

_strength = itemgetter(0)


Evidence = tuple[float, Interest]
"""One interest that a paper meets, and how strongly: standard deviations above what is usual."""


@dataclass(frozen=True, slots=True)
class Met:
    """What some pairs of a reader and a paper have in common, a column for each pair.

    Attributes:
        reader, place: of each pair.
        asked: each interest of the reader (row, in their order), padded with -1.
        strength: how strongly the paper meets it; -inf where it does not.
    """

    tastes: Tastes
    reader: Ints
    place: Ints
    asked: Ints
    strength: Floats

    @classmethod
    def of(cls, tastes: Tastes, reader: Ints, place: Ints) -> Met:
        asked = np.ascontiguousarray(tastes.asked.padded()[reader].T)
        strength = tastes.columns.told[asked, place]
        strength[asked < 0] = -np.inf
        return cls(tastes, reader, place, asked, strength)

    def any(self) -> Bools:
        """Whether a pair has anything in common."""
        found: Bools = np.asarray((self.strength > -np.inf).any(axis=0))
        if self.tastes.told is not None:
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
        pair, number = (self.strength > -np.inf).T.nonzero()
        strength = self.strength[number, pair]
        order = np.lexsort((number, -strength, pair))
        pair, number, strength = pair[order], number[order], strength[order]
        interests = self.tastes.columns.interests
        named = self.asked[number, pair].tolist()
        met = list(zip(strength.tolist(), map(interests.__getitem__, named), strict=True))
        ends = np.searchsorted(pair, np.arange(len(self.reader) + 1)).tolist()
        return [met[start:end] for start, end in pairwise(ends)]

    def _liked(self) -> Iterator[tuple[int, Evidence]]:
        """The pairs for which a liked paper is told, with the one that is nearest."""
        likes, told = self.tastes.likes, self.tastes.told
        if likes is None or told is None:
            return
        pairs = np.flatnonzero(told[self.reader, self.place])
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


def topics_met(tastes: Tastes, readers: Ints, place: Ints, most: int) -> tuple[Ints, Ints]:
    """For some papers of some readers (row) a bit for each topic they meet, and the number of the one
    they meet best (-1: none).

    Topics beyond `most` share the last bit.

    Args:
        place: of the papers in the round, -1 behind them.
    """
    asked, columns = tastes.asked, tastes.columns
    topics = asked.those(columns.are_topics[asked.rows])
    bits, first = _met_by(topics, columns.told, readers, place, most)
    if tastes.exact:
        row_of = {reader: row for row, reader in enumerate(readers.tolist())}
        for (reader, paper), topic in tastes.exact.items():
            if reader in row_of:
                number = _number(tastes.profiles[reader], topic, most)
                which = np.flatnonzero(place[row_of[reader]] == paper)
                bits[row_of[reader], which] |= bits.dtype.type(1 << number)
                first[row_of[reader], which] = number
    return bits, first


def _met_by(
    topics: Asked, told: Floats, readers: Ints, place: Ints, most: int
) -> tuple[Ints, Ints]:
    """The same without titles."""
    start, counts = topics.ends[:-1][readers], np.diff(topics.ends)[readers]
    few = counts.max(initial=0) <= 8
    bits = np.zeros(place.shape, np.uint8 if few else np.uint64)
    first = np.full(place.shape, -1, np.int8)
    best = np.full(place.shape, -np.inf, np.float32)
    at = np.maximum(place, 0).astype(np.intp)
    for number in range(counts.max(initial=0)):
        some: Any = np.flatnonzero(counts > number)
        row = topics.rows[start[some] + number].astype(np.intp) * told.shape[1]
        if len(some) == len(counts):
            some = slice(None)
        met, bit = told.ravel().take(at[some] + row[:, None]), min(number, most - 1)
        first[some] = np.where(met > best[some], np.int8(bit), first[some])
        best[some] = np.maximum(best[some], met)
        bits[some] |= (met > -np.inf).astype(bits.dtype) << bits.dtype.type(bit)
    bits[place < 0], first[place < 0] = 0, -1
    return bits, first


def _number(profile: Profile, topic: str, most: int) -> int:
    topics = list(dict.fromkeys(t for t in profile.topics if t.strip()))
    return min(topics.index(topic), most - 1)
