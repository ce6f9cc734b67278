"""The papers that readers named, each compared once with those of a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import Final

import numpy as np

from newsletter.model import Paper
from newsletter.selection.background import Background
from newsletter.selection.batch import Batch
from newsletter.selection.hashing import Floats, Ints
from newsletter.selection.kin import Kin
from newsletter.selection.standing import Key, Named, stored_first
from newsletter.selection.tables import Rows
from newsletter.selection.ways import ByWords

# With a list of 200 that is room for all stored papers; three such rounds may be kept at a time.
_MOST_BYTES = 14_000_000
_AT_ONCE = 500  # papers measured, so that what lies between stays small
_MOST_TEXTS = 100_000  # when there are more, all are forgotten and read anew
_NOTHING, _UNREAD = -1, -2  # of a text, instead of a row
_BITS = 32  # for the order of a reader's papers


class NamedPapers:
    """Named papers, a row for each, in the order they came.

    For one thread. Those that were named first stay; what comes when 14 MB are full is measured anew
    in each round. Where fewer are named, less is in use.

    Attributes:
        papers: of each row; stored ones without their abstract.
        background, batch: the stored papers and those of the round.
        words: how alike they are to those of the round.
        kin: what they share with those of the round beside words.
        facing: the papers of the round in the latent space, and in that of the model if there is one.
    """

    def __init__(
        self, background: Background, batch: Batch, *, most_bytes: int = _MOST_BYTES
    ) -> None:
        self.background, self.batch = background, batch
        self._room = max(1, most_bytes // (6 * len(batch) + 200))
        self.papers: list[Paper] = []
        self._titles: list[str] = []
        self._place = Rows(1, self._room, np.int64)
        self._row: dict[Key | None, int] = {None: _NOTHING}
        self._row_of: dict[str, int] = {}
        self.words = ByWords(batch, self._room)
        self.kin: Final = Kin(background.kinds, batch)
        spots = zip(background.stood.spaces, (batch.in_space, batch.in_meaning), strict=False)
        self.facing = tuple(space.facing(theirs.vectors) for space, theirs in spots)

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
        self._row_of = {text: row for text, row in self._row_of.items() if row < size}

    def named(
        self, texts: Sequence[Sequence[str]], weights: Sequence[Mapping[str, float]]
    ) -> tuple[Named, Ints]:
        """What each reader named, and the row of each of these papers; what is new is measured.

        Each once, in an order that does not depend on who named what before. `weights` by paper id,
        for each reader; what is not in them counts 1.
        """
        row = self._rows(list(chain.from_iterable(texts)))
        reader = np.repeat(np.arange(len(texts)), np.fromiter(map(len, texts), int, len(texts)))
        reader, row = reader[row >= 0], row[row >= 0]
        order = self._order(row)
        order += reader << _BITS
        by = np.argsort(order, kind="stable")
        by = by[np.diff(order[by], prepend=_NOTHING) > 0]
        reader, row = reader[by], row[by]
        ends = np.searchsorted(reader, np.arange(len(texts) + 1))
        counted = self._counted(row, ends, weights)
        return Named.of(self._place.all[row, 0], self._titles, ends, counted), row

    def _order(self, row: Ints) -> Ints:
        """Numbers in whose order papers stand: as they are stored, then by title."""
        place: Ints = np.asarray(self._place.all[row, 0], np.int64)
        if place.min(initial=0) < 0:
            titles = sorted({*(-1 - place[place < 0]).tolist()}, key=self._titles.__getitem__)
            rank = {title: at for at, title in enumerate(titles)}
            behind = [rank[-1 - number] for number in place[place < 0].tolist()]
            place[place < 0] = len(self.background.papers) + np.array(behind)
        return place

    def _counted(self, row: Ints, ends: Ints, weights: Sequence[Mapping[str, float]]) -> Floats:
        counted = np.ones(len(row))
        for reader, of in enumerate(weights):
            if of:
                for at in range(ends[reader], ends[reader + 1]):
                    counted[at] = of.get(self.papers[row[at]].id, 1.0)
        return counted

    def _rows(self, texts: Sequence[str]) -> Ints:
        """The row that each text means; below 0 where it means nothing."""
        found = map(self._row_of.get, texts, repeat(_UNREAD))
        rows = np.fromiter(found, np.int32, len(texts))
        if rows.min(initial=0) == _UNREAD:
            self._read(texts)
            rows = np.fromiter(map(self._row_of.__getitem__, texts), np.int32, len(texts))
        return rows

    def _read(self, texts: Sequence[str]) -> None:
        if len(self._row_of) + len(texts) > _MOST_TEXTS:
            self._row_of.clear()
        keys = {text: self.background.key_of(text) for text in texts if text not in self._row_of}
        new = [key for key in dict.fromkeys(keys.values()) if key not in self._row]
        self._learn([key for key in new if key is not None])
        self._row_of |= {text: self._row[key] for text, key in keys.items()}

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
