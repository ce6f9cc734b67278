"""What is usual for readers by the papers they named; kept beside the background, for all rounds.

Mean and spread over the papers that stand for all follow from the products of each named paper with
these. They do not depend on the papers of a round, so each named paper is compared once, until
all is measured anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from newsletter.model import Paper
from newsletter.selection.texts.hashing import Floats, Ints, Matrix
from newsletter.selection.texts.tables import Rows, adding
from newsletter.selection.usual.batch import Batch
from newsletter.selection.usual.deviation import Usual
from newsletter.selection.usual.space import Rows as Vectors
from newsletter.selection.usual.space import strongest
from newsletter.selection.usual.turned import Turned
from newsletter.selection.usual.ways import (
    SPREAD_IN_SPACE,
    SPREAD_OF_MEANING,
    SPREAD_OF_WORDS,
    TITLES,
)

_MOST_BYTES = 14_000_000  # for 11,000 named papers; what is not used takes no memory
_AT_ONCE = 250  # papers measured, so that what lies between stays small
_DIRECTIONS = 64  # of the products of words with the papers that stand for all

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

    def added(self, values: Floats) -> Floats:
        """One value for each paper, added up for each reader."""
        return np.bincount(self.reader, values, len(self)).astype(np.float64)

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
        named: all that they named.
        reader, place: one pair for each that is left out.
        left: how many papers stay, for each reader.
    """

    named: Named
    reader: Ints
    place: Ints
    left: Ints

    @classmethod
    def of(cls, named: Named, at_usual: Ints, size: int) -> _LeftOut:
        """`at_usual`: where each named paper is among the `size` papers, or -1."""
        at = np.flatnonzero((at_usual >= 0) & (named.counted > 0))
        reader = named.reader[at]
        left = size - np.bincount(reader, minlength=len(named))
        return cls(named, reader, at_usual[at], left)

    def usual(
        self,
        sums: Floats,
        places: Floats,
        basis: Floats,
        prior: float,
        beyond: Floats | None = None,
    ) -> Usual:
        """What is usual in one of the ways.

        Args:
            sums: of the products of each named paper with all that stand for all.
            places: of each reader; times the `basis`, columns of unit length and square to each
                other, these are the products.
            prior: the spread where hardly any paper stands for all.
            beyond: the squares of what places do not say, summed for each reader.
        """
        named, size = self.named, len(self.named)
        squares = _by_rows(places, places) if beyond is None else _by_rows(places, places) + beyond
        out = _by_rows(places[self.reader], basis[self.place])
        summed = named.added(named.shares * sums) - np.bincount(self.reader, out, size)
        squares -= np.bincount(self.reader, np.square(out), size)
        return Usual.summed(self.left, summed, squares, prior)


