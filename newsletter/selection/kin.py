"""What papers share beside their words: people and categories."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from scipy import sparse

from newsletter.model import Paper
from newsletter.selection.batch import Batch
from newsletter.selection.hashing import Floats, Ints, Matrix, chosen
from newsletter.selection.kinds import Kinds
from newsletter.selection.words import plain

_SHARED_AUTHOR, _MOST_SHARED = 0.8, 2
_CATEGORIES = 2.0  # per unit of cosine


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
        known = np.flatnonzero(np.diff(self._people.indptr)[row])
        if not len(known):
            return known, known, counted[:0]
        shape = int(reader[-1]) + 1, self._people.shape[0]
        named = sparse.csr_matrix((counted[known], (reader[known], row[known])), shape=shape)
        authors = named @ self._people
        authors.data = np.minimum(authors.data, 1)
        shared = (authors @ self._wrote).tocoo()
        return shared.row, shared.col, _SHARED_AUTHOR * np.minimum(shared.data, _MOST_SHARED)


def _marks(groups: Sequence[Collection[str]], place: Mapping[str, int]) -> Matrix:
    """A row for each group, with a 1 for each known member."""
    known = [{place[name] for name in group if name in place} for group in groups]
    return chosen([sorted(members) for members in known], len(place))
