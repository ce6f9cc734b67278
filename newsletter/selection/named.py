"""The papers that readers named, each compared once with the stored papers and those of a round."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from scipy import sparse

from newsletter.model import Paper
from newsletter.selection.background import Background
from newsletter.selection.batch import Batch
from newsletter.selection.hashing import Floats, Ints, Matrix
from newsletter.selection.kin import Kin
from newsletter.selection.ways import SPREAD_IN_SPACE, SPREAD_OF_MEANING, ByWords, InSpace, Ways

# What each way counts beside the words themselves.
_IN_SPACE, _MEANING = 0.4, 0.1
# With a list of 200 that is room for 5,000 named papers; three such rounds may be kept at a time.
# Where readers' likes lie evenly among 10,000 papers, twice the room would make them three times as
# quick.
_MOST_BYTES = 40_000_000
_MOST_TEXTS = 100_000
_AT_ONCE = 200  # papers measured, so that what lies between stays small

Key = int | str  # the place of a stored paper, or the title of another


class NamedPapers:
    """Named papers by number, in the order they came.

    For one thread. Those that were named first stay; what comes when 40 MB are full is measured anew
    in each round. Where fewer are named, less is in use.

    Attributes:
        papers: by number; stored ones without their abstract.
        background, batch: the stored papers and those of the round.
        ways: in which they are alike to others.
        kin: what they share with those of the round beside words.
    """

    def __init__(
        self, background: Background, batch: Batch, *, most_bytes: int = _MOST_BYTES
    ) -> None:
        self.background, self.batch = background, batch
        usual = background.usual
        self._room = max(1, most_bytes // _bytes(usual, batch))
        self._usual_place = {place: at for at, place in enumerate(usual.places.tolist())}
        self.papers: list[Paper] = []
        self._order: list[tuple[int, str]] = []
        self._number: dict[Key, int] = {}
        self._said: dict[str, int] = {}
        self._at_usual: list[int] = []
        self._words = ByWords(usual, batch, self._room)
        self._spaces = _spaces(background, batch, self._room)
        self.ways: Ways = (self._words, *self._spaces)
        self.kin: Final = Kin(background.kinds, batch, self._room)

    def trim(self) -> None:
        """Forgets what is too much; the numbers of what came last are given anew."""
        if len(self._said) > _MOST_TEXTS:
            self._said.clear()
        size = self._room
        if len(self.papers) <= size:
            return
        for table in (*self.ways, self.kin):
            table.cut(size)
        for listed in (self.papers, self._order, self._at_usual):
            del listed[size:]
        self._number = {key: number for key, number in self._number.items() if number < size}
        self._said = {text: number for text, number in self._said.items() if number < size}

    def counted(
        self, texts: Sequence[Sequence[str]], weights: Sequence[Mapping[str, float]]
    ) -> Matrix:
        """How much each paper (column) counts for each reader (row), 0 to 1; what is new is measured.

        `weights` by paper id, for each reader; what is not in them counts 1.
        """
        self._learn(text for said in texts for text in said)
        rows = [self._numbers(said) for said in texts]
        data = [
            of.get(self.papers[at].id, 1.0) if of else 1.0
            for row, of in zip(rows, weights, strict=True)
            for at in row
        ]
        indices = np.array([at for row in rows for at in row], np.int32)
        indptr = np.cumsum([0, *map(len, rows)])
        shape = (len(rows), len(self.papers))
        return sparse.csr_matrix((np.array(data, np.float64), indices, indptr), shape=shape)

    @property
    def usual_place(self) -> Ints:
        """Where each is among the papers that stand for all; -1 for nowhere."""
        return np.array(self._at_usual, np.int64)

    @property
    def cosines(self) -> Floats:
        """Of each with each paper of the round (column); not to be kept."""
        return self._words.cosines.all

    def _numbers(self, said: Sequence[str]) -> list[int]:
        """Each once, in an order that does not depend on who named what before."""
        numbers = {self._said[text] for text in said}
        numbers.discard(-1)
        return sorted(numbers, key=self._order.__getitem__)

    def _learn(self, texts: Iterable[str]) -> None:
        keys = {t: self.background.key_of(t) for t in dict.fromkeys(texts) if t not in self._said}
        known = self._number
        new = [key for key in dict.fromkeys(keys.values()) if key is not None and key not in known]
        for start in range(0, len(new), _AT_ONCE):
            self._add(new[start : start + _AT_ONCE])
        for text, key in keys.items():
            self._said[text] = -1 if key is None else self._number[key]

    def _add(self, new: Sequence[Key]) -> None:
        stored = [key for key in new if isinstance(key, int)]
        own = [key for key in new if isinstance(key, str)]
        keys: list[Key] = [*stored, *own]
        self._number |= {key: len(self.papers) + at for at, key in enumerate(keys)}
        self._order += [*((place, "") for place in stored), *((sys.maxsize, t) for t in own)]
        papers, rows = self.background.named(stored, own)
        places = [*(self._usual_place.get(place, -1) for place in stored), *(-1 for _ in own)]
        self.papers += papers
        self._at_usual += places
        self._words.append(rows.units, self.background.titles(papers), np.array(places))
        for space, vectors in zip(self._spaces, (rows.dense, rows.meaning), strict=False):
            space.append(vectors)
        self.kin.append(papers)


def _spaces(background: Background, batch: Batch, room: int) -> tuple[InSpace, ...]:
    space = InSpace(background.space, batch.in_space, room, weight=_IN_SPACE, prior=SPREAD_IN_SPACE)
    if not batch.in_meaning.some:
        return (space,)
    meaning = InSpace(
        background.meaning, batch.in_meaning, room, weight=_MEANING, prior=SPREAD_OF_MEANING
    )
    return (space, meaning)


def _bytes(usual: Batch, batch: Batch) -> int:
    """What one named paper takes."""
    spaces = [int(spots.vectors.shape[1]) for spots in (usual.in_space, usual.in_meaning)]
    tables = 3 + sum(map(bool, spaces))
    return 2 * len(usual) + 4 * (sum(spaces) + tables * len(batch)) + 200
