"""What is usual for readers by the papers they named; kept beside the background, for all rounds.

Mean and spread over the papers that stand for all follow from the products of each named paper with
these. They do not depend on the papers of a round, so each named paper is compared once, until
the background changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from newsletter.model import Paper
from newsletter.selection.batch import Batch
from newsletter.selection.hashing import Floats, Ints, Matrix
from newsletter.selection.space import Rows as Vectors
from newsletter.selection.tables import Rows, ShortRows, adding
from newsletter.selection.turned import Turned
from newsletter.selection.usual import Usual
from newsletter.selection.ways import (
    SPREAD_IN_SPACE,
    SPREAD_OF_MEANING,
    SPREAD_OF_WORDS,
    TITLES,
)

_MOST_BYTES = 50_000_000  # for 10,000 named papers; what is not used takes no memory
_AT_ONCE = 250  # papers measured, so that what lies between stays small
_READERS = 48  # whose sums are made at once, so that these stay in the cache of a core

Key = int | str  # the place of a stored paper, or the title of another


@dataclass(frozen=True, slots=True)
class Measured:
    """Some papers, their vectors, and the words of their titles."""

    papers: Sequence[Paper]
    rows: Vectors
    titles: Matrix


Measure = Callable[[Sequence[Key]], Measured]  # those of places first, then those of titles


def stored_first(keys: Iterable[Key]) -> list[Key]:
    """The same, as `Measure` gives them."""
    return sorted(keys, key=lambda key: isinstance(key, str))


@dataclass(frozen=True, slots=True)
class Named:
    """The papers that some readers named, readers in turn.

    Attributes:
        keys: which.
        ends: where those of each reader begin, and where the last one's end.
        counted: how much each counts, 0 to 1.
        worth: what those of each reader count together.
        shares: what each counts of that.
    """

    keys: Sequence[Key]
    ends: Ints
    counted: Floats
    worth: Floats
    shares: Floats

    @classmethod
    def of(cls, keys: Sequence[Key], ends: Ints, counted: Floats) -> Named:
        """`ends`: as above."""
        reader = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        worth: Floats = np.bincount(reader, counted, len(ends) - 1).astype(np.float64)
        whole = np.where(worth > 0, worth, 1)[reader]
        return cls(keys, ends, counted, worth, (counted / whole).astype(np.float32))

    def __len__(self) -> int:
        """How many readers there are."""
        return len(self.worth)

    @property
    def reader(self) -> Ints:
        """Who named each."""
        return np.repeat(np.arange(len(self)), np.diff(self.ends))

    def summed(self, rows: Floats) -> Floats:
        """The rows, one for each paper, added up for each reader by their shares."""
        return np.asarray(adding(self.shares, self.ends) @ rows)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where some readers stand, by what they named.

    Attributes:
        words: what likeness of words is usual for each.
        places: of each in the latent space, and in that of the model where there is one.
        near: what is usual there.
    """

    words: Usual
    places: tuple[Floats, ...]
    near: tuple[Usual, ...]


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """The papers among those that stand for all that readers named: they would blur what is usual.

    Attributes:
        reader, place: one pair for each.
        left: how many papers stay, for each reader.
    """

    reader: Ints
    place: Ints
    left: Ints

    @classmethod
    def of(cls, named: Named, at_usual: Ints, size: int) -> _LeftOut:
        """`at_usual`: where each named paper is among the `size` papers, or -1."""
        theirs = (at_usual >= 0) & (named.counted > 0)
        reader = named.reader[theirs]
        return cls(reader, at_usual[theirs], size - np.bincount(reader, minlength=len(named)))

    def usual(self, sums: Floats, squares: Floats, out: Floats, prior_spread: float) -> Usual:
        """`sums` and `squares` over all papers for each reader; `out`: the value of each pair."""
        size = len(self.left)
        sums = sums - np.bincount(self.reader, out, size)
        squares = squares - np.bincount(self.reader, np.square(out, dtype=np.float64), size)
        return Usual.summed(self.left, sums, squares, prior_spread)


