"""How well papers fit the profiles of some readers, as matrices: a row for each, a column a paper.

The unit is a standard deviation above what is usual among the stored papers, so a total means the
same on every day and in every batch: 0 is any paper, 2 a clear fit to one interest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from newsletter.model import Profile
from newsletter.selection.fit.asked import Asked
from newsletter.selection.fit.columns import BELOW, Columns
from newsletter.selection.fit.likeness import Alike
from newsletter.selection.learn import VotedProfile, weights_in
from newsletter.selection.texts.hashing import Bools, Floats, Ints
from newsletter.selection.texts.tables import adding

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
        if not any(texts):
            return None
        some = [at for at, said in enumerate(texts) if said]
        weights = {}
        if VotedProfile in map(type, profiles):
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


@dataclass(frozen=True)
class Tastes:
    """Some readers and the papers of a round.

    Attributes:
        asked: the rows of `columns` that each reader named.
        totals: what everything adds up to; a row for each reader, a column for each paper.
        likes, dislikes: the papers they named; `None` where nobody named one.
        exact: who typed the very title of which paper, with the words.
    """

    profiles: tuple[Profile, ...]
    columns: Columns
    asked: Asked
    totals: Floats
    likes: Likes | None
    dislikes: Likes | None
    exact: dict[tuple[int, int], str]

    @classmethod
    def of(cls, profiles: Sequence[Profile], columns: Columns) -> Tastes:
        """Measures what these readers want; what others wanted before them is known already."""
        columns.make_room()
        asked = columns.of(profiles)
        likes = Likes.of([profile.liked for profile in profiles], profiles, columns)
        dislikes = Likes.of([profile.disliked for profile in profiles], profiles, columns)
        exact = {(reader, place): topic for reader, place, topic in columns.titled(profiles)}
        totals = _totals(asked, columns, likes, dislikes)
        for at in exact:
            totals[at] = EXACT_TITLE
        return cls(tuple(profiles), columns, asked, totals, likes, dislikes, exact)

    @cached_property
    def told(self) -> Bools | None:
        """For each reader and paper whether a liked paper may be told as a reason; `None` where
        nobody named one.
        """
        if self.likes is None:
            return None
        told = np.zeros(self.totals.shape, bool)
        told[self.likes.readers] = self.likes.told()
        return told

    @cached_property
    def met(self) -> Bools:
        """For each reader and paper whether something that may earn a place by itself fits."""
        met = _met(self.asked, self.columns, self.profiles)
        if self.told is not None:
            met |= self.told
        for at in self.exact:
            met[at] = True
        return met


def _totals(
    asked: Asked,
    columns: Columns,
    likes: Likes | None,
    dislikes: Likes | None,
) -> Floats:
    is_topic = columns.are_topics[asked.rows]
    topics = asked.those(is_topic)
    totals = _beside(likes, topics, columns) if likes else _of_topics(topics, columns.fits)
    if not is_topic.all():
        literal = _summed(asked.those(~is_topic), columns.squares)
        totals += np.sqrt(literal, out=literal)
    if dislikes:
        totals[dislikes.readers] -= _DISLIKE * np.maximum(dislikes.strengths, 0)
    return np.asarray(np.clip(totals, -_HIGHEST, _HIGHEST, out=totals))


def _beside(likes: Likes, topics: Asked, columns: Columns) -> Floats:
    """What topics say, and papers that readers named.

    Beside liked papers, which decide who fits, topics say who comes first: no fit is made less of,
    be it faint or not to be named.
    """
    told = np.zeros(len(topics), np.float32)
    told[likes.readers] = np.minimum(likes.alike.worth, _TELLING) / _TELLING
    few = told < 1
    totals = np.zeros((len(topics), len(columns)), np.float32)
    totals[few] = _of_topics(topics.of(few), columns.fits, 1 - told[few])
    some = likes.row >= 0
    theirs = _of_topics(topics.of(some), columns.wholes, _TOPICS_BESIDE_LIKES * told[some])
    theirs += likes.strengths
    totals[some] += theirs
    return totals


def _of_topics(topics: Asked, table: Floats, weights: Floats | None = None) -> Floats:
    """The best topic of each reader, and a little for further ones, so that fitting one interest
    fully beats two by half; where none fits, the mean of how far they are below the usual.

    `table`: of `Columns`, to be added up. `weights`: what that counts for each reader; else 1.
    """
    sums = _summed(topics, table)
    below = np.minimum(sums, 0)
    below *= (1 / (BELOW * np.maximum(np.diff(topics.ends), 1))).astype(np.float32)[:, None]
    np.maximum(sums, 0, out=sums)
    np.sqrt(np.sqrt(sums, out=sums), out=sums)
    sums += below
    if weights is not None:
        sums *= weights[:, None]
    return sums


def _summed(asked: Asked, table: Floats) -> Floats:
    """The rows of the table that each reader asked for, added up."""
    once = np.ones(len(asked.rows), np.float32)
    return np.asarray(adding(once, asked.ends, asked.rows, len(table)) @ table)


def _met(asked: Asked, columns: Columns, profiles: Sequence[Profile]) -> Bools:
    """Whether a paper meets an interest that may earn it a place.

    A category is enough for who says nothing more precise.
    """
    broad = columns.are_categories
    if broad.any():
        precise = np.array([bool(p.topics or p.keywords or p.liked) for p in profiles])
        asked = asked.those(~(broad[asked.rows] & precise[asked.reader]))
    return columns.met(asked)
