"""Tables that grow by rows, for what is measured once and asked for again."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from newsletter.selection.texts.hashing import Bools, Floats, Ints, Matrix


class Rows:
    """A table that grows: rows of one width, kept together."""

    def __init__(self, width: int, room: int = 64, kind: Any = np.float32) -> None:
        """`room`: so many rows fit in before it has to move; what is not used takes no memory."""
        self._room = np.zeros((room, width), kind)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def append(self, rows: Any) -> None:
        """Adds rows at the end."""
        used = self._used + len(rows)
        if used > len(self._room):
            former = self._room
            self._room = np.zeros((max(used, 2 * len(former)), former.shape[1]), former.dtype)
            self._room[: self._used] = former[: self._used]
        self._room[self._used : used] = rows
        self._used = used

    def cut(self, size: int) -> None:
        """Forgets all rows but the first."""
        self._used = min(self._used, size)

    def only(self, which: Ints) -> Rows:
        """Another table with some of the rows."""
        other = Rows(self._room.shape[1], len(self._room), self._room.dtype)
        other.append(self.all[which])
        return other

    @property
    def all(self) -> Floats:
        """Every row; not to be kept, for it may move."""
        rows: Floats = self._room[: self._used]
        return rows


class Marks:
    """A table of yes and no, a bit each."""

    def __init__(self, width: int, room: int = 64) -> None:
        """As `Rows` have it."""
        self._width = width
        self._words = Rows((width + 63) // 64, room, np.uint64)

    def append(self, rows: Bools) -> None:
        """Adds rows at the end."""
        bits = np.zeros((len(rows), 8 * self._words.all.shape[1]), np.uint8)
        packed = np.packbits(rows, axis=1)
        bits[:, : packed.shape[1]] = packed
        self._words.append(bits.view(np.uint64))

    def cut(self, size: int) -> None:
        """Forgets all rows but the first."""
        self._words.cut(size)

    def any(self, which: Ints, ends: Ints) -> Bools:
        """Where any of some rows says yes; where those of each set begin, and the last end."""
        words = self._words.all
        found = np.zeros((len(ends) - 1, words.shape[1]), np.uint64)
        some = np.flatnonzero(np.diff(ends))
        if len(some):
            found[some] = np.bitwise_or.reduceat(words[which], ends[some], axis=0)
        return np.unpackbits(found.view(np.uint8), axis=1, count=self._width).view(bool)


def within(ends: Ints, which: Ints) -> tuple[Ints, Ints]:
    """The members of some sets: of which of those sets each is, in turn, and where it stands.

    `ends`: where the members of each set begin, and where the last one's end.
    """
    first = ends[which]
    each = ends[which + 1] - first
    of = np.repeat(np.arange(len(which)), each)
    return of, np.arange(len(of)) + (first - np.cumsum(each) + each)[of]


def adding(shares: Floats, ends: Ints, columns: Ints | None = None, width: int = 0) -> Matrix:
    """A matrix that, times some rows, adds them up by shares.

    Args:
        ends: where the shares of each sum begin, and where the last one's end.
        columns: the row that each share is of, among `width`; else they are as many as the shares.
    """
    if columns is None:
        columns, width = np.arange(len(shares), dtype=np.int32), len(shares)
    shape = (len(ends) - 1, width)
    return sparse.csr_matrix((shares, columns, ends.astype(np.int32)), shape=shape)
