"""Which interests readers named: each text is read once, then it is looked up as it was written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from newsletter.model import Profile, Why
from newsletter.selection.hashing import Bools, Ints
from newsletter.selection.literal import Interest, literal_interests, literals_in, spelled

MOST_TOPICS = 100  # of a reader; further topics are matched by exact title only
_BLANK = -1


@dataclass(frozen=True, slots=True)
class Asked:
    """The interests of some readers, readers in turn, each reader's in their order, topics first.

    Attributes:
        rows: where each interest stands in the tables of `Columns`.
        ends: where those of each reader begin, and where the last one's end.
    """

    rows: Ints
    ends: Ints

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> Asked:
        ends = np.zeros(len(rows) + 1, np.int32)
        np.cumsum(np.fromiter(map(len, rows), np.int32, len(rows)), out=ends[1:])
        return cls(np.fromiter(chain.from_iterable(rows), np.int32, int(ends[-1])), ends)

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

    def padded(self) -> Ints:
        """A row for each reader, filled up with -1."""
        counts = np.diff(self.ends)
        table = np.full((len(self), counts.max(initial=0)), -1, np.int32)
        table[np.arange(table.shape[1]) < counts[:, None]] = self.rows
        return table


class Directory:
    """Where each interest stands, by the very text of a reader.

    Attributes:
        interests: each, by where it stands.
        topics, categories: which of them are such.
    """

    def __init__(self) -> None:
        self.interests: list[Interest] = []
        self.topics = self.categories = np.zeros(0, bool)
        self._at: dict[Interest, int] = {}
        self._topics: dict[str, int] = {}
        self._literals: dict[Why, dict[str, int]] = defaultdict(dict)
        self._spelled: dict[Why, dict[str, str]] = defaultdict(dict)

    def __len__(self) -> int:
        """How many texts were read."""
        return len(self._topics) + sum(map(len, self._spelled.values()))

    def __contains__(self, interest: Interest) -> bool:
        return interest in self._at

    def add(self, new: Iterable[Interest]) -> None:
        """Gives each the next place."""
        for why, text in new:
            place = self._at[why, text] = len(self.interests)
            self.interests.append((why, text))
            (self._topics if why is Why.TOPIC else self._literals[why])[text] = place
        kinds = [why for why, _ in self.interests]
        self.topics = np.array([why is Why.TOPIC for why in kinds], bool)
        self.categories = np.array([why is Why.CATEGORY for why in kinds], bool)

    def read(self, profile: Profile) -> None:
        """Learns which texts of a reader say nothing, or the same as others."""
        self._topics |= {text: _BLANK for text in profile.topics if not text.strip()}
        for why, texts in literals_in(profile):
            self._spelled[why] |= {text: spelled(why, text) for text in texts}

    def row(self, profile: Profile) -> list[int] | None:
        """Where the interests of a reader stand; `None` where one is not known."""
        try:
            row = self._topics_of(profile)
            if profile.keywords:
                row += self._literals_of(Why.KEYWORD, profile.keywords)
            if profile.authors or profile.organizations or profile.categories:
                for why, texts in literals_in(profile)[1:]:
                    row += self._literals_of(why, texts)
        except KeyError:
            return None
        return row

    def _topics_of(self, profile: Profile) -> list[int]:
        topics = profile.topics
        if len(topics) > MOST_TOPICS:
            return [self._at[why, text] for why, text in topics_of(profile)]
        row = list(map(self._topics.__getitem__, topics))
        if len(set(row)) < len(row) or _BLANK in row:
            row = [place for place in dict.fromkeys(row) if place != _BLANK]
        return row

    def _literals_of(self, why: Why, texts: Sequence[str]) -> list[int]:
        at = self._literals[why]
        if len(texts) < 2 or why is Why.CATEGORY:
            return [at[text] for text in texts]
        first: dict[str, str] = {}
        for text in texts:
            first.setdefault(self._spelled[why][text], text)
        return [at[text] for text in first.values()]


def topics_of(profile: Profile) -> list[Interest]:
    """The topics of a reader; each once."""
    topics = dict.fromkeys(text for text in profile.topics if text.strip())
    return [(Why.TOPIC, text) for text in list(topics)[:MOST_TOPICS]]


def interests_of(profile: Profile) -> list[Interest]:
    """What a profile names, topics first; each once."""
    return [*topics_of(profile), *literal_interests(profile)]
