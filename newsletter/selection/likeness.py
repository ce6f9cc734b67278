"""How alike papers are to those that readers named, measured against what is usual.

The papers one reader named become one vector: their strongest words and pairs (sparse) and a place
in the latent space (dense). Many readers and many papers are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from newsletter.model import Paper
from newsletter.selection.background import Background
from newsletter.selection.hashing import PLACES, Floats, Ints, Matrix
from newsletter.selection.kin import Kin
from newsletter.selection.space import Rows
from newsletter.selection.usual import Usual

# What is usual when hardly any paper is stored.
SPREAD_OF_WORDS, SPREAD_IN_SPACE = 0.02, 0.15

# What each part counts beside the words themselves, and what makes the sum one standard deviation.
_IN_SPACE, _CROWD = 0.5, 0.5
_SCALE = 1.8
_TITLES = 0.5  # the titles of the named papers count so much more
_STRONGEST = 100  # words and pairs of one reader
_HIGHEST = 20.0


@dataclass(frozen=True, slots=True)
class Named:
    """The papers that one reader named, how much each counts (0 to 1), and their centre."""

    papers: tuple[Paper, ...]
    weights: tuple[float, ...]
    rows: Rows
    words: Matrix
    dense: Floats

    @classmethod
    def of(
        cls, texts: Sequence[str], background: Background, weights: Mapping[str, float]
    ) -> Named:
        """`weights` by paper id; what is not in them counts 1."""
        papers, rows = background.resolve(texts)
        counted = np.array([weights.get(paper.id, 1.0) for paper in papers])
        shares = counted / (counted.sum() or 1)
        each = sparse.csr_matrix(shares.astype(np.float32))
        words = each @ rows.units + _TITLES * (each @ background.titles(papers))
        return cls(papers, tuple(counted.tolist()), rows, _strongest(words), shares @ rows.dense)

    @property
    def weight(self) -> float:
        """How many papers named today they are worth."""
        return sum(self.weights)

    def places(self, background: Background) -> Ints:
        """Where they stand among the stored papers."""
        return np.array([background.place_of(paper.id) for paper in self.papers], dtype=np.int64)

    def closest(self, rows: Rows) -> list[tuple[float, str]]:
        """For each paper, its cosine with the closest of the named ones, and which that is."""
        if not self.papers:
            return [(0.0, "")] * len(rows)
        cosines = (rows.units @ self.rows.units.T).toarray()
        best = cosines.argmax(axis=1)
        return [(float(cosines[i, at]), self.papers[at].title) for i, at in enumerate(best)]


@dataclass(frozen=True, slots=True)
class Likeness:
    """What some readers named, a row for each reader, ready to be measured."""

    background: Background
    words: Matrix
    dense: Floats
    usual_words: Usual
    usual_dense: Usual
    sure: Floats
    kin: Kin

    @classmethod
    def of(cls, named: Sequence[Named], background: Background) -> Likeness:
        words = sparse.vstack([sparse.csr_matrix((0, PLACES)), *(one.words for one in named)])
        words = words.tocsr().astype(np.float32)
        dense = np.array([one.dense for one in named]).reshape(len(named), -1)
        sample = background.rows[background.sample]
        own = [np.isin(background.sample, one.places(background)) for one in named]
        # The named papers themselves would blur what is usual.
        counted = ~np.array(own, dtype=bool).reshape(len(named), len(sample)).T
        worth = np.array([one.weight for one in named])
        return cls(
            background,
            words,
            dense,
            Usual.of(_by_words(sample, words, background), SPREAD_OF_WORDS, counted),
            Usual.of(_in_space(sample, dense, background), SPREAD_IN_SPACE, counted),
            worth / (worth + 1),  # one example alone says half
            Kin.of(
                [list(zip(one.papers, one.weights, strict=True)) for one in named],
                background.categories,
            ),
        )

    def measure(self, papers: Sequence[Paper], rows: Rows) -> Floats:
        """How unusually alike each paper (row) is to what each reader (column) named."""
        alike = self.usual_words.above(_by_words(rows, self.words, self.background))
        alike = alike - _CROWD * rows.crowd[:, None] + self.kin.measure(papers)
        if rows.dense.shape[1]:
            dense = _in_space(rows, self.dense, self.background)
            alike += _IN_SPACE * self.usual_dense.above(dense)
        return np.minimum(alike, _HIGHEST) * self.sure / _SCALE


def _by_words(rows: Rows, words: Matrix, background: Background) -> Floats:
    """Cosine with the centres, above that with any paper."""
    common = rows.units @ background.mean
    return np.asarray((rows.units @ words.T).toarray() - common[:, None])


def _in_space(rows: Rows, dense: Floats, background: Background) -> Floats:
    wide = rows.dense.astype(np.float64)
    return np.asarray(wide @ (dense - background.dense_mean).T)


def _strongest(row: Matrix) -> Matrix:
    if row.nnz > _STRONGEST:
        row = row.tocsr(copy=True)
        row.data[np.argsort(-row.data, kind="stable")[_STRONGEST:]] = 0
        row.eliminate_zeros()
    return row
