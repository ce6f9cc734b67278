"""What papers share beside their words: people and categories."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Paper
from newsletter.selection.batch import Batch
from newsletter.selection.hashing import Floats, Matrix, chosen
from newsletter.selection.kinds import Kinds
from newsletter.selection.words import plain

_SHARED_AUTHOR, _MOST_SHARED = 0.8, 2
_CATEGORIES = 2.0  # per unit of cosine


@dataclass(frozen=True, slots=True)
class Kin:
    """The people and categories of the papers that some readers named.

    Attributes:
        authors: how much each person (column) counts for each reader (row).
        kinds: the categories of each named paper, as a vector.
    """

    place: Mapping[str, int]
    authors: Matrix
    kinds: Floats

    @classmethod
    def of(cls, papers: Sequence[Paper], counted: Matrix, kinds: Kinds) -> Kin:
        """`counted`: how much each paper (column) counts for each reader (row)."""
        people = [frozenset(map(plain, paper.authors)) for paper in papers]
        place = {name: at for at, name in enumerate(sorted(frozenset().union(*people)))}
        authors = (counted @ _marks(people, place)).tocsr()
        authors.data = np.minimum(authors.data, 1)
        return cls(place, authors, kinds.vectors([paper.categories for paper in papers]))

    def people(self, batch: Batch) -> Matrix:
        """What shared authors are worth for each reader (row) and paper (column)."""
        shared = (self.authors @ _marks(batch.people, self.place).T).tocsr()
        shared.data = _SHARED_AUTHOR * np.minimum(shared.data, _MOST_SHARED)
        return shared

    def categories(self, batch: Batch) -> Floats:
        """What like categories are worth for each named paper (row) and paper (column)."""
        return np.asarray(_CATEGORIES * self.kinds @ batch.kinds.T)


def _marks(groups: Sequence[Collection[str]], place: Mapping[str, int]) -> Matrix:
    """A row for each group, with a 1 for each known member."""
    return chosen([sorted(place[n] for n in group if n in place) for group in groups], len(place))
