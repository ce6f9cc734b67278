"""How well papers fit the profiles of some readers, as matrices: a row for each, a column a paper.

The unit is a standard deviation above what is usual among the stored papers, so a total means the
same on every day and in every batch: 0 is any paper, 2 a clear fit to one interest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from newsletter.model import Profile
from newsletter.selection.asked import Asked
from newsletter.selection.columns import Columns
from newsletter.selection.hashing import Bools, Floats, Ints
from newsletter.selection.learn import VotedProfile, weights_in
from newsletter.selection.likeness import Alike
from newsletter.selection.tables import adding

EXACT_TITLE = 50.0  # the subscriber typed the title of this very paper
_HIGHEST = 30.0
_DISLIKE = 0.9
_TOPICS_BESIDE_LIKES, _TELLING = 0.4, 5  # so many liked papers say more than words
_DECIMALS = 6  # what is further down is noise of the order of adding
_CLEARLY_LIKED = 1.4  # a liked paper is named as a reason from here on,
_LIKED = 0.4  # or from here on where one is close


@dataclass(frozen=True, slots=True)
class Likes:
    """The papers that some of the readers named, compared with those of the round.

    Attributes:
        row: of each reader in what follows; -1 for those who named none.
        alike: how unusually alike each paper (column) is to what a reader (row) named.
    """

    row: Ints
    alike: Alike

    @property
    def in_round(self) -> tuple[Ints, Ints]:
        """Readers, and the papers of the round that they named."""
        row, place = self.alike.in_round
        return self.readers[row], place

    @classmethod
    def of(
        cls, texts: Sequence[tuple[str, ...]], profiles: Sequence[Profile], columns: Columns
    ) -> Likes | None:
        """`texts`: what each of the profiles names; `None` where nobody names a paper."""
        some = [at for at, said in enumerate(texts) if said]
        if not some:
            return None
        voted = [row for row, at in enumerate(some) if isinstance(profiles[at], VotedProfile)]
        weights = {row: weights_in(profiles[some[row]]) for row in voted}
        row = np.full(len(texts), -1)
        row[some] = np.arange(len(some))
        return cls(row, Alike.of([texts[at] for at in some], weights, columns.named))

    @property
    def readers(self) -> Ints:
        """Those who named any."""
        return np.flatnonzero(self.row >= 0)

    @property
    def strengths(self) -> Floats:
        """A row for each of those readers."""
        return self.alike.strengths

    def told(self) -> Bools:
        """Where a named paper may be told as a reason, to each of those readers (row)."""
        told = self.strengths >= _LIKED
        told &= self.alike.close()
        told |= self.strengths >= _CLEARLY_LIKED
        return np.asarray(told)

    def like(self, reader: Ints, place: Ints) -> list[tuple[float, str]]:
        """How alike each of some papers is to what a reader named, and the title nearest to it.

        `reader` and `place` are pairs that `told` marks.
        """
        rows = self.row[reader]
        nearest = self.alike.nearest(rows, place).tolist()
        papers = self.alike.named.papers
        titles = (papers[number].title for number in nearest)
        return list(zip(self.strengths[rows, place].tolist(), titles, strict=True))


@dataclass(frozen=True, slots=True)
class Tastes:
    """Some readers and the papers of a round.

    Attributes:
        asked: the rows of `columns` that each reader named.
        totals: what everything adds up to; a row for each reader, a column for each paper.
        met: whether something that may earn a place by itself fits.
        likes, dislikes: the papers they named; `None` where nobody named one.
        told: for each reader and paper whether a liked paper may be told as a reason; `None` where
            nobody named one.
        exact: who typed the very title of which paper, with the words.
    """

    profiles: tuple[Profile, ...]
    columns: Columns
    asked: Asked
    totals: Floats
    met: Bools
    likes: Likes | None
    dislikes: Likes | None
    told: Bools | None
    exact: dict[tuple[int, int], str]

    @classmethod
    def of(cls, profiles: Sequence[Profile], columns: Columns) -> Tastes:
        """Measures what these readers want; what others wanted before them is known already."""
        columns.make_room()
        asked = columns.of(profiles)
        likes = Likes.of([profile.liked for profile in profiles], profiles, columns)
        dislikes = Likes.of([profile.disliked for profile in profiles], profiles, columns)
        exact = {(reader, place): topic for reader, place, topic in columns.titled(profiles)}
        totals = _totals(asked, columns, profiles, likes, dislikes)
        met, told = _met(asked, columns, profiles), None
        if likes:
            told = np.zeros(totals.shape, bool)
            told[likes.readers] = likes.told()
            met |= told
        for at in exact:
            totals[at], met[at] = EXACT_TITLE, True
        return cls(tuple(profiles), columns, asked, totals, met, likes, dislikes, told, exact)


def _totals(
    asked: Asked,
    columns: Columns,
    profiles: Sequence[Profile],
    likes: Likes | None,
    dislikes: Likes | None,
) -> Floats:
    is_topic = columns.are_topics[asked.rows]
    topics = asked.those(is_topic)
    above, below = np.split(_summed(topics, columns.sums), 2, axis=1)
    below /= _topics(profiles)[:, None]
    totals = _by_topics(above, below)
    if likes:
        told = (np.minimum(likes.alike.worth, _TELLING) / _TELLING).astype(np.float32)[:, None]
        # Beside liked papers, which decide who fits, topics say who comes first: no fit is made
        # less of, be it faint or not to be named.
        whole = _by_topics(_summed(topics, columns.wholes), below)[likes.readers]
        theirs = totals[likes.readers]
        theirs *= 1 - told
        theirs += _TOPICS_BESIDE_LIKES * told * whole
        theirs += likes.strengths
        totals[likes.readers] = theirs
    if not is_topic.all():
        totals += np.sqrt(_summed(asked.those(~is_topic), columns.squares))
    if dislikes:
        totals[dislikes.readers] -= _DISLIKE * np.maximum(dislikes.strengths, 0)
    return np.asarray(np.clip(totals, -_HIGHEST, _HIGHEST, out=totals))


def _summed(asked: Asked, table: Floats) -> Floats:
    """The rows of the table that each reader asked for, added up."""
    ones = np.ones(len(asked.rows), np.float32)
    return np.asarray(adding(ones, asked.ends, asked.rows, len(table)) @ table)


def _by_topics(above: Floats, below: Floats) -> Floats:
    """The best topic, and a little for further ones (the fourth root of fourth powers, so fitting one
    interest fully beats two by half); without any positive fit, the mean.
    """
    totals = below * (above <= 0)
    totals += np.sqrt(np.sqrt(above))
    return totals


def _topics(profiles: Sequence[Profile]) -> Floats:
    """How many topics each reader has, one at least."""
    topics = map(attrgetter("topics"), profiles)
    return np.maximum(np.fromiter(map(len, topics), np.float32, len(profiles)), 1)


def _met(asked: Asked, columns: Columns, profiles: Sequence[Profile]) -> Bools:
    """Whether a paper meets an interest that may earn it a place.

    A category is enough for who says nothing more precise.
    """
    broad = columns.are_categories
    if broad.any():
        precise = np.array([bool(p.topics or p.keywords or p.liked) for p in profiles])
        asked = asked.those(~(broad[asked.rows] & precise[asked.reader]))
    return columns.met(asked)
