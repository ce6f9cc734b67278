"""How well papers fit the profiles of many readers at once, as matrices: a column for each reader.

The unit is a standard deviation above what is usual among the stored papers, so a total means the
same on every day and in every batch: 0 is any paper, 2 a clear fit to one interest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Paper, Profile, title_key
from newsletter.selection import categories
from newsletter.selection.background import Background
from newsletter.selection.hashing import Bools, Floats, Matrix, chosen
from newsletter.selection.learn import weights_in
from newsletter.selection.likeness import Likeness, Named
from newsletter.selection.literal import Literals
from newsletter.selection.space import Rows
from newsletter.selection.topics import CLEAR_FIT, TopicMeter

MOST_TOPICS = 100  # of a reader; further topics are matched by exact title only
EXACT_TITLE = 50.0  # the subscriber typed the title of this very paper
_HIGHEST = 30.0
_CATEGORY_AS_TOPIC = 2.0
_DISLIKE = 0.9
_TOPICS_BESIDE_LIKES, _TELLING = 0.5, 5  # so many liked papers say more than words
_TOPIC_NORM = 3  # nearly the best topic alone: fitting one interest fully beats two by half
_DECIMALS = 6  # what is further down is noise of the order of adding


@dataclass(frozen=True, slots=True)
class Weighed:
    """Papers (rows) measured for some readers.

    Attributes:
        fits, clear: for each topic (column), how well it fits, and whether clearly enough to name.
        literal: the strength of each literal interest (column).
        liked: likeness to what each reader (column) liked.
        totals: what it all adds up to for each reader (column).
    """

    rows: Rows
    fits: Floats
    clear: Bools
    literal: Matrix
    liked: Floats
    totals: Floats


class Tastes:
    """Some profiles, prepared for judging many papers."""

    def __init__(self, profiles: Sequence[Profile], background: Background) -> None:
        distinct = [[t for t in dict.fromkeys(p.topics) if t.strip()] for p in profiles]
        asked = [topics[:MOST_TOPICS] for topics in distinct]
        column = {t: at for at, t in enumerate(dict.fromkeys(t for ts in asked for t in ts))}
        self.background = background
        self.topics = tuple(column)
        self.literals = Literals.of(profiles, background)
        weights = [weights_in(profile) for profile in profiles]
        self.liked = Named.of([p.liked for p in profiles], weights, background)
        self._titles = [{title_key(topic) for topic in topics} for topics in distinct]
        self._wants = chosen([[column[topic] for topic in topics] for topics in asked], len(column))
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
        literal = self.literals.measure(papers)
        liked = self._likeness.measure(batch)
        totals = liked + self._beside_likes * self._by_topics(_counted(fits, clear))
        totals += self.literals.totals(literal)
        if self._dislikes is not None:
            totals -= _DISLIKE * np.maximum(self._dislikes.measure(batch), 0)
        totals = np.clip(totals, -_HIGHEST, _HIGHEST).round(_DECIMALS)
        return Weighed(batch.rows, fits, clear, literal, liked, self._with_exact(papers, totals))

    def _in_category(self, papers: Sequence[Paper]) -> Bools:
        """A topic that is the name of an arXiv category is also met by the papers of that category."""
        met = np.zeros((len(papers), len(self.topics)), dtype=bool)
        for at, codes in enumerate(self._codes):
            if codes:
                met[:, at] = [categories.holds(codes, paper.categories) for paper in papers]
        return met

    def _by_topics(self, counted: Floats) -> Floats:
        """The best topic, and a little for further ones; without any positive fit, the mean."""
        powers = np.maximum(counted, 0) ** _TOPIC_NORM @ self._wants.T
        below = np.minimum(counted, 0) @ self._wants.T
        several = np.maximum(np.asarray(self._wants.sum(axis=1)).ravel(), 1)
        return np.asarray(np.where(powers > 0, powers ** (1 / _TOPIC_NORM), below / several))

    def _with_exact(self, papers: Sequence[Paper], totals: Floats) -> Floats:
        """Where a reader typed the very title of a paper, nothing fits better."""
        keys = [paper.key for paper in papers]
        for reader, titles in enumerate(self._titles):
            if not titles.isdisjoint(keys):
                totals[[key in titles for key in keys], reader] = EXACT_TITLE
        return totals


def _counted(fits: Floats, clear: Bools) -> Floats:
    """Less than the fit below a clear one, so that faint likeness to many topics stays faint.

    What could not be named as a reason counts less still, and never more than 2.
    """
    counted = fits * np.clip(fits / CLEAR_FIT, 0, 1)
    unclear = counted / (1 + counted / 2)
    return np.where(fits <= 0, fits, np.where(clear, counted, unclear))
