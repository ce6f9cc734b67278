"""Which interests readers named: each text is read once, then it is looked up as it was written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import attrgetter

import numpy as np

from newsletter.model import Profile, Why
from newsletter.selection.fit.literal import Interest, spelled
from newsletter.selection.texts.hashing import Bools, Ints

MOST_TOPICS = 100  # of a reader; further topics are matched by exact title only
_BLANK, _UNREAD = -1, -2  # of a text, instead of a place
_BITS = 32  # for a place
_KINDS = {
    Why.TOPIC: attrgetter("topics"),
    Why.KEYWORD: attrgetter("keywords"),
    Why.AUTHOR: attrgetter("authors"),
    Why.ORGANIZATION: attrgetter("organizations"),
    Why.CATEGORY: attrgetter("categories"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The interests of some readers, readers in turn, each reader's in their order, topics first.

    Attributes:
        rows: where each interest stands in the tables of `Columns`.
        ends: where those of each reader begin, and where the last one's end.
    """

    rows: Ints
    ends: Ints

    def __len__(self) -> int:
        """How many readers there are."""
        return len(self.ends) - 1

    @property
    def reader(self) -> Ints:
        """Who named each."""
        return np.repeat(np.arange(len(self)), np.diff(self.ends))

    def those(self, which: Bools) -> Asked:
        """Some of the interests alone."""
        before = np.zeros(len(which) + 1, np.int32)
        np.cumsum(which, out=before[1:])
        return Asked(self.rows[which], before[self.ends])

    def of(self, readers: Bools) -> Asked:
        """Those of some of the readers alone."""
        counts = np.diff(self.ends)
        ends = np.zeros(np.count_nonzero(readers) + 1, np.int32)
        np.cumsum(counts[readers], out=ends[1:])
        return Asked(self.rows[np.repeat(readers, counts)], ends)

    def padded(self) -> Ints:
        """A row for each reader, filled up with -1."""
        counts = np.diff(self.ends)
        table = np.full((len(self), counts.max(initial=0)), -1, np.int32)
        table[np.arange(table.shape[1]) < counts[:, None]] = self.rows
        return table


@dataclass(frozen=True, slots=True)
class _Texts:
    """What some readers wrote as interests of one kind, readers in turn.

    Attributes:
        place: where each stands; `_BLANK` for what says nothing, `_UNREAD` for what nobody asked for.
    """

    why: Why
    reader: Ints
    place: Ints


class Directory:
    """Where each interest stands, by the very text of a reader.

    Attributes:
        interests: each, by where it stands.
        topics, categories: which of them are such.
    """

    def __init__(self) -> None:
        self.interests: list[Interest] = []
        self.topics = self.categories = np.zeros(0, bool)
        self._at: dict[Why, dict[str, int]] = {why: {} for why in _KINDS}
        self._first: dict[Interest, int] = {}
        self._sense = np.zeros(0, np.int64)

    def __len__(self) -> int:
        """How many texts were read."""
        return sum(map(len, self._at.values()))

    def __contains__(self, interest: Interest) -> bool:
        why, text = interest
        return text in self._at[why]

    def add(self, new: Iterable[Interest]) -> None:
        """Gives each the next place."""
        for why, text in new:
            self._at[why][text] = len(self.interests)
            self.interests.append((why, text))
        kinds = [why for why, _ in self.interests]
        self.topics = np.array([why is Why.TOPIC for why in kinds], bool)
        self.categories = np.array([why is Why.CATEGORY for why in kinds], bool)
        senses = map(self._sense_of, range(len(self._sense), len(kinds)))
        self._sense = np.append(self._sense, np.array([*senses], np.int64))

    def add_blank(self, profile: Profile) -> None:
        """Learns which topics of a reader say nothing."""
        self._at[Why.TOPIC] |= {text: _BLANK for text in profile.topics if not text.strip()}

    def find(self, profiles: Sequence[Profile]) -> list[_Texts]:
        """What the readers wrote; for `unread` and `asked`."""
        said = ((why, list(map(of, profiles))) for why, of in _KINDS.items())
        return [self._find(why, texts) for why, texts in said if any(texts)]

    def _find(self, why: Why, texts: Sequence[Sequence[str]]) -> _Texts:
        count = np.fromiter(map(len, texts), np.int32, len(texts))
        if why is Why.TOPIC and count.max() > MOST_TOPICS:
            return self._find(why, list(map(_topics, texts)))
        places = map(self._at[why].get, chain.from_iterable(texts), repeat(_UNREAD))
        reader = np.repeat(np.arange(len(texts)), count)
        return _Texts(why, reader, np.fromiter(places, np.int32, len(reader)))

    def unread(self, found: Iterable[_Texts]) -> set[int]:
        """The readers with an interest that nobody asked for yet."""
        return {at for said in found for at in said.reader[said.place == _UNREAD].tolist()}

    def asked(self, found: Iterable[_Texts], readers: int) -> Asked:
        """What they ask for, once all of it is known."""
        said = list(map(self._once, found))
        reader = np.concatenate([np.zeros(0, np.int64), *(one.reader for one in said)])
        place = np.concatenate([np.zeros(0, np.int32), *(one.place for one in said)])
        by = np.argsort(reader, kind="stable")
        ends = np.searchsorted(reader[by], np.arange(readers + 1))
        return Asked(place[by], ends.astype(np.int32))

    def _once(self, said: _Texts) -> _Texts:
        """Each interest of a reader in its first spelling."""
        told = np.flatnonzero(said.place != _BLANK)
        if said.why is not Why.CATEGORY:
            sense = (said.reader[told] << _BITS) + self._sense[said.place[told]]
            by = np.argsort(sense, kind="stable")
            is_first = np.diff(sense[by], prepend=_BLANK) > 0
            told = told if is_first.all() else np.sort(told[by[is_first]])
        return _Texts(said.why, said.reader[told], said.place[told])

    def _sense_of(self, place: int) -> int:
        """The first interest that is spelled in another way only."""
        why, text = self.interests[place]
        if why in (Why.TOPIC, Why.CATEGORY):
            return place
        return self._first.setdefault((why, spelled(why, text)), place)


def _topics(texts: Sequence[str]) -> list[str]:
    """Those that are looked at; each once."""
    return list(dict.fromkeys(text for text in texts if text.strip()))[:MOST_TOPICS]


def interests_of(profile: Profile) -> list[Interest]:
    """What a profile names, in every spelling, topics first."""
    kinds = ((why, of(profile)) for why, of in _KINDS.items())
    whole = ((why, _topics(texts) if why is Why.TOPIC else texts) for why, texts in kinds)
    return [(why, text) for why, texts in whole for text in texts]
