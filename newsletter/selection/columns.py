"""What readers ask for, measured once on the papers of a round: a row for each interest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from newsletter.model import Paper, Profile, Why, title_key
from newsletter.selection import categories
from newsletter.selection.background import Background
from newsletter.selection.hashing import Bools, Floats
from newsletter.selection.literal import Interest, Literals, literal_interests
from newsletter.selection.matching import Mutes
from newsletter.selection.named import NamedPapers
from newsletter.selection.tables import Rows
from newsletter.selection.topics import CLEAR_FIT, TopicMeter

MOST_TOPICS = 100  # of a reader; further topics are matched by exact title only
_CATEGORY_AS_TOPIC = 2.0
_DECIMALS = 5  # what is further down is noise of the order of adding
_MOST_CELLS = 1_000_000  # interests times papers; 20 MB, twice that while a table grows


class Columns:
    """Interests measured on some papers; what many readers share is measured once.

    For one thread. Not more is kept than 40 MB: then all is forgotten, and what is in use comes back.

    Attributes:
        papers, batch: what they are measured on.
    """

    def __init__(self, papers: Sequence[Paper], background: Background) -> None:
        self.papers = tuple(papers)
        self.background = background
        self.batch = background.batch(self.papers)
        self._by_key: dict[str, list[int]] = defaultdict(list)
        for place, key in enumerate(self.batch.keys):
            self._by_key[key].append(place)
        self._named: NamedPapers | None = None
        self.forget()

    def __len__(self) -> int:
        """How many papers there are."""
        return len(self.papers)

    def make_room(self) -> None:
        """Forgets what is too much; where an interest or a named paper stands changes with it."""
        cells = (len(self._at) + len(self._muted)) * max(len(self), 1)
        if cells + len(self._titled) > _MOST_CELLS:
            self.forget()
        if self._named:
            self._named.trim()

    def forget(self) -> None:
        """Starts anew; named papers stay."""
        size = len(self)
        self.interests: list[Interest] = []
        self._at: dict[Interest, int] = {}
        self._strength, self._held, self._sums = Rows(size), Rows(size), Rows(3 * size)
        self._muted: dict[str, int] = {}
        self._mutes = Rows(size)
        self._titled: dict[str, tuple[int, ...]] = {}

    @property
    def named(self) -> NamedPapers:
        """The papers that readers named, which have a bound of their own."""
        if self._named is None:
            self._named = NamedPapers(self.background, self.batch)
        return self._named

    @property
    def strength(self) -> Floats:
        """How strongly each paper meets each interest, in standard deviations or as much as such."""
        return self._strength.all

    @property
    def held(self) -> Floats:
        """1 where a paper meets an interest clearly enough to be told so."""
        return self._held.all

    @property
    def sums(self) -> Floats:
        """What is to be added up for a reader, three stretches side by side: fourth powers of the
        fits of topics, what is below the usual of them, squares of what stands there literally.
        """
        return self._sums.all

    @property
    def mutes(self) -> Floats:
        """1 where a paper holds a muted word."""
        return self._mutes.all

    def of(self, profiles: Iterable[Profile]) -> list[list[int]]:
        """Which interests each of the profiles names, in its order; what is new is measured."""
        wanted = [interests_of(profile) for profile in profiles]
        new = [one for one in dict.fromkeys(x for xs in wanted for x in xs) if one not in self._at]
        self._add_topics([one for one in new if one[0] is Why.TOPIC])
        self._add_literals([one for one in new if one[0] is not Why.TOPIC])
        at = self._at
        return [[at[one] for one in row] for row in wanted]

    def muted_by(self, profiles: Iterable[Profile]) -> list[list[int]]:
        """Which rows of `mutes` are each profile's, in its order."""
        wanted = [list(dict.fromkeys(profile.muted)) for profile in profiles]
        new = [t for t in dict.fromkeys(t for ts in wanted for t in ts) if t not in self._muted]
        if new:
            self._mutes.append(_holding(new, self))
            self._muted.update({text: len(self._muted) + at for at, text in enumerate(new)})
        return [[self._muted[text] for text in texts] for texts in wanted]

    def titled(self, topic: str) -> tuple[int, ...]:
        """The papers whose very title a topic is."""
        if topic not in self._titled:
            key = title_key(topic) if topic.strip() else ""
            self._titled[topic] = tuple(self._by_key.get(key, ())) if key else ()
        return self._titled[topic]

    def _add_topics(self, new: Sequence[Interest]) -> None:
        if not new:
            return
        texts = [text for _, text in new]
        fits, clear = TopicMeter.of(texts, self.background).measure(self.batch)
        in_category = _in_category(texts, self.papers)
        fits = (fits.T + _CATEGORY_AS_TOPIC * in_category).round(_DECIMALS)
        clear = clear.T | in_category
        counted = _counted(fits, clear)
        above, below = np.maximum(counted, 0) ** 4, np.minimum(counted, 0)
        self._append(new, fits, clear, np.hstack([above, below, np.zeros_like(fits)]))

    def _add_literals(self, new: Sequence[Interest]) -> None:
        if not new:
            return
        found = Literals.of(new, self.background).measure(self.batch).round(_DECIMALS)
        none = np.zeros((len(new), 2 * len(self)))
        self._append(new, found, found > 0, np.hstack([none, found**2]))

    def _append(self, new: Sequence[Interest], strength: Floats, held: Bools, sums: Floats) -> None:
        self._at.update({one: len(self._at) + place for place, one in enumerate(new)})
        self.interests += new
        self._strength.append(strength)
        self._held.append(held.astype(np.float32))
        self._sums.append(sums)


def interests_of(profile: Profile) -> list[Interest]:
    """What a profile names, topics first; each once."""
    topics = dict.fromkeys(text for text in profile.topics if text.strip())
    return [
        *((Why.TOPIC, text) for text in list(topics)[:MOST_TOPICS]),
        *literal_interests(profile),
    ]


def _in_category(topics: Sequence[str], papers: Sequence[Paper]) -> Bools:
    """A topic that is the name of an arXiv category is also met by the papers of that category."""
    met = np.zeros((len(topics), len(papers)), dtype=bool)
    for at, topic in enumerate(topics):
        if codes := categories.codes(topic):
            met[at] = [categories.holds(codes, paper.categories) for paper in papers]
    return met


def _counted(fits: Floats, clear: Bools) -> Floats:
    """Less than the fit below a clear one, so that faint likeness to many topics stays faint.

    What could not be named as a reason counts less still, and never more than 2.
    """
    counted = fits * np.clip(fits / CLEAR_FIT, 0, 1)
    unclear = counted / (1 + np.maximum(counted, 0) / 2)
    return np.where(fits <= 0, fits, np.where(clear, counted, unclear))


def _holding(muted: Sequence[str], columns: Columns) -> Floats:
    """1 where a paper (column) holds a muted text (row)."""
    same = columns.background.acronyms.long_forms
    mutes, at = Mutes.of(muted, same), {text: row for row, text in enumerate(muted)}
    found = np.zeros((len(muted), len(columns)), np.float32)
    for place, reading in enumerate(columns.batch.readings):
        for text in mutes.all_in(reading):
            found[at[text], place] = 1
    return found
