"""The papers that readers named, each compared once with those of a round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, repeat
from typing import Final

import numpy as np

from newsletter.model import Paper
from newsletter.selection.fit.kin import Kin
from newsletter.selection.texts.hashing import Floats, Ints
from newsletter.selection.texts.tables import Rows
from newsletter.selection.usual.background import Background
from newsletter.selection.usual.batch import Batch
from newsletter.selection.usual.standing import Key, Named, stored_first
from newsletter.selection.usual.ways import ByWords

# With a list of 200 that is room for all stored papers; three such rounds may be kept at a time.
_MOST_BYTES = 14_000_000
_AT_ONCE = 500  # papers measured, so that what lies between stays small
_MOST_TEXTS = 100_000  # when there are more, all are forgotten and read anew
_NOTHING = -1  # of a text, instead of a row
_UNREAD = -(2**62)  # of a text, instead of what it means
_BITS = 32  # for the order of a reader's papers, and for a place in the round


def _nowhere(_: str) -> int:
    return -1


class NamedPapers:
    """Named papers, a row for each, in the order they came.

    For one thread. Those that were named first stay; what comes when 14 MB are full is measured anew
    in each round. Where fewer are named, less is in use.

    Attributes:
        papers: of each row; stored ones without their abstract.
        background, batch: the stored papers and those of the round.
        words: how alike they are to those of the round.
        kin: what they share with those of the round beside words.
        facing: the papers of the round (rows) in the latent space, in that of the model if there is
            one, and what is taken off for all of them and for their crowds.
    """

    def __init__(
        self,
        background: Background,
        batch: Batch,
        place_of: Callable[[str], int] = _nowhere,
        *,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        """`place_of`: where in the round the paper stands that a text means; -1 for nowhere."""
        self._place_of = place_of
        self.background, self.batch = background, batch
        self._room = max(1, most_bytes // (6 * len(batch) + 200))
        self.papers: list[Paper] = []
        self._titles: list[str] = []
        self._place = Rows(1, self._room, np.int64)
        self._row: dict[Key | None, int] = {None: _NOTHING}
        self._means: dict[str, int] = {}  # a row and a place in the round, looked up together
        self.words = ByWords(batch, self._room)
        self.kin: Final = Kin(background.kinds, batch)
        spots = zip(background.stood.spaces, (batch.in_space, batch.in_meaning), strict=False)
        off = np.stack([np.ones(len(batch)), batch.rows.crowd], axis=1)
        facing = [*(space.facing(theirs.vectors) for space, theirs in spots), -off]
        self.facing = np.hstack(facing).astype(np.float32)

    def trim(self) -> None:
        """Forgets what is too much; what came last gets another row."""
        size = self._room
        if len(self.papers) <= size:
            return
        for table in (self._place, self.words, self.kin):
            table.cut(size)
        del self.papers[size:]
        del self._titles[int((self._place.all < 0).sum()) :]
        self._row = {key: row for key, row in self._row.items() if row < size}
        self._means = {text: at for text, at in self._means.items() if at >> _BITS < size}

    def named(
        self, texts: Sequence[Sequence[str]], weights: Mapping[int, Mapping[str, float]]
    ) -> tuple[Named, Ints, tuple[Ints, Ints]]:
        """What each reader named, and the row of each of these papers; what is new is measured.

        Each once, in an order that does not depend on who named what before. At last readers and
        places of papers of the round that they named. `weights` by reader and paper id; what is not
        in them counts 1.
        """
        row, place = self._meant(list(chain.from_iterable(texts)))
        reader = np.repeat(np.arange(len(texts)), np.fromiter(map(len, texts), int, len(texts)))
        here = np.flatnonzero(place >= 0)
        in_round = reader[here], place[here]
        reader, row = reader[row >= 0], row[row >= 0]
        order = self._order(row)
        order += reader << _BITS
        by = np.argsort(order)  # what is equal is the same
        by = by[np.diff(order[by], prepend=_NOTHING) > 0]
        reader, row = reader[by], row[by]
        ends = np.searchsorted(reader, np.arange(len(texts) + 1))
        counted = self._counted(row, ends, weights)
        said = Named.of(self._place.all[row, 0], self._titles, ends, counted)
        return said, row, in_round

    def _order(self, row: Ints) -> Ints:
        """Numbers in whose order papers stand: as they are stored, then by title."""
        place: Ints = np.asarray(self._place.all[row, 0], np.int64)
        if place.min(initial=0) < 0:
            titles = sorted({*(-1 - place[place < 0]).tolist()}, key=self._titles.__getitem__)
            rank = {title: at for at, title in enumerate(titles)}
            behind = [rank[-1 - number] for number in place[place < 0].tolist()]
            place[place < 0] = len(self.background.papers) + np.array(behind)
        return place

    def _counted(self, row: Ints, ends: Ints, weights: Mapping[int, Mapping[str, float]]) -> Floats:
        counted = np.ones(len(row))
        for reader, of in weights.items():
            for at in range(ends[reader], ends[reader + 1]):
                counted[at] = of.get(self.papers[row[at]].id, 1.0)
        return counted

    def _meant(self, texts: Sequence[str]) -> tuple[Ints, Ints]:
        """The row that each text means, and its place in the round; below 0 where there is none."""
        means = np.fromiter(map(self._means.get, texts, repeat(_UNREAD)), np.int64, len(texts))
        if means.min(initial=0) == _UNREAD:
            self._read(texts)
            means = np.fromiter(map(self._means.__getitem__, texts), np.int64, len(texts))
        return means >> _BITS, (means & ((1 << _BITS) - 1)) - 1

    def _read(self, texts: Sequence[str]) -> None:
        if len(self._means) + len(texts) > _MOST_TEXTS:
            self._means.clear()
        keys = {text: self.background.key_of(text) for text in texts if text not in self._means}
        new = [key for key in dict.fromkeys(keys.values()) if key not in self._row]
        self._learn([key for key in new if key is not None])
        for text, key in keys.items():
            self._means[text] = (self._row[key] << _BITS) + self._place_of(text) + 1

    def _learn(self, new: Sequence[Key]) -> None:
        for start in range(0, len(new), _AT_ONCE):
            some = stored_first(new[start : start + _AT_ONCE])
            measured = self.background.named(some)
            self._row |= {key: len(self.papers) + at for at, key in enumerate(some)}
            self._place.append(np.array([[self._number(key)] for key in some]))
            self.papers += measured.papers
            self.words.append(measured.rows.units, measured.titles)
            self.kin.append(measured.papers)

    def _number(self, key: Key) -> int:
        """The place of a stored paper, or -1 for the first title, and so on."""
        if isinstance(key, int):
            return key
        self._titles.append(key)
        return -len(self._titles)
