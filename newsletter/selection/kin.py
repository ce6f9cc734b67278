"""What papers share beside their words: people and categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Paper
from newsletter.selection.hashing import Floats
from newsletter.selection.words import plain

_SHARED_AUTHOR, _MOST_SHARED = 0.8, 2
_CATEGORIES = 2.0  # per unit of cosine


@dataclass(frozen=True, slots=True)
class Categories:
    """How the stored papers are spread over the categories.

    Attributes:
        rarity: how much it says that a paper stands in a category (in nats).
        mean: of the papers that have categories, each as a vector of unit length.
    """

    rarity: Mapping[str, float]
    mean: Mapping[str, float]

    @classmethod
    def of(cls, papers: Sequence[Paper]) -> Categories:
        placed = [paper for paper in papers if paper.categories]
        held = Counter(code for paper in placed for code in set(paper.categories))
        rarity = {code: float(np.log((len(placed) + 1) / count)) for code, count in held.items()}
        return cls(rarity, cls(rarity, {}).centre(placed))

    def centre(self, papers: Sequence[Paper]) -> dict[str, float]:
        """The mean of the papers' vectors."""
        total: Counter[str] = Counter()
        for paper in papers:
            total.update(self.vector(paper))
        return {code: value / len(papers) for code, value in total.items()}

    def vector(self, paper: Paper) -> dict[str, float]:
        """Its categories, rare ones longer, together of unit length."""
        row = {code: self.rarity.get(code, 1.0) for code in paper.categories}
        length = sum(value**2 for value in row.values()) ** 0.5
        return {code: value / length for code, value in row.items()} if length else {}


@dataclass(frozen=True, slots=True)
class Kin:
    """The people and categories of some named papers."""

    authors: frozenset[str]
    centre: Mapping[str, float]
    categories: Categories

    @classmethod
    def of(cls, named: Sequence[Paper], categories: Categories) -> Kin:
        authors = frozenset(plain(name) for paper in named for name in paper.authors)
        return cls(authors, categories.centre(named), categories)

    def measure(self, papers: Sequence[Paper]) -> Floats:
        """How much more each paper shares with the named ones than is usual."""
        usual = _product(self.categories.mean, self.centre)
        return np.array([self._people(paper) + self._place(paper, usual) for paper in papers])

    def _people(self, paper: Paper) -> float:
        shared = len(self.authors.intersection(plain(name) for name in paper.authors))
        return _SHARED_AUTHOR * min(shared, _MOST_SHARED)

    def _place(self, paper: Paper, usual: float) -> float:
        if not (paper.categories and self.centre):
            return 0.0
        return _CATEGORIES * (_product(self.categories.vector(paper), self.centre) - usual)


def _product(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum(value * other.get(code, 0.0) for code, value in one.items())
