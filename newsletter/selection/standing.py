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

_MOST_BYTES = 27_000_000  # for 10,000 named papers; what is not used takes no memory
_AT_ONCE = 250  # papers measured, so that what lies between stays small
_READERS = 32  # whose sums are made at once, so that these stay in the cache of a core

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
        places: where each stands among the stored ones; -1 for the first of `titles`, -2 for the
            second, and so on.
        titles: those of papers that are not stored.
        ends: where those of each reader begin, and where the last one's end.
        counted: how much each counts, 0 to 1.
        worth: what those of each reader count together.
        shares: what each counts of that.
        reader: who named each.
    """

    places: Ints
    titles: Sequence[str]
    ends: Ints
    counted: Floats
    worth: Floats
    shares: Floats
    reader: Ints

    @classmethod
    def of(cls, places: Ints, titles: Sequence[str], ends: Ints, counted: Floats) -> Named:
        """All as above."""
        reader = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        worth: Floats = np.bincount(reader, counted, len(ends) - 1).astype(np.float64)
        whole = np.where(worth > 0, worth, 1)[reader]
        shares = (counted / whole).astype(np.float32)
        return cls(places, titles, ends, counted, worth, shares, reader)

    def __len__(self) -> int:
        """How many readers there are."""
        return len(self.worth)

    def key(self, at: int) -> Key:
        """Which paper that is."""
        place = int(self.places[at])
        return place if place >= 0 else self.titles[-1 - place]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where some readers stand, by what they named.

    Attributes:
        words: what likeness of words is usual for each.
        places: of each in the latent space, and in that of the model where there is one; turned.
        near: what is usual there.
    """

    words: Usual
    places: tuple[Floats, ...]
    near: tuple[Usual, ...]


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """The papers among those that stand for all that readers named: they would blur what is usual.

    Attributes:
        at: which of the named papers these are.
        reader, place: one pair for each.
        left: how many papers stay, for each reader.
    """

    at: Ints
    reader: Ints
    place: Ints
    left: Ints

    @classmethod
    def of(cls, named: Named, at_usual: Ints, size: int) -> _LeftOut:
        """`at_usual`: where each named paper is among the `size` papers, or -1."""
        at = np.flatnonzero((at_usual >= 0) & (named.counted > 0))
        reader = named.reader[at]
        return cls(at, reader, at_usual[at], size - np.bincount(reader, minlength=len(named)))

    def usual(self, sums: Floats, squares: Floats, out: Floats, prior_spread: float) -> Usual:
        """`sums` and `squares` over all papers for each reader; `out`: the value of each pair."""
        size = len(self.left)
        sums = sums - np.bincount(self.reader, out, size)
        squares = squares - np.bincount(self.reader, np.square(out, dtype=np.float64), size)
        return Usual.summed(self.left, sums, squares, prior_spread)


class _RowOf:
    """The row in which each named paper stands; -1 for none."""

    def __init__(self) -> None:
        self._of_place = np.full(1, -1, np.int32)
        self._of_title: dict[str, int] = {}

    def __call__(self, named: Named) -> Ints:
        """Of each of these."""
        more = int(named.places.max(initial=0)) + 1 - len(self._of_place)
        if more > 0:
            self._of_place = np.append(self._of_place, np.full(more, -1, np.int32))
        row: Ints = self._of_place[np.maximum(named.places, 0)]
        for at in np.flatnonzero(named.places < 0).tolist():
            row[at] = self._of_title.get(str(named.key(at)), -1)
        return row

    def add(self, keys: Sequence[Key], first: int) -> None:
        """These stand in the rows from the first on; the places among them were asked for before."""
        for row, key in enumerate(keys, first):
            if isinstance(key, int):
                self._of_place[key] = row
            else:
                self._of_title[key] = row

    def cut(self, size: int) -> None:
        """Forgets all rows but the first."""
        self._of_place[self._of_place >= size] = -1
        self._of_title = {title: row for title, row in self._of_title.items() if row < size}


