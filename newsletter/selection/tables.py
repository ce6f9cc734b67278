"""Tables that grow by rows, for what is measured once and asked for again."""

from __future__ import annotations

from typing import Any

import numpy as np

from newsletter.selection.hashing import Floats, Ints, Matrix

_LEVELS = 32767  # of a number in two bytes, on either side of 0


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

    @property
    def all(self) -> Floats:
        """Every row; not to be kept, for it may move."""
        rows: Floats = self._room[: self._used]
        return rows


class ShortRows:
    """The same in two bytes a number: exact to 1/65,000 of the largest in a row.

    A mean of squares over 2,000 numbers is exact to about 1 in 100,000 all the same.
    """

    def __init__(self, width: int, room: int) -> None:
        self._levels = Rows(width, room, np.int16)
        self._step = Rows(1, room)

    def append(self, rows: Floats) -> None:
        """Adds rows at the end."""
        step = np.abs(rows).max(axis=1, initial=0, keepdims=True) / np.float32(_LEVELS)
        self._step.append(step)
        self._levels.append(np.rint(rows / np.where(step > 0, step, 1)))

    def cut(self, size: int) -> None:
        """Forgets all rows but the first."""
        self._step.cut(size)
        self._levels.cut(size)

    def summed(self, shares: Matrix) -> Floats:
        """The sum of the rows by the shares (a column for each of them)."""
        used, column = np.unique(shares.indices, return_inverse=True)
        shape = (shares.shape[0], len(used))
        steps = shares.data * self._step.all[shares.indices, 0]
        few = type(shares)((steps, column, shares.indptr), shape=shape)
        return np.asarray(few @ self._levels.all[used].astype(np.float32))


def shared(counted: Matrix, worth: Floats) -> Matrix:
    """Each row of the matrix as shares of its sum, which is `worth`; nothing stays nothing."""
    each: Ints = np.diff(counted.indptr)
    whole = np.repeat(np.where(worth > 0, worth, 1), each)
    data = (counted.data / whole).astype(np.float32)
    return type(counted)((data, counted.indices, counted.indptr), shape=counted.shape)
