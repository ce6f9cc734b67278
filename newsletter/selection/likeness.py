"""How alike papers are to those that readers named, measured against what is usual.

Everything here is a sum over the papers that a reader named, so each named paper is compared once,
by words and in the latent space, and many readers are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from newsletter.model import Paper
from newsletter.selection.background import Background
from newsletter.selection.batch import Batch
from newsletter.selection.hashing import Floats, Ints, Matrix, chosen
from newsletter.selection.kin import Kin
from newsletter.selection.space import Rows
from newsletter.selection.usual import Usual

# What is usual when hardly any paper is stored.
SPREAD_OF_WORDS, SPREAD_IN_SPACE = 0.02, 0.15

# What each part counts beside the words themselves, and what makes the sum one standard deviation.
_IN_SPACE, _CROWD = 0.4, 0.6
_SCALE = 1.8
_TITLES = 0.4  # the titles of the named papers count so much more
_HIGHEST = 20.0


@dataclass(frozen=True, slots=True)
class Named:
    """The papers that some readers named, each once.

    Attributes:
        counted: how much each paper (column) counts for each reader (row), 0 to 1.
    """

    papers: tuple[Paper, ...]
    rows: Rows
    counted: Matrix

    @classmethod
    def of(
        cls,
        texts: Sequence[Sequence[str]],
        weights: Sequence[Mapping[str, float]],
        background: Background,
    ) -> Named:
        """`weights` by paper id, for each reader; what is not in them counts 1."""
        place, papers, rows = background.resolve(t for said in texts for t in said)
        lists = [sorted({place[text] for text in said if text in place}) for said in texts]
        counted = chosen(lists, len(papers))
        counted.data[:] = [
            of.get(papers[at].id, 1.0) for row, of in zip(lists, weights, strict=True) for at in row
        ]
        return cls(papers, rows, counted)

    @property
    def worth(self) -> Floats:
        """How many papers named today those of each reader are worth."""
        return np.asarray(self.counted.sum(axis=1)).ravel()

    def closest(self, rows: Rows) -> list[tuple[float, str]]:
        """For each paper, its cosine with the closest of the named ones, and which that is."""
        if not self.papers:
            return [(0.0, "")] * len(rows)
        cosines = (rows.units @ self.rows.units.T).toarray()
        best = cosines.argmax(axis=1)
        return [(float(cosines[i, at]), self.papers[at].title) for i, at in enumerate(best)]


@dataclass(frozen=True, slots=True)
class Likeness:
    """What some readers named, ready to be measured; `shares` has a row for each reader."""

    shares: Matrix
    words: Matrix
    dense: Floats
    usual_words: Usual
    usual_dense: Usual
    sure: Floats
    kin: Kin

    @classmethod
    def of(cls, named: Named, background: Background) -> Likeness:
        worth = named.worth
        shares = sparse.diags(1 / np.where(worth > 0, worth, 1)) @ named.counted
        words = (named.rows.units + _TITLES * background.titles(named.papers)).tocsr()
        dense = named.rows.dense
        usual = background.usual
        place = np.array([background.place_of(paper.id) for paper in named.papers], dtype=np.int64)
        owns = (named.counted > 0).astype(np.float32) @ _equal(place, usual.places)
        counted = owns.toarray().T == 0  # the named papers themselves would blur what is usual
        return cls(
            shares,
            words,
            dense,
            Usual.of(_by_words(usual, shares, words), SPREAD_OF_WORDS, counted),
            Usual.of(_in_space(usual, shares, dense), SPREAD_IN_SPACE, counted),
            worth / (worth + 1),  # one example alone says half
            Kin.of(named.papers, named.counted, shares, background.kinds),
        )

    def measure(self, batch: Batch) -> Floats:
        """How unusually alike each paper (row) is to what each reader (column) named."""
        alike = self.usual_words.above(_by_words(batch, self.shares, self.words))
        alike += self.kin.measure(batch) - _CROWD * batch.rows.crowd[:, None]
        if batch.rows.dense.shape[1]:
            alike += _IN_SPACE * self.usual_dense.above(_in_space(batch, self.shares, self.dense))
        return np.minimum(alike, _HIGHEST) * self.sure / _SCALE


def _by_words(batch: Batch, shares: Matrix, words: Matrix) -> Floats:
    """Cosine with what each reader named, above that with any paper."""
    return np.asarray(batch.said(words) @ shares.T - batch.common[:, None])


def _in_space(batch: Batch, shares: Matrix, dense: Floats) -> Floats:
    cosines = batch.rows.dense.astype(np.float64) @ dense.T
    return np.asarray(cosines @ shares.T - batch.dense_common[:, None])


def _equal(rows: Ints, columns: Ints) -> Matrix:
    """A 1 where a stored place of a row is that of a column."""
    at = {int(place): number for number, place in enumerate(columns)}
    return chosen([[at[p]] if (p := int(place)) in at else [] for place in rows], len(columns))
