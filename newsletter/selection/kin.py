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
    """The people and categories of the papers that some readers named, a row for each reader."""

    place: Mapping[str, int]
    authors: Matrix
    centres: Floats
    kinds: Kinds

    @classmethod
    def of(cls, papers: Sequence[Paper], counted: Matrix, shares: Matrix, kinds: Kinds) -> Kin:
        """`counted`: how much each paper (column) counts for each reader; `shares` adds up to 1."""
        people = [frozenset(map(plain, paper.authors)) for paper in papers]
        place = {name: at for at, name in enumerate(sorted(frozenset().union(*people)))}
        authors = (counted @ _marks(people, place)).tocsr()
        authors.data = np.minimum(authors.data, 1)
        centres = shares @ kinds.vectors([paper.categories for paper in papers])
        return cls(place, authors, np.asarray(centres), kinds)

    def measure(self, batch: Batch) -> Floats:
        """How much more each paper (row) shares with each reader's (column) than is usual."""
        shared = (_marks(batch.people, self.place) @ self.authors.T).toarray()
        placed = np.outer(batch.kinds.any(axis=1), self.centres.any(axis=1))
        above = batch.kinds @ self.centres.T - self.centres @ self.kinds.mean
        return np.asarray(
            _SHARED_AUTHOR * np.minimum(shared, _MOST_SHARED)
            + np.where(placed, _CATEGORIES * above, 0.0)
        )


def _marks(groups: Sequence[Collection[str]], place: Mapping[str, int]) -> Matrix:
    """A row for each group, with a 1 for each known member."""
    return chosen([sorted(place[n] for n in group if n in place) for group in groups], len(place))