class Stood:
    """What is kept of named papers: their products with those that stand for all.

    For any number of threads. Those that were named first stay; what comes when 50 MB are full is
    measured anew each time.
    """

    def __init__(
        self, usual: Batch, spaces: Sequence[Turned], *, most_bytes: int = _MOST_BYTES
    ) -> None:
        widths = [len(space.mean) for space in spaces]
        self._room = max(1, most_bytes // (2 * len(usual) + 4 * sum(widths) + 200))
        self._usual, self._spaces = usual, tuple(spaces)
        self._lock = Lock()
        self._row: dict[Key, int] = {}
        self._usual_place = {place: at for at, place in enumerate(usual.places.tolist())}
        self._at_usual = Rows(1, self._room, np.int32)
        self._words = ShortRows(len(usual), self._room)
        self._sums = Rows(1, self._room, np.float64)
        self._vectors = tuple(Rows(width, self._room) for width in widths)

    def of(self, named: Named, measure: Measure) -> Standing:
        """Where the readers stand; `measure` is asked for papers that were not named before."""
        with self._lock:
            self._trim()
            rows = list(map(self._row.get, named.keys))
            if None in rows:
                new = [key for key in dict.fromkeys(named.keys) if key not in self._row]
                self._learn(new, measure)
                rows = list(map(self._row.get, named.keys))
            row = np.array(rows, np.int32)
            left_out = _LeftOut.of(named, self._at_usual.all[row, 0], len(self._usual))
            words = self._by_words(named, row, left_out)
            places = tuple(named.summed(vectors.all[row]) for vectors in self._vectors)
        priors = (SPREAD_IN_SPACE, SPREAD_OF_MEANING)
        near = zip(self._spaces, places, priors, strict=False)
        return Standing(words, places, tuple(_near(named, *one, left_out) for one in near))

    def _trim(self) -> None:
        """Forgets what is too much; it may get another row."""
        if len(self._row) > self._room:
            for table in (self._at_usual, self._sums, *self._vectors):
                table.cut(self._room)
            self._words.cut(self._room)
            self._row = {key: row for key, row in self._row.items() if row < self._room}

    def _learn(self, new: Sequence[Key], measure: Measure) -> None:
        for start in range(0, len(new), _AT_ONCE):
            some = stored_first(new[start : start + _AT_ONCE])
            measured = measure(some)
            at_usual = np.array([self._usual_place.get(key, -1) for key in some])
            self._at_usual.append(at_usual[:, None])
            self._add_words(measured, at_usual)
            of_spaces = (measured.rows.dense, measured.rows.meaning)
            for table, vectors in zip(self._vectors, of_spaces, strict=False):
                table.append(vectors)
            self._row |= {key: len(self._row) + at for at, key in enumerate(some)}

    def _add_words(self, measured: Measured, at_usual: Ints) -> None:
        """What each is to itself is left out for whoever named it: not kept."""
        said = self._usual.said(measured.rows.units + TITLES * measured.titles).T
        to_usual = said - self._usual.common
        itself = np.flatnonzero(at_usual >= 0)
        to_usual[itself, at_usual[itself]] = 0
        self._sums.append(to_usual.sum(axis=1, keepdims=True, dtype=np.float64))
        self._words.append(to_usual)

    def _by_words(self, named: Named, row: Ints, left_out: _LeftOut) -> Usual:
        """The products of each reader with those that stand for all are made, and not kept."""
        squares, out = np.zeros(len(named)), np.zeros(len(left_out.reader))
        for start in range(0, len(named), _READERS):
            ends = named.ends[start : start + _READERS + 1]
            some = slice(ends[0], ends[-1])
            values = self._words.summed(row[some], named.shares[some], ends - ends[0])
            squares[start : start + len(values)] = np.einsum("ij,ij->i", values, values)
            first, last = np.searchsorted(left_out.reader, [start, start + len(values)])
            theirs = left_out.reader[first:last] - start, left_out.place[first:last]
            out[first:last] = values[theirs]
        sums = adding(named.shares.astype(np.float64), named.ends) @ self._sums.all[row, 0]
        return left_out.usual(np.asarray(sums), squares, out, SPREAD_OF_WORDS)


def _near(
    named: Named, space: Turned, places: Floats, prior_spread: float, left_out: _LeftOut
) -> Usual:
    """What is usual in a space."""
    theirs = space.turned(places)
    theirs[named.worth <= 0] = 0
    of_pairs = theirs[left_out.reader], space.places[left_out.place]
    squares = np.einsum("ij,ij->i", theirs, theirs)
    out = np.einsum("ij,ij->i", *of_pairs)
    return left_out.usual(theirs @ space.sums, squares, out, prior_spread)
