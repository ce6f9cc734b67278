"""How well papers fit the profiles of some readers, as matrices: a row for each, a column a paper.

The unit is a standard deviation above what is usual among the stored papers, so a total means the
same on every day and in every batch: 0 is any paper, 2 a clear fit to one interest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from newsletter.model import Profile, Why
from newsletter.selection.columns import Columns
from newsletter.selection.hashing import Bools, Floats, Ints, Matrix
from newsletter.selection.learn import weights_in
from newsletter.selection.likeness import Alike

EXACT_TITLE = 50.0  # the subscriber typed the title of this very paper
_HIGHEST = 30.0
_DISLIKE = 0.9
_TOPICS_BESIDE_LIKES, _TELLING = 0.4, 5  # so many liked papers say more than words
_DECIMALS = 6  # what is further down is noise of the order of adding
_CLEARLY_LIKED = 1.4  # a liked paper is named as a reason from here on,
_CLOSE = (0.4, 0.12)  # or with less, for a cosine that papers of one field rarely reach


@dataclass(frozen=True, slots=True)
class Likes:
    """The papers that some of the readers named, compared with those of the round.

    Attributes:
        row: of each reader in what follows; -1 for those who named none.
        alike: how unusually alike each paper (column) is to what a reader (row) named.
    """

    row: Ints
    alike: Alike

    @classmethod
    def of(
        cls, texts: Sequence[tuple[str, ...]], profiles: Sequence[Profile], columns: Columns
    ) -> Likes | None:
        """`texts`: what each of the profiles names; `None` where nobody names a paper."""
        some = [at for at, said in enumerate(texts) if said]
        if not some:
            return None
        weights = [weights_in(profiles[at]) for at in some]
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
        least, close = _CLOSE
        near = (self.strengths >= least) & (self.alike.closest() >= close)
        return np.asarray((self.strengths >= _CLEARLY_LIKED) | near)

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
        asked: the rows of `columns` that each reader named, in their order, padded with -1.
        totals: what everything adds up to; a row for each reader, a column for each paper.
        met: whether something that may earn a place by itself fits.
        told: for each reader and paper whether a liked paper may be told as a reason.
        exact: who typed the very title of which paper, with the words.
    """

    profiles: tuple[Profile, ...]
    columns: Columns
    asked: Ints
    totals: Floats
    met: Bools
    likes: Likes | None
    told: Bools
    exact: dict[tuple[int, int], str]

    @classmethod
    def of(cls, profiles: Sequence[Profile], columns: Columns) -> Tastes:
        """Measures what these readers want; what others wanted before them is known already."""
        columns.make_room()
        rows = columns.of(profiles)
        likes = Likes.of([profile.liked for profile in profiles], profiles, columns)
        dislikes = Likes.of([profile.disliked for profile in profiles], profiles, columns)
        exact = dict(_titled(profiles, columns))
        totals = _totals(_wants(rows, columns), columns, _topics(profiles), likes, dislikes)
        met = (_wants(rows, columns, _may_earn(profiles)) @ columns.held) > 0
        told = np.zeros(totals.shape, bool)
        if likes:
            told[likes.readers] = likes.told()
        met |= told
        for at in exact:
            totals[at], met[at] = EXACT_TITLE, True
        return cls(tuple(profiles), columns, _padded(rows), totals, met, likes, told, exact)


def _totals(
    wants: Matrix, columns: Columns, topics: Ints, likes: Likes | None, dislikes: Likes | None
) -> Floats:
    size = len(columns)
    sums = np.asarray(wants @ columns.sums)
    above, squares = sums[:, :size], sums[:, 2 * size :]
    below = sums[:, size : 2 * size] / topics[:, None]
    totals = _by_topics(above, below)
    if likes:
        told = (np.minimum(likes.alike.worth, _TELLING) / _TELLING)[:, None]
        whole = _whole_topics(wants[likes.readers], columns, below[likes.readers])
        totals[likes.readers] *= 1 - told
        totals[likes.readers] += _TOPICS_BESIDE_LIKES * told * whole + likes.strengths
    totals += np.sqrt(squares)
    if dislikes:
        totals[dislikes.readers] -= _DISLIKE * np.maximum(dislikes.strengths, 0)
    return np.asarray(np.clip(totals, -_HIGHEST, _HIGHEST, out=totals), np.float32)


def _whole_topics(wants: Matrix, columns: Columns, below: Floats) -> Floats:
    """What the topics add up to when no fit is made less of, be it faint or not to be named.

    That is for beside liked papers: they decide who fits, and topics only who comes first.
    """
    asked = np.unique(wants.indices)
    is_topic = np.array([columns.interests[at][0] is Why.TOPIC for at in asked], bool)
    topics = asked[is_topic]
    above = wants[:, topics] @ np.maximum(columns.strength[topics], 0) ** 4
    return _by_topics(np.asarray(above), below)


def _by_topics(above: Floats, below: Floats) -> Floats:
    """The best topic, and a little for further ones (the fourth root of fourth powers, so fitting one
    interest fully beats two by half); without any positive fit, the mean.
    """
    return np.where(above > 0, np.sqrt(np.sqrt(above)), below)


def _topics(profiles: Sequence[Profile]) -> Ints:
    """How many topics each reader has, one at least."""
    return np.array([max(len(profile.topics), 1) for profile in profiles], np.float32)


def _may_earn(profiles: Sequence[Profile]) -> list[bool]:
    """Whether a category is enough for a place: for who says nothing more precise."""
    return [not (profile.topics or profile.keywords or profile.liked) for profile in profiles]


def _wants(
    rows: Sequence[Sequence[int]], columns: Columns, with_categories: Sequence[bool] | None = None
) -> Matrix:
    """A 1 for each interest (column) of each reader (row), in the order they gave."""
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    indices = np.fromiter((at for row in rows for at in row), np.int32, int(counts.sum()))
    ones = np.ones(len(indices), np.float32)
    if with_categories is not None:
        broad = np.fromiter((why is Why.CATEGORY for why, _ in columns.interests), bool)
        ones[broad[indices] & ~np.repeat(with_categories, counts)] = 0
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return sparse.csr_matrix((ones, indices, indptr), shape=(len(rows), len(columns.interests)))


def _padded(rows: Sequence[Sequence[int]]) -> Ints:
    padded = np.full((len(rows), max(map(len, rows), default=0)), -1, np.int32)
    for at, row in enumerate(rows):
        padded[at, : len(row)] = row
    return padded


def _titled(profiles: Sequence[Profile], columns: Columns) -> Iterator[tuple[tuple[int, int], str]]:
    for reader, profile in enumerate(profiles):
        for topic in profile.topics:
            for place in columns.titled(topic):
                yield (reader, place), topic
