"""What papers share beside their words: people and categories."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from scipy import sparse

from newsletter.model import Paper
from newsletter.selection.texts.hashing import Floats, Ints, Matrix, chosen
from newsletter.selection.texts.tables import within
from newsletter.selection.texts.words import plain
from newsletter.selection.usual.batch import Batch
from newsletter.selection.usual.kinds import Kinds

_SHARED_AUTHOR, _MOST_SHARED = 0.8, 2
_CATEGORIES = 2.0  # per unit of cosine
_BITS = 32  # for a column


class Kin:
    """The people and categories that named papers share with those of a round.

    Attributes:
        placed: whether any paper of the round has a category.
    """

    def __init__(self, kinds: Kinds, batch: Batch) -> None:
        self._kinds = kinds
        names = sorted(frozenset[str]().union(*batch.people))
        self._place = {name: at for at, name in enumerate(names)}
        self._wrote = _marks(batch.people, self._place).T.tocsr()
        self._people = _marks([], self._place)
        self.placed = bool(batch.kinds.any())
        self._facing = (_CATEGORIES * batch.kinds.T).astype(np.float32)
        self._categories = sparse.csr_matrix((0, len(self._facing)), dtype=np.float32)

    def append(self, papers: Sequence[Paper]) -> None:
        """Adds named papers."""
        people = _marks([list(map(plain, paper.authors)) for paper in papers], self._place)
        self._people = sparse.vstack([self._people, people], format="csr")
        if self.placed:
            kinds = self._kinds.vectors([paper.categories for paper in papers])
            held = sparse.csr_matrix(kinds.astype(np.float32))
            self._categories = sparse.vstack([self._categories, held], format="csr")

    def cut(self, size: int) -> None:
        """Forgets all named papers but the first."""
        self._people, self._categories = self._people[:size], self._categories[:size]

    def categories(self, shares: Matrix) -> Floats:
        """What like categories are worth for each reader (row) and paper (column).

        `shares`: what each named paper (column) counts for each reader (row).
        """
        return np.asarray((shares @ self._categories) @ self._facing)

    def people(self, reader: Ints, row: Ints, counted: Floats) -> tuple[Ints, Ints, Floats]:
        """Readers, papers of the round that share authors with what they named, and what that is
        worth.

        `reader`: who named which `row`, in turn; `counted`: how much that counts.
        """
        of, author = _marked(self._people, row)
        each, counts = _added(reader[of], author, counted[of])
        of, place = _marked(self._wrote, each[1])
        pairs, shared = _added(each[0][of], place, np.minimum(counts, 1)[of])
        return *pairs, _SHARED_AUTHOR * np.minimum(shared, _MOST_SHARED)


def _marked(marks: Matrix, rows: Ints) -> tuple[Ints, Ints]:
    """Every mark in some rows: of which of them, in turn, and in which column."""
    of, at = within(marks.indptr, rows)
    return of, marks.indices[at]


def _added(row: Ints, column: Ints, values: Floats) -> tuple[tuple[Ints, Ints], Floats]:
    """The values of each cell, added up."""
    cells, which = np.unique((row << _BITS) + column, return_inverse=True)
    added = np.bincount(which, values, len(cells)).astype(np.float64)
    return (cells >> _BITS, cells & ((1 << _BITS) - 1)), added


def _marks(groups: Sequence[Collection[str]], place: Mapping[str, int]) -> Matrix:
    """A row for each group, with a 1 for each known member."""
    known = [{place[name] for name in group if name in place} for group in groups]
    return chosen([sorted(members) for members in known], len(place))