class Stood:
    """What is kept of named papers: their products with those that stand for all.

    For any number of threads. Those that were named first stay; what comes when 27 MB are full is
    measured anew each time.

    Attributes:
        spaces: that of the latent space, and of the model where there is one.
    """

    def __init__(
        self, usual: Batch, spaces: Sequence[Turned], *, most_bytes: int = _MOST_BYTES
    ) -> None:
        widths = [len(space.mean) for space in spaces]
        self._room = max(1, most_bytes // (len(usual) + 2 * sum(widths) + 200))
        self._usual, self.spaces = usual, tuple(spaces)
        self._lock = Lock()
        self._row = _RowOf()
        self._usual_place = {place: at for at, place in enumerate(usual.places.tolist())}
        self._at_usual = Rows(1, self._room, np.int32)
        self._words = ShortRows(len(usual), self._room, np.int8)
        self._sums = Rows(1, self._room, np.float64)
        self._vectors = tuple(ShortRows(width, self._room, np.int16) for width in widths)

    def of(self, named: Named, measure: Measure) -> Standing:
        """Where the readers stand; `measure` is asked for papers that were not named before."""
        with self._lock:
            self._trim()
            row = self._row(named)
            if (row < 0).any():
                new = dict.fromkeys(map(named.key, np.flatnonzero(row < 0).tolist()))
                self._learn([*new], measure)
                row = self._row(named)
            left_out = _LeftOut.of(named, self._at_usual.all[row, 0], len(self._usual))
            words = self._by_words(named, row, left_out)
            places = tuple(
                vectors.summed(row, named.shares, named.ends) for vectors in self._vectors
            )
        priors = (SPREAD_IN_SPACE, SPREAD_OF_MEANING)
        near = zip(self.spaces, places, priors, strict=False)
        return Standing(words, places, tuple(_near(*one, left_out) for one in near))

    def _trim(self) -> None:
        """Forgets what is too much; it may get another row."""
        if len(self._at_usual) > self._room:
            self._row.cut(self._room)
            self._words.cut(self._room)
            for table in (self._at_usual, self._sums):
                table.cut(self._room)
            for vectors in self._vectors:
                vectors.cut(self._room)

    def _learn(self, new: Sequence[Key], measure: Measure) -> None:
        for start in range(0, len(new), _AT_ONCE):
            some = stored_first(new[start : start + _AT_ONCE])
            measured = measure(some)
            at_usual = np.array([self._usual_place.get(key, -1) for key in some])
            self._row.add(some, len(self._at_usual))
            self._at_usual.append(at_usual[:, None])
            self._add_words(measured, at_usual)
            of_spaces = (measured.rows.dense, measured.rows.meaning)
            tables = zip(self._vectors, self.spaces, of_spaces, strict=False)
            for table, space, vectors in tables:
                table.append(space.turned(vectors))

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
            squares[start : start + len(values)] = _by_rows(values, values)
            first, last = np.searchsorted(left_out.reader, [start, start + len(values)])
            theirs = left_out.reader[first:last] - start, left_out.place[first:last]
            out[first:last] = values[theirs]
        sums = adding(named.shares.astype(np.float64), named.ends) @ self._sums.all[row, 0]
        return left_out.usual(np.asarray(sums), squares, out, SPREAD_OF_WORDS)


def _near(space: Turned, places: Floats, prior_spread: float, left_out: _LeftOut) -> Usual:
    """What is usual in a space, for readers who stand at these places."""
    squares = _by_rows(places, places)
    out = _by_rows(places[left_out.reader], space.places[left_out.place])
    return left_out.usual(places @ space.sums, squares, out, prior_spread)


def _by_rows(one: Floats, other: Floats) -> Floats:
    """The product of each row with the row beside it."""
    return np.asarray(np.einsum("ij,ij->i", one, other), np.float64)
