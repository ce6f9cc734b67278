"""The measure of texts: how much each word counts, and the latent space that likens related words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from newsletter.selection.texts.hashing import PLACES, WORD_PLACES, Floats, Ints, Matrix

_K1, _B = 1.2, 0.75  # BM25: how fast a repeated word stops counting, how much length matters
_USUAL_LENGTH = 300.0  # words and pairs of a paper, where none is stored
# A word held by fewer papers is not rarer still: what two papers alone share is mostly a name.
_RAREST, _RAREST_SHARE = 20, 0.05
_MOST_WORDS = 20_000  # of the latent space
_FEWEST_HOLDERS, _COMMON = 3, 0.3  # its words are held by so many papers, and no larger share
_DIMENSIONS, _PAPERS_PER_DIMENSION = 200, 5
_LEAST_PAPERS = 200  # too few to say which words are related
_SPARE, _ROUNDS = 10, 2  # of the randomised decomposition
_FLAT = 1e-12  # share of the strongest direction's square below which there is none
_AT_ONCE = 1_000  # rows


@dataclass(frozen=True, slots=True)
class Rows:
    """Papers as vectors of unit length.

    Attributes:
        units: words and pairs (sparse).
        lengths: undo the scaling of `units` (BM25 wants the plain sum).
        dense: their place in the latent space; no columns where there is none.
        crowd: how crowded it is around each, in standard deviations; see `Crowd`.
        meaning: what a model says of each; no columns where there is none (see `meaning`).
    """

    units: Matrix
    lengths: Floats
    dense: Floats
    crowd: Floats
    meaning: Floats

    def __len__(self) -> int:
        return int(self.units.shape[0])

    def __getitem__(self, places: Any) -> Rows:
        return Rows(
            self.units[places],
            self.lengths[places],
            self.dense[places],
            self.crowd[places],
            self.meaning[places],
        )


@dataclass(frozen=True, slots=True)
class Space:
    """Fitted once on many papers, so that everything measured in it stays comparable.

    Attributes:
        weight: what each place of a row counts.
        usual_length: words and pairs of a usual paper.
        column: where a word stands in the latent space; -1 for words that are not in it.
        basis: one row for each column.
    """

    weight: Floats
    usual_length: float
    column: Ints
    basis: Floats

    @classmethod
    def fit(cls, counts: Matrix) -> tuple[Space, Rows]:
        """The space of these papers, and they as vectors; none at all are fine too."""
        size = counts.shape[0]
        holders = np.bincount(counts.indices, minlength=PLACES)
        usual = float(counts.sum()) / size if size else 0.0
        none = np.full(WORD_PLACES, -1, np.int32)
        flat = cls(
            _weight(holders, size), usual or _USUAL_LENGTH, none, np.zeros((0, 0), np.float32)
        )
        units, lengths = flat._units(counts)
        space = flat._with_basis(units, holders) if size >= _LEAST_PAPERS else flat
        return space, space.placed(units, lengths)

    def _with_basis(self, units: Matrix, holders: Ints) -> Space:
        held = holders[:WORD_PLACES]
        able = (held >= _FEWEST_HOLDERS) & (held <= _COMMON * units.shape[0])
        if not able.any():
            return self
        order = np.argsort(-np.where(able, held, 0), kind="stable")[: min(_MOST_WORDS, able.sum())]
        column = np.full(WORD_PLACES, -1, np.int32)
        column[order] = np.arange(len(order))
        known = _columns(units, column, len(order))
        return Space(self.weight, self.usual_length, column, _basis(known))

    def rows(self, counts: Matrix) -> Rows:
        """Counted texts as vectors, as if each stood alone; without what they mean."""
        return self.placed(*self._units(counts))

    def placed(self, units: Matrix, lengths: Floats) -> Rows:
        """The same for units that are there already."""
        dense = none = np.zeros((len(lengths), 0), np.float32)
        if len(self.basis):
            dense = normed(_columns(units, self.column, len(self.basis)) @ self.basis)
        return Rows(units, lengths, dense, np.zeros(len(lengths)), none)

    def units(self, counts: Matrix) -> Matrix:
        """The words and pairs of counted texts alone."""
        return self._units(counts)[0]

    def _units(self, counts: Matrix) -> tuple[Matrix, Floats]:
        """In place, for those of 10,000 papers are 10 MB for each step."""
        each = np.diff(counts.indptr)
        said = np.asarray(counts.sum(axis=1)).ravel()
        damped = np.repeat(_K1 * (1 - _B + _B * said / self.usual_length), each)
        damped += counts.data
        worth = counts.data * np.float32(_K1 + 1)
        worth /= damped
        worth *= self.weight[counts.indices]
        lengths = np.sqrt(np.asarray(_like(counts, worth**2).sum(axis=1)).ravel())
        worth /= np.repeat(np.where(lengths > 0, lengths, 1), each)
        return _like(counts, worth), lengths


def _weight(holders: Ints, size: int) -> Floats:
    """What each place counts, by how many of the papers hold it."""
    rarest = np.maximum(holders, max(1.0, min(_RAREST, _RAREST_SHARE * size)))
    weight = np.log((1 + size) / np.minimum(1 + rarest, 1 + size)) + 1
    return np.asarray(weight, dtype=np.float32)


def _like(matrix: Matrix, data: Floats) -> Matrix:
    """Other numbers at the same places."""
    return type(matrix)((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def normed(vectors: Floats) -> Floats:
    """Each row of unit length; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1), dtype=np.float32)


