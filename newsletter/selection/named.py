"""The papers that readers named, each compared once with those of a round."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final, cast

import numpy as np

from newsletter.model import Paper
from newsletter.selection.background import Background
from newsletter.selection.batch import Batch
from newsletter.selection.finding import Read
from newsletter.selection.hashing import Floats, Ints
from newsletter.selection.kin import Kin
from newsletter.selection.standing import Key, Named, stored_first
from newsletter.selection.ways import ByWords

# With a list of 200 that is room for all stored papers; three such rounds may be kept at a time.
_MOST_BYTES = 23_000_000
_AT_ONCE = 500  # papers measured, so that what lies between stays small


class NamedPapers:
    """Named papers, a row for each, in the order they came.

    For one thread. Those that were named first stay; what comes when 23 MB are full is measured anew
    in each round. Where fewer are named, less is in use.

    Attributes:
        papers: of each row; stored ones without their abstract.
        background, batch: the stored papers and those of the round.
        words: how alike they are to those of the round.
        kin: what they share with those of the round beside words.
    """

    def __init__(
        self, background: Background, batch: Batch, *, most_bytes: int = _MOST_BYTES
    ) -> None:
        self.background, self.batch = background, batch
        tables = 3 if batch.kinds.any() else 2
        self._room = max(1, most_bytes // (4 * tables * len(batch) + 200))
        self.papers: list[Paper] = []
        self._row: dict[Key, int] = {}
        self._said = Read(background.key_of)
        self.words = ByWords(batch, self._room)
        self.kin: Final = Kin(background.kinds, batch, self._room)

    def trim(self) -> None:
        """Forgets what is too much; what came last gets another row."""
        size = self._room
        if len(self.papers) <= size:
            return
        for table in (self.words, self.kin):
            table.cut(size)
        del self.papers[size:]
        self._row = {key: row for key, row in self._row.items() if row < size}

    def named(
        self, texts: Sequence[Sequence[str]], weights: Sequence[Mapping[str, float]]
    ) -> tuple[Named, Ints]:
        """What each reader named, and the row of each of these papers; what is new is measured.

        `weights` by paper id, for each reader; what is not in them counts 1.
        """
        keys = [self._keys(said) for said in texts]
        flat = list(chain.from_iterable(keys))
        rows = list(map(self._row.get, flat))
        if None in rows:
            self._learn([key for key in dict.fromkeys(flat) if key not in self._row])
            rows = list(map(self._row.get, flat))
        row = np.array(rows, np.int32)
        ends = np.cumsum([0, *map(len, keys)])
        return Named.of(flat, ends, self._counted(row, ends, weights)), row

    def _counted(self, row: Ints, ends: Ints, weights: Sequence[Mapping[str, float]]) -> Floats:
        counted = np.ones(len(row))
        for reader, of in enumerate(weights):
            if of:
                for at in range(ends[reader], ends[reader + 1]):
                    counted[at] = of.get(self.papers[row[at]].id, 1.0)
        return counted

    def _keys(self, said: Sequence[str]) -> list[Key]:
        """Each once, in an order that does not depend on who named what before."""
        keys = set(map(self._said.__getitem__, said))
        keys.discard(None)
        try:
            return [*sorted(cast("set[int]", keys))]
        except TypeError:  # places and titles
            return sorted(cast("set[Key]", keys), key=_order)

    def _learn(self, new: Sequence[Key]) -> None:
        for start in range(0, len(new), _AT_ONCE):
            some = stored_first(new[start : start + _AT_ONCE])
            measured = self.background.named(some)
            self._row |= {key: len(self.papers) + at for at, key in enumerate(some)}
            self.papers += measured.papers
            self.words.append(measured.rows.units, measured.titles)
            self.kin.append(measured.papers)


def _order(key: Key) -> tuple[int, str]:
    return (key, "") if isinstance(key, int) else (sys.maxsize, key)
