"""What papers share beside their words: people and categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from newsletter.model import Paper
from newsletter.selection.hashing import Floats, Matrix
from newsletter.selection.words import plain

_SHARED_AUTHOR, _MOST_SHARED = 0.8, 2
_CATEGORIES = 2.0  # per unit of cosine

Weighted = tuple[Paper, float]  # a paper and how much it counts, 0 to 1


@dataclass(frozen=True, slots=True)
class Categories:
    """How the stored papers are spread over the categories.

    Attributes:
        column: where each category stands in a vector.
        rarity: how much it says that a paper stands in a category (in nats).
        mean: of the papers that have categories, each as a vector of unit length.
    """

    column: Mapping[str, int]
    rarity: Floats
    mean: Floats

    @classmethod
    def of(cls, papers: Iterable[Paper]) -> Categories:
        placed = [paper.categories for paper in papers if paper.categories]
        held = Counter(code for codes in placed for code in set(codes))
        column = {code: place for place, code in enumerate(sorted(held))}
        holders = np.array([held[code] for code in column], dtype=np.float64)
        rarity = np.log((len(placed) + 1) / holders)
        flat = cls(column, rarity, np.zeros(len(column)))
        kinds = Counter(placed)
        total = np.array(list(kinds.values())) @ flat.vectors(list(kinds)) if kinds else flat.mean
        return cls(column, rarity, np.asarray(total / max(len(placed), 1)))

    def vectors(self, codes: Sequence[Collection[str]]) -> Floats:
        """One row of unit length for each paper's categories, rare ones longer."""
        rows = np.zeros((len(codes), len(self.column)))
        for place, held in enumerate(codes):
            known = [self.column[code] for code in held if code in self.column]
            rows[place, known] = self.rarity[known]
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(length > 0, length, 1))


@dataclass(frozen=True, slots=True)
class Kin:
    """The people and categories of the papers that some readers named, a row for each reader."""

    place: Mapping[str, int]
    authors: Matrix
    centres: Floats
    categories: Categories

    @classmethod
    def of(cls, named: Sequence[Sequence[Weighted]], categories: Categories) -> Kin:
        people = [_people_in(papers) for papers in named]
        place = {name: at for at, name in enumerate(sorted(set().union(*people)))}
        codes = [paper.categories for papers in named for paper, _ in papers]
        weights = [[weight for _, weight in papers] for papers in named]
        means = _mean_by(weights) @ categories.vectors(codes)
        return cls(place, _marks(people, place), np.asarray(means), categories)

    def measure(self, papers: Sequence[Paper]) -> Floats:
        """How much more each paper (row) shares with each reader's (column) than is usual."""
        return self._people(papers) + self._place(papers)

    def _people(self, papers: Sequence[Paper]) -> Floats:
        people = [_people_in([(paper, 1.0)]) for paper in papers]
        shared = (_marks(people, self.place) @ self.authors.T).toarray()
        return np.asarray(_SHARED_AUTHOR * np.minimum(shared, _MOST_SHARED))

    def _place(self, papers: Sequence[Paper]) -> Floats:
        vectors = self.categories.vectors([paper.categories for paper in papers])
        placed = np.outer(vectors.any(axis=1), self.centres.any(axis=1))
        above = vectors @ self.centres.T - self.centres @ self.categories.mean
        return np.where(placed, _CATEGORIES * above, 0.0)


def _people_in(papers: Sequence[Weighted]) -> dict[str, float]:
    """The authors, each as much as the paper of theirs that counts most."""
    found: dict[str, float] = {}
    for paper, weight in papers:
        for name in map(plain, paper.authors):
            found[name] = max(found.get(name, 0.0), weight)
    return found


def _marks(groups: Sequence[Mapping[str, float]], place: Mapping[str, int]) -> Matrix:
    """A row for each group, with how much each known member counts."""
    found = [
        sorted((place[name], of) for name, of in group.items() if name in place) for group in groups
    ]
    indices = np.array([at for row in found for at, _ in row], dtype=np.int32)
    counted = np.array([of for row in found for _, of in row], dtype=np.float32)
    indptr = np.cumsum([0, *(len(row) for row in found)])
    return sparse.csr_matrix((counted, indices, indptr), shape=(len(groups), len(place)))


def _mean_by(groups: Sequence[Sequence[float]]) -> Matrix:
    """A row for each group of neighbours that gives their weighted mean."""
    shares = [weight / (sum(group) or 1) for group in groups for weight in group]
    indptr = np.cumsum([0, *map(len, groups)])
    shape = (len(groups), len(shares))
    return sparse.csr_matrix((np.array(shares), np.arange(len(shares)), indptr), shape=shape)
