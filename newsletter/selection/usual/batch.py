"""Papers made ready once, to be weighed for any number of readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Paper
from newsletter.selection.texts.hashing import Floats, Ints, Matrix
from newsletter.selection.texts.reading import Reading
from newsletter.selection.texts.words import plain
from newsletter.selection.usual.kinds import Kinds
from newsletter.selection.usual.space import Rows


@dataclass(frozen=True, slots=True)
class Means:
    """The mean of what stands for the stored papers, by words, in the latent space, by meaning."""

    units: Floats
    dense: Floats
    meaning: Floats

    @classmethod
    def of(cls, sample: Rows) -> Means:
        """Of those papers; zeros where there are none."""
        some = max(len(sample), 1)
        units = np.asarray(sample.units.sum(axis=0)).ravel() / some
        return cls(units, sample.dense.sum(axis=0) / some, sample.meaning.sum(axis=0) / some)


@dataclass(frozen=True, slots=True)
class Spots:
    """Some papers in a space of few dimensions, and the cosine of each with all stored papers."""

    vectors: Floats
    common: Floats

    @property
    def some(self) -> bool:
        """Whether there is such a space."""
        return bool(self.vectors.shape[1])

    def cosines(self, others: Floats) -> Floats:
        """Of each paper (row) with each of the others (column)."""
        return np.asarray(self.vectors.astype(np.float64) @ others.T)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some papers and all that is asked of them again and again.

    Attributes:
        keys: their title keys.
        places: where each stands among the stored papers, -1 for nowhere.
        by_place: their words and pairs, a row for each place and a column for each paper.
        common: cosine of each with all stored papers, by words.
        in_space: where they stand in the latent space; `in_meaning` by what they mean to a model.
        people: the authors of each.
        kinds: the categories of each, as a vector above what all papers share.
        readings: each made ready for matching; none for papers that are only compared.
    """

    keys: tuple[str, ...]
    places: Ints
    rows: Rows
    by_place: Matrix
    common: Floats
    in_space: Spots
    in_meaning: Spots
    people: tuple[frozenset[str], ...]
    kinds: Floats
    readings: tuple[Reading, ...]

    @classmethod
    def of(
        cls,
        papers: Sequence[Paper],
        places: Sequence[int] | Ints,
        rows: Rows,
        means: Means,
        kinds: Kinds,
        readings: Iterable[Reading] = (),
    ) -> Batch:
        """`means` are those of the stored papers."""
        return cls(
            tuple(paper.key for paper in papers),
            np.array(places, dtype=np.int64),
            rows,
            rows.units.T.tocsr(),
            np.asarray(rows.units @ means.units),
            _spots(rows.dense, means.dense),
            _spots(rows.meaning, means.meaning),
            tuple(frozenset(map(plain, paper.authors)) for paper in papers),
            kinds.above([paper.categories for paper in papers]),
            tuple(readings),
        )

    def __len__(self) -> int:
        return len(self.keys)

    def said(self, asked: Matrix) -> Floats:
        """Each paper (row) times each row of words and pairs (column)."""
        return np.asarray((asked @ self.by_place).toarray().T)

    def held(self, asked: Matrix) -> Floats:
        """The same, but that a paper counts each word and pair that it holds as one."""
        by_place = self.by_place
        ones = np.ones_like(by_place.data)
        holders = type(by_place)((ones, by_place.indices, by_place.indptr), shape=by_place.shape)
        return np.asarray((asked @ holders).toarray().T)


def _spots(vectors: Floats, mean: Floats) -> Spots:
    return Spots(vectors, np.asarray(vectors.astype(np.float64) @ mean))
