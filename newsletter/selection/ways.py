"""In which ways papers are alike: by words, and in spaces of few dimensions.

What is usual for a reader is a mean and a spread over the stored papers. Both follow from what is
kept of each paper that anybody named, so no stored paper is looked at again for a reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.selection.batch import Batch, Spots
from newsletter.selection.hashing import Floats, Ints, Matrix
from newsletter.selection.tables import Rows, ShortRows
from newsletter.selection.turned import Turned
from newsletter.selection.usual import Usual

# What is usual when hardly any paper is stored.
SPREAD_OF_WORDS, SPREAD_IN_SPACE, SPREAD_OF_MEANING = 0.02, 0.15, 0.1

_TITLES = 0.4  # the titles of the named papers count so much more


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The papers among those that stand for all that readers named: they would blur what is usual.

    Attributes:
        reader, place: one pair for each.
        left: how many papers stay, for each reader.
    """

    reader: Ints
    place: Ints
    left: Ints

    @classmethod
    def of(cls, counted: Matrix, usual_place: Ints, size: int) -> LeftOut:
        """`usual_place`: where each named paper (column) is among the `size` papers, or -1."""
        place = usual_place[counted.indices]
        theirs = (place >= 0) & (counted.data > 0)
        readers = counted.shape[0]
        reader = np.repeat(np.arange(readers), np.diff(counted.indptr))[theirs]
        return cls(reader, place[theirs], size - np.bincount(reader, minlength=readers))

    def usual(self, sums: Floats, squares: Floats, out: Floats, prior_spread: float) -> Usual:
        """`sums` and `squares` over all papers for each reader; `out`: the value of each pair."""
        size = len(self.left)
        sums = sums - np.bincount(self.reader, out, size)
        squares = squares - np.bincount(self.reader, np.square(out, dtype=np.float64), size)
        return Usual.summed(self.left, sums, squares, prior_spread)


class ByWords:
    """Cosines of words and pairs above those with any paper; what is in the title counts more.

    Attributes:
        weight: what this way counts.
        alike: how alike each named paper (row) is to each of the round (column).
        cosines: their cosines alone.
    """

    weight = 1.0

    def __init__(self, usual: Batch, batch: Batch, room: int) -> None:
        self._usual, self._batch = usual, batch
        self.alike, self.cosines = Rows(len(batch), room), Rows(len(batch), room)
        self._to_usual = ShortRows(len(usual), room)

    def append(self, units: Matrix, titles: Matrix, usual_place: Ints) -> None:
        """Adds named papers. What each is to itself is left out for whoever named it: not kept."""
        cosines = self._batch.said(units).T
        self.cosines.append(cosines)
        self.alike.append(cosines + _TITLES * self._batch.said(titles).T - self._batch.common)
        to_usual = self._usual.said(units).T + _TITLES * self._usual.said(titles).T
        to_usual -= self._usual.common
        itself = np.flatnonzero(usual_place >= 0)
        to_usual[itself, usual_place[itself]] = 0
        self._to_usual.append(to_usual)

    def cut(self, size: int) -> None:
        """Forgets all named papers but the first."""
        for table in (self.alike, self.cosines, self._to_usual):
            table.cut(size)

    def usual(self, shares: Matrix, left_out: LeftOut) -> Usual:
        """What is usual for each reader, by the shares of what they named."""
        values = self._to_usual.summed(shares)
        out = values[left_out.reader, left_out.place]
        squares = np.einsum("ij,ij->i", values, values)
        return left_out.usual(values.sum(axis=1), squares, out, SPREAD_OF_WORDS)


class InSpace:
    """Cosines in a space of few dimensions, above those with any paper."""

    def __init__(
        self, turned: Turned, spots: Spots, room: int, *, weight: float, prior: float
    ) -> None:
        self.weight, self._prior = weight, prior
        self._turned, self._spots = turned, spots
        self.alike = Rows(len(spots.vectors), room)
        self._named = Rows(len(turned.sums), room)

    def append(self, vectors: Floats) -> None:
        """Adds named papers."""
        exact = vectors.astype(np.float64)
        self.alike.append(exact @ self._spots.vectors.T - self._spots.common)
        self._named.append(self._turned.turned(exact))

    def cut(self, size: int) -> None:
        """Forgets all named papers but the first."""
        self.alike.cut(size)
        self._named.cut(size)

    def usual(self, shares: Matrix, left_out: LeftOut) -> Usual:
        """What is usual for each reader, by the shares of what they named."""
        theirs = np.asarray(shares @ self._named.all, np.float64)
        of_pairs = theirs[left_out.reader], self._turned.places[left_out.place]
        squares = np.einsum("ij,ij->i", theirs, theirs)
        out = np.einsum("ij,ij->i", *of_pairs)
        return left_out.usual(theirs @ self._turned.sums, squares, out, self._prior)


Ways = Sequence[ByWords | InSpace]