def _columns(units: Matrix, column: Ints, width: int) -> Matrix:
    """The words of the latent space alone, at their columns."""
    words = units[:, :WORD_PLACES]
    place = column[words.indices]
    kept = place >= 0
    before = np.cumsum(np.append(False, kept), dtype=np.int32)
    return type(units)(
        (words.data[kept], place[kept], before[words.indptr]), shape=(units.shape[0], width)
    )


def _basis(rows: Matrix) -> Floats:
    return strongest(rows, min(_DIMENSIONS, rows.shape[0] // _PAPERS_PER_DIMENSION, rows.shape[1]))


def strongest(rows: Any, dimensions: int) -> Floats:
    """The strongest directions of the rows, by a randomised singular value decomposition.

    A column of unit length for each, square to the others.
    """
    range_ = rows @ _chances(rows.shape[1], dimensions + _SPARE)
    for _ in range(_ROUNDS):
        range_ = rows @ (rows.T @ _directions(range_))
    range_ = rows.T @ _directions(range_)
    return _directions(range_, dimensions)


def _directions(vectors: Floats, most: int | None = None) -> Floats:
    """The left singular vectors, the strongest first.

    By way of what the few columns have in common: a decomposition of the whole takes nine times
    the memory of what it is given.
    """
    wide = sum(part.T @ part for part in _parts(vectors))
    squares, turn = np.linalg.eigh(wide)
    turn = (turn / np.sqrt(np.maximum(squares, squares[-1] * _FLAT)))[:, ::-1][:, :most]
    turned = np.empty((len(vectors), turn.shape[1]), np.float32)
    for part, to in zip(_parts(vectors), _split(turned), strict=True):
        np.matmul(part, turn, out=to, casting="same_kind")
    return turned


def _chances(rows: int, columns: int) -> Floats:
    """Numbers by chance, the same each time."""
    source = np.random.default_rng(0)
    chances = np.empty((rows, columns), np.float32)
    for part in np.array_split(chances, max(rows // _AT_ONCE, 1)):
        part[:] = source.standard_normal(part.shape)
    return chances


def _split(rows: Floats) -> Iterator[Floats]:
    """A few rows at a time."""
    return (rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE))


def _parts(rows: Floats) -> Iterator[Floats]:
    """The same, exactly."""
    return (part.astype(np.float64) for part in _split(rows))
