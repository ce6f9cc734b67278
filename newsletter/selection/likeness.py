"""How alike papers are to those that readers named, measured against what is usual.

Everything here is a sum over the papers that a reader named, so each named paper is compared once,
by words and in the latent space, and many readers are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from newsletter.model import Paper
from newsletter.selection.background import Background
from newsletter.selection.batch import Batch, Spots
from newsletter.selection.hashing import Floats, Matrix, chosen
from newsletter.selection.kin import Kin
from newsletter.selection.space import Rows
from newsletter.selection.usual import Usual

# What is usual when hardly any paper is stored.
SPREAD_OF_WORDS, SPREAD_IN_SPACE, SPREAD_OF_MEANING = 0.02, 0.15, 0.1

# What each part counts beside the words themselves, and what makes the sum one standard deviation.
_IN_SPACE, _CROWD = 0.4, 0.6
_SCALE = 1.8
_MEANING, _SCALE_OF_MEANING = 0.1, 0.07  # where there is a model
_TITLES = 0.4  # the titles of the named papers count so much more
_HIGHEST = 20.0
AT_ONCE = 1000  # readers, so that what lies between stays small


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

    def cosines(self, rows: Rows) -> Floats:
        """Of each paper (row) with each of the named ones (column)."""
        return np.asarray((rows.units @ self.rows.units.T).toarray())


@dataclass(frozen=True, slots=True)
class Compared:
    """Some papers, compared with all that somebody named.

    Attributes:
        parts: by words, in the latent space, by meaning where there is a model, and by categories,
            for each named paper (row).
        people: what shared authors are worth, for each reader (row).
        crowd: how crowded it is around each paper.
    """

    likeness: Likeness
    parts: Floats
    people: Matrix
    crowd: Floats

    def of(self, readers: slice) -> Floats:
        """How unusually alike each paper (column) is to what each of the readers (row) named."""
        ours = self.likeness
        alike = ours.weights[readers] @ self.parts + self.people[readers].toarray()
        alike -= ours.usual[readers, None] + _CROWD * self.crowd
        return np.asarray(np.minimum(alike, _HIGHEST) * ours.sure[readers, None])


@dataclass(frozen=True, slots=True)
class Likeness:
    """What some readers named, ready to be compared.

    Attributes:
        weights: what each part of each named paper counts for each reader (row).
        usual: what the parts add up to for a usual paper.
        sure: how sure the likeness is, in units of what makes it one standard deviation.
    """

    words: Matrix
    dense: Floats
    meaning: Floats
    kin: Kin
    weights: Matrix
    usual: Floats
    sure: Floats

    @classmethod
    def of(cls, named: Named, background: Background) -> Likeness:
        worth = named.worth
        shares = (sparse.diags(1 / np.where(worth > 0, worth, 1)) @ named.counted).tocsr()
        words = (named.rows.units + _TITLES * background.titles(named.papers)).tocsr()
        dense, meaning = (v.astype(np.float64) for v in (named.rows.dense, named.rows.meaning))
        own = _are_usual(named, background)
        parts = [
            (weight, _usual(part, spread, shares, own))
            for weight, spread, part in _parts(background.usual, words, dense, meaning)
        ]
        scaled = [sparse.diags(weight / usual.spread) @ shares for weight, usual in parts]
        scale = _SCALE + (_SCALE_OF_MEANING if meaning.shape[1] else 0.0)
        return cls(
            words,
            dense,
            meaning,
            Kin.of(named.papers, named.counted, background.kinds),
            sparse.hstack([*scaled, shares], format="csr"),
            np.sum([weight * usual.mean / usual.spread for weight, usual in parts], axis=0),
            worth / (worth + 1) / scale,  # one example alone says half
        )

    def compared(self, batch: Batch) -> Compared:
        """The papers, ready to be asked about for any reader."""
        alike = (part for _, _, part in _parts(batch, self.words, self.dense, self.meaning))
        parts = np.concatenate([*alike, self.kin.categories(batch)])
        return Compared(self, parts, self.kin.people(batch), batch.rows.crowd)


def _parts(
    batch: Batch, words: Matrix, dense: Floats, meaning: Floats
) -> Iterator[tuple[float, float, Floats]]:
    """In which ways papers are alike: what each counts, how much it usually spreads, and how alike."""
    yield 1.0, SPREAD_OF_WORDS, _by_words(batch, words)
    yield _IN_SPACE, SPREAD_IN_SPACE, _among(batch.in_space, dense)
    if meaning.shape[1]:
        yield _MEANING, SPREAD_OF_MEANING, _among(batch.in_meaning, meaning)


def _by_words(batch: Batch, words: Matrix) -> Floats:
    """Cosine of each named paper (row) with each other, above that with any paper."""
    return np.asarray(batch.said(words).T - batch.common)


def _among(spots: Spots, named: Floats) -> Floats:
    return np.asarray(named @ spots.vectors.T - spots.common)


def _are_usual(named: Named, background: Background) -> Matrix:
    """Which of the usual papers (columns) each reader (row) named."""
    at = {place: number for number, place in enumerate(background.usual.places.tolist())}
    places = [background.place_of(paper.id) for paper in named.papers]
    return (named.counted @ chosen([[at[p]] if p in at else [] for p in places], len(at))).tocsr()


def _usual(parts: Floats, prior_spread: float, shares: Matrix, own: Matrix) -> Usual:
    """What is usual for each reader; the papers they named themselves would blur it."""
    blocks = [slice(start, start + AT_ONCE) for start in range(0, shares.shape[0], AT_ONCE)]
    each = [
        Usual.of((shares[some] @ parts).T, prior_spread, own[some].toarray().T == 0)
        for some in blocks
    ]
    return Usual.joined(each)