class _RowOf:
    """The row in which each named paper stands; -1 for none."""

    def __init__(self) -> None:
        self._of_place = np.full(1, -1, np.int32)
        self._of_title: dict[str, int] = {}
        self.keys: list[Key] = []

    def __call__(self, named: Named) -> Ints:
        """Of each of these."""
        self._make_room(int(named.places.max(initial=0)))
        row: Ints = self._of_place[np.maximum(named.places, 0)]
        for at in np.flatnonzero(named.places < 0).tolist():
            row[at] = self._of_title.get(str(named.key(at)), -1)
        return row

    def add(self, keys: Sequence[Key]) -> None:
        """These stand in the next rows."""
        self._make_room(max((key for key in keys if isinstance(key, int)), default=0))
        for row, key in enumerate(keys, len(self.keys)):
            if isinstance(key, int):
                self._of_place[key] = row
            else:
                self._of_title[key] = row
        self.keys += keys

    def cut(self, size: int) -> None:
        """Forgets all rows but the first."""
        self._of_place[self._of_place >= size] = -1
        self._of_title = {title: row for title, row in self._of_title.items() if row < size}
        del self.keys[size:]

    def _make_room(self, place: int) -> None:
        more = place + 1 - len(self._of_place)
        if more > 0:
            self._of_place = np.append(self._of_place, np.full(more, -1, np.int32))


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of named papers, a row for each.

    Attributes:
        at_usual: where each is among the papers that stand for all, or -1.
        sums: of its products with all of these, by words and in each space; `beyond`: of the squares
            of what the main directions of words do not say.
        vectors: the products along the main directions, and its place in each space, turned.
    """

    at_usual: Rows
    sums: Rows
    beyond: Rows
    vectors: Rows

    @classmethod
    def none(cls, widths: Sequence[int], room: int) -> _Kept:
        """Nothing yet; `widths`: those of the parts of `vectors`."""
        sums, beyond = Rows(len(widths), room, np.float64), Rows(1, room, np.float64)
        return cls(Rows(1, room, np.int32), sums, beyond, Rows(sum(widths), room))

    @property
    def tables(self) -> tuple[Rows, ...]:
        """All of them."""
        return self.at_usual, self.sums, self.beyond, self.vectors

    def only(self, which: Ints) -> _Kept:
        """Some of the rows, in tables of their own."""
        return _Kept(*(table.only(which) for table in self.tables))


class Stood:
    """What is kept of named papers: their products with those that stand for all.

    For any number of threads. Those that were named first stay; what comes when 14 MB are full is
    measured anew each time.

    By words the 2,000 products are kept along their 64 main directions, and what is beyond is added
    up as if no two papers had it in common: the spread of a sum is wrong by some 1.6 %, where the
    2,000 stand for all with 3 %.

    Attributes:
        spaces: that of the latent space, and of the model where there is one.
    """

    def __init__(
        self,
        usual: Batch,
        spaces: Sequence[Turned],
        *,
        directions: int = _DIRECTIONS,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        widths = [min(directions, len(usual)), *(len(space.mean) for space in spaces)]
        self._room = max(1, most_bytes // (4 * sum(widths) + 200))
        self._borders = np.cumsum(widths)[:-1]
        self._usual, self.spaces = usual, tuple(spaces)
        self._lock = Lock()
        self._row = _RowOf()
        self._usual_place = {place: at for at, place in enumerate(usual.places.tolist())}
        self._kept = _Kept.none(widths, self._room)
        self._main: Floats = np.zeros((0, widths[0]), np.float32)  # found when they are asked for

    def of(self, named: Named, measure: Measure) -> Standing:
        """Where the readers stand; `measure` is asked for papers that were not named before."""
        with self._lock:
            self._trim()
            row = self._row(named)
            if (row < 0).any():
                new = dict.fromkeys(map(named.key, np.flatnonzero(row < 0).tolist()))
                self._learn([*new], measure)
                row = self._row(named)
            kept = self._kept
            left_out = _LeftOut.of(named, kept.at_usual.all[row, 0], len(self._usual))
            sums, beyond, vectors = kept.sums.all[row].T, kept.beyond.all[row, 0], kept.vectors.all
            added = adding(named.shares, named.ends, row, len(vectors)) @ vectors
        squares = named.added(named.shares**2 * beyond)
        words, *places = np.split(added, self._borders, axis=1)
        usual = left_out.usual(sums[0], words, self._main, SPREAD_OF_WORDS, squares)
        bases = (space.places for space in self.spaces)
        near = zip(sums[1:], places, bases, (SPREAD_IN_SPACE, SPREAD_OF_MEANING), strict=False)
        return Standing(usual, tuple(places), tuple(left_out.usual(*one) for one in near))

    def without(self, places: Iterable[int]) -> Stood:
        """The same but for stored papers whose text has changed; those stand where they stood."""
        changed = frozenset[Key](places)
        with self._lock:
            if changed.isdisjoint(self._row.keys):
                return self
            self._trim()
            which = [row for row, key in enumerate(self._row.keys) if key not in changed]
            other = Stood(self._usual, self.spaces, directions=self._main.shape[1])
            other._room, other._main = self._room, self._main
            other._row.add([self._row.keys[row] for row in which])
            other._kept = self._kept.only(np.array(which, np.int64))
        return other

    def _trim(self) -> None:
        """Forgets what is too much; it may get another row."""
        if len(self._row.keys) > self._room:
            self._row.cut(self._room)
            for table in self._kept.tables:
                table.cut(self._room)

    def _learn(self, new: Sequence[Key], measure: Measure) -> None:
        if not len(self._main):
            self._main = self._directions(measure)
        for start in range(0, len(new), _AT_ONCE):
            some = stored_first(new[start : start + _AT_ONCE])
            measured = measure(some)
            self._row.add(some)
            at_usual = self._at_usual(some)
            self._kept.at_usual.append(at_usual[:, None])
            products = self._products(measured, at_usual)
            along = products @ self._main
            self._kept.beyond.append(
                (_by_rows(products, products) - _by_rows(along, along))[:, None]
            )
            of_spaces = zip(self.spaces, (measured.rows.dense, measured.rows.meaning), strict=False)
            places = [space.turned(vectors) for space, vectors in of_spaces]
            self._kept.vectors.append(np.hstack([along, *places]))
            sums = [products.sum(axis=1, dtype=np.float64)]
            sums += [one @ space.sums for one, space in zip(places, self.spaces, strict=True)]
            self._kept.sums.append(np.stack(sums, axis=1))

    def _at_usual(self, keys: Sequence[Key]) -> Ints:
        """Where each is among those that stand for all, or -1."""
        return np.array([self._usual_place.get(key, -1) for key in keys], np.int64)

    def _products(self, measured: Measured, at_usual: Ints) -> Floats:
        """By words, with those that stand for all.

        What each is to itself is left out for whoever named it: nothing.
        """
        said = self._usual.said(measured.rows.units + TITLES * measured.titles).T
        products: Floats = said - self._usual.common
        itself = np.flatnonzero(at_usual >= 0)
        products[itself, at_usual[itself]] = 0
        return products

    def _directions(self, measure: Measure) -> Floats:
        """The main ones of the products of those that stand for all with each other."""
        size, directions = len(self._usual), self._main.shape[1]
        if size == directions:
            return np.eye(size, dtype=np.float32)
        keys: list[Key] = self._usual.places.tolist()
        products = np.empty((size, size), np.float32)
        for start in range(0, size, _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            products[start : start + len(some)] = self._products(
                measure(some), self._at_usual(some)
            )
        return strongest(products, directions)


def _by_rows(one: Floats, other: Floats) -> Floats:
    """The product of each row with the row beside it."""
    return np.asarray(np.einsum("ij,ij->i", one, other), np.float64)
