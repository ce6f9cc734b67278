"""The categories of papers as vectors, measured on the stored papers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Paper
from newsletter.selection.texts.hashing import Floats


@dataclass(frozen=True, slots=True)
class Kinds:
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
    def of(cls, papers: Iterable[Paper]) -> Kinds:
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

    def above(self, codes: Sequence[Collection[str]]) -> Floats:
        """The same less what all papers share; a paper without categories stays at nothing."""
        rows = self.vectors(codes)
        return np.asarray(rows - np.outer(rows.any(axis=1), self.mean))
