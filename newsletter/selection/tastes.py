"""How well papers fit the profiles of many readers at once, as matrices: a column for each reader.

The unit is a standard deviation above what is usual among the stored papers, so a total means the
same on every day and in every batch: 0 is any paper, 2 a clear fit to one interest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from newsletter.model import Paper, Profile, title_key
from newsletter.selection import categories
from newsletter.selection.background import Background
from newsletter.selection.batch import Batch
from newsletter.selection.hashing import Bools, Floats, Matrix, chosen
from newsletter.selection.learn import weights_in
from newsletter.selection.likeness import AT_ONCE, Compared, Likeness, Named
from newsletter.selection.literal import Literals
from newsletter.selection.topics import CLEAR_FIT, TopicMeter

MOST_TOPICS = 100  # of a reader; further topics are matched by exact title only
EXACT_TITLE = 50.0  # the subscriber typed the title of this very paper
_HIGHEST = 30.0
_CATEGORY_AS_TOPIC = 2.0
_DISLIKE = 0.9
_TOPICS_BESIDE_LIKES, _TELLING = 0.4, 5  # so many liked papers say more than words
_DECIMALS = 6  # what is further down is noise of the order of adding


@dataclass(frozen=True, slots=True)
class Weighed:
    """Papers (rows) measured for some readers.

    Attributes:
        fits, clear: for each topic (column), how well it fits, and whether clearly enough to name.
        literal: the strength of each literal interest (column).
        totals: what it all adds up to for each reader (column).
    """

    batch: Batch
    fits: Floats
    clear: Bools
    literal: Matrix
    liked: Compared
    disliked: Compared | None
    totals: Floats = field(default_factory=lambda: np.zeros((0, 0)))


class Tastes:
    """Some profiles, prepared for judging many papers.

    Attributes:
        topics: of all readers, each once.
        asked: which of them each reader named.
    """

    def __init__(self, profiles: Sequence[Profile], background: Background) -> None:
        distinct = [[t for t in dict.fromkeys(p.topics) if t.strip()] for p in profiles]
        asked = [topics[:MOST_TOPICS] for topics in distinct]
        column = {t: at for at, t in enumerate(dict.fromkeys(t for ts in asked for t in ts))}
        self.background = background
        self.topics = tuple(column)
        self.literals = Literals.of(profiles, background)
        weights = [weights_in(profile) for profile in profiles]
        self.liked = Named.of([p.liked for p in profiles], weights, background)
        self._titled = _by_title(distinct)
        self.asked = [[column[topic] for topic in topics] for topics in asked]
        self._wants = chosen(self.asked, len(column))
        self._several = np.array([max(len(topics), 1) for topics in asked])
        self._meter = TopicMeter.of(self.topics, background)
        self._codes = [categories.codes(topic) for topic in self.topics]
        self._likeness = Likeness.of(self.liked, background)
        disliked = Named.of([p.disliked for p in profiles], weights, background)
        self._dislikes = Likeness.of(disliked, background) if disliked.papers else None
        told = np.minimum(self.liked.worth, _TELLING) / _TELLING
        self._beside_likes = 1 - (1 - _TOPICS_BESIDE_LIKES) * told

    def weigh(self, papers: Sequence[Paper]) -> Weighed:
        """Every paper for every reader."""
        batch = self.background.batch(papers)
        fits, clear = self._meter.measure(batch)
        in_category = self._in_category(papers)
        fits, clear = fits + _CATEGORY_AS_TOPIC * in_category, clear | in_category
        measured = Weighed(
            batch,
            fits,
            clear,
            self.literals.measure(batch),
            self._likeness.compared(batch),
            self._dislikes.compared(batch) if self._dislikes else None,
        )
        return replace(measured, totals=self._with_exact(batch, self._totals(measured)).T)

    def _totals(self, weighed: Weighed) -> Floats:
        counted = _counted(weighed.fits, weighed.clear).T
        above, below = np.maximum(counted, 0) ** 4, np.minimum(counted, 0)
        squares = weighed.literal.power(2).T.tocsr()
        totals = np.empty((len(self._several), len(weighed.batch)))
        for start in range(0, len(totals), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            wants = self._wants[some]
            topics = _by_topics(wants @ above, wants @ below / self._several[some, None])
            total = weighed.liked.of(some) + self._beside_likes[some, None] * topics
            total += np.sqrt((self.literals.wants[some] @ squares).toarray())
            if weighed.disliked:
                total -= _DISLIKE * np.maximum(weighed.disliked.of(some), 0)
            totals[some] = np.clip(total, -_HIGHEST, _HIGHEST).round(_DECIMALS)
        return totals

    def _in_category(self, papers: Sequence[Paper]) -> Bools:
        """A topic that is the name of an arXiv category is also met by the papers of that category."""
        met = np.zeros((len(papers), len(self.topics)), dtype=bool)
        for at, codes in enumerate(self._codes):
            if codes:
                met[:, at] = [categories.holds(codes, paper.categories) for paper in papers]
        return met

    def _with_exact(self, batch: Batch, totals: Floats) -> Floats:
        """Where a reader typed the very title of a paper, nothing fits better."""
        for place, key in enumerate(batch.keys):
            if key in self._titled:
                totals[self._titled[key], place] = EXACT_TITLE
        return totals


def _by_topics(above: Floats, below: Floats) -> Floats:
    """The best topic, and a little for further ones (the fourth root of fourth powers, so fitting one
    interest fully beats two by half); without any positive fit, the mean.
    """
    return np.where(above > 0, np.sqrt(np.sqrt(above)), below)


def _by_title(topics: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """Who typed what may be a title, by its key."""
    found: dict[str, list[int]] = defaultdict(list)
    for reader, typed in enumerate(topics):
        for key in {title_key(topic) for topic in typed}:
            found[key].append(reader)
    return dict(found)


def _counted(fits: Floats, clear: Bools) -> Floats:
    """Less than the fit below a clear one, so that faint likeness to many topics stays faint.

    What could not be named as a reason counts less still, and never more than 2.
    """
    counted = fits * np.clip(fits / CLEAR_FIT, 0, 1)
    unclear = counted / (1 + counted / 2)
    return np.where(fits <= 0, fits, np.where(clear, counted, unclear))
