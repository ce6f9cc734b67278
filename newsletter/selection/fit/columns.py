"""What readers ask for, measured once on the papers of a round: a row for each interest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from newsletter.model import Paper, Profile, Why, title_key
from newsletter.selection.fit.asked import MOST_TOPICS, Asked, Directory, interests_of
from newsletter.selection.fit.finding import Places
from newsletter.selection.fit.literal import Interest, Literals
from newsletter.selection.fit.named import NamedPapers
from newsletter.selection.fit.topics import CLEAR_FIT, TopicMeter
from newsletter.selection.texts import categories
from newsletter.selection.texts.hashing import Bools, Floats
from newsletter.selection.texts.matching import Mutes
from newsletter.selection.texts.tables import Marks, Rows
from newsletter.selection.usual.background import Background

_CATEGORY_AS_TOPIC = 2.0
# Of a sum, what is below the usual says nothing beside what is above it, however little that is.
BELOW, _LEAST_ABOVE = 1e-30, 1e-26
_DECIMALS = 5  # what is further down is noise of the order of adding
_MOST_CELLS = 1_000_000  # interests times papers; 24 MB, twice that while a table grows


class Columns:
    """Interests measured on some papers; what many readers share is measured once.

    For one thread. Not more is kept than 48 MB: then all is forgotten, and what is in use comes back.

    Attributes:
        papers, batch: what they are measured on.
        places: which of them a text means.
    """

    def __init__(self, papers: Sequence[Paper], background: Background) -> None:
        self.papers = tuple(papers)
        self.background = background
        self.batch = background.batch(self.papers)
        self.places = Places(self.papers, background)
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
        cells = (len(self._where) + len(self._muted)) * max(len(self), 1)
        if cells > _MOST_CELLS:
            self.forget()
        if self._named:
            self._named.trim()

    def forget(self) -> None:
        """Starts anew; named papers stay."""
        size = len(self)
        self._where = Directory()
        self._told, self._clear = Rows(size), Marks(size)
        self._fits, self._wholes, self._squares = Rows(size), Rows(size), Rows(size)
        self._muted: dict[str, int] = {}
        self._mutes = Rows(size)
        self._titles: dict[str, tuple[int, ...]] = {}

    @property
    def named(self) -> NamedPapers:
        """The papers that readers named, which have a bound of their own."""
        if self._named is None:
            self._named = NamedPapers(self.background, self.batch, self.places.named)
        return self._named

    @property
    def interests(self) -> Sequence[Interest]:
        """Each, by its row."""
        return self._where.interests

    @property
    def are_topics(self) -> Bools:
        """Which of the interests are topics."""
        return self._where.topics

    @property
    def are_categories(self) -> Bools:
        """Which of the interests are categories."""
        return self._where.categories

    @property
    def told(self) -> Floats:
        """How strongly each paper meets each interest, in standard deviations or as much as such;
        -inf where it is not clear enough to be told so.
        """
        return self._told.all

    def met(self, asked: Asked) -> Bools:
        """Whether each paper (column) is told to meet anything that each reader (row) asks for."""
        return self._clear.any(asked.rows, asked.ends)

    @property
    def fits(self) -> Floats:
        """Fits of topics, to be added up for a reader: their fourth powers, or `BELOW` times how far
        one is below the usual, which is seen in the sum where none is above.
        """
        return self._fits.all

    @property
    def wholes(self) -> Floats:
        """The same for beside liked papers: of fits of which none was made less."""
        return self._wholes.all

    @property
    def squares(self) -> Floats:
        """What stands there literally, to be added up for a reader: squares of its strength."""
        return self._squares.all

    @property
    def mutes(self) -> Floats:
        """1 where a paper holds a muted word."""
        return self._mutes.all

    def of(self, profiles: Iterable[Profile]) -> Asked:
        """Which interests each of the profiles names; what is new is measured."""
        asking = list(profiles)
        found = self._where.find(asking)
        if unread := self._where.unread(found):
            self._learn([asking[at] for at in sorted(unread)])
            found = self._where.find(asking)
        return self._where.asked(found, len(asking))

    def muted_by(self, profiles: Iterable[Profile]) -> list[list[int]]:
        """Which rows of `mutes` are each profile's, in its order."""
        wanted = [list(dict.fromkeys(profile.muted)) for profile in profiles]
        new = [t for t in dict.fromkeys(t for ts in wanted for t in ts) if t not in self._muted]
        if new:
            self._mutes.append(_holding(new, self))
            self._muted.update({text: len(self._muted) + at for at, text in enumerate(new)})
        return [[self._muted[text] for text in texts] for texts in wanted]

    def titled(self, profiles: Sequence[Profile]) -> Iterable[tuple[int, int, str]]:
        """Readers with a topic that is the very title of a paper, the paper, and the topic."""
        wanted = [profile.topics for profile in profiles]
        if max(map(len, wanted), default=0) > MOST_TOPICS:
            for profile in profiles:
                self._read_titles(profile)
        titles = self._titles
        if titles:
            named = map(titles.keys().isdisjoint, wanted)
            for reader in [at for at, none in enumerate(named) if not none]:
                for topic in profiles[reader].topics:
                    yield from ((reader, place, topic) for place in titles.get(topic, ()))

    def _read_titles(self, profile: Profile) -> None:
        for topic in profile.topics:
            if topic.strip() and (places := self._by_key.get(title_key(topic))):
                self._titles[topic] = tuple(places)

    def _learn(self, profiles: Sequence[Profile]) -> None:
        named = dict.fromkeys(chain.from_iterable(map(interests_of, profiles)))
        new = [one for one in named if one not in self._where]
        self._add_topics([one for one in new if one[0] is Why.TOPIC])
        self._add_literals([one for one in new if one[0] is not Why.TOPIC])
        for profile in profiles:
            self._where.add_blank(profile)
            self._read_titles(profile)

    def _add_topics(self, new: Sequence[Interest]) -> None:
        if not new:
            return
        texts = [text for _, text in new]
        fits, clear = TopicMeter.of(texts, self.background).measure(self.batch)
        in_category = _in_category(texts, self.papers)
        fits = (fits.T + _CATEGORY_AS_TOPIC * in_category).round(_DECIMALS)
        clear = clear.T | in_category
        counted = _counted(fits, clear)
        self._append(new, fits, clear)
        self._fits.append(_to_be_summed(counted))
        self._wholes.append(_to_be_summed(fits))
        self._squares.append(np.zeros_like(fits))

    def _add_literals(self, new: Sequence[Interest]) -> None:
        if not new:
            return
        found = Literals.of(new, self.background).measure(self.batch).round(_DECIMALS)
        self._append(new, found, found > 0)
        nothing = np.zeros((len(new), len(self)))
        self._fits.append(nothing)
        self._wholes.append(nothing)
        self._squares.append(found**2)

    def _append(self, new: Sequence[Interest], strength: Floats, held: Bools) -> None:
        self._where.add(new)
        self._told.append(np.where(held, strength, -np.inf))
        self._clear.append(held)


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


def _to_be_summed(fits: Floats) -> Floats:
    return np.where(fits > 0, np.maximum(fits**4, _LEAST_ABOVE), BELOW * fits)


def _holding(muted: Sequence[str], columns: Columns) -> Floats:
    """1 where a paper (column) holds a muted text (row)."""
    same = columns.background.acronyms.long_forms
    mutes, at = Mutes.of(muted, same), {text: row for row, text in enumerate(muted)}
    found = np.zeros((len(muted), len(columns)), np.float32)
    for place, reading in enumerate(columns.batch.readings):
        for text in mutes.all_in(reading):
            found[at[text], place] = 1
    return found
