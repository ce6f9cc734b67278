"""How well papers fit topics in a subscriber's own words, measured against what is usual.

BM25 of the words, and the likeness to the stored papers that fit the words best (pseudo-relevance
feedback), by words and in the latent space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from newsletter.selection import categories
from newsletter.selection.background import Background
from newsletter.selection.batch import Batch
from newsletter.selection.hashing import Bools, Floats, Ints, Matrix
from newsletter.selection.likeness import SPREAD_IN_SPACE, SPREAD_OF_WORDS
from newsletter.selection.usual import Usual

_EXAMPLES = 10  # stored papers that speak for a topic,
_FEWEST_EXAMPLES = 3
_EXAMPLE_SHARE = 0.02  # and never more than this share of all, or noise would speak too

# Where a topic hardly occurs, a single word of it is very unusual and yet no fit.
_FIT_PER_WORDS = 5.0

# A topic is named as a reason for a clear fit; where no examples vouch for it, two words and a fair
# share of the topic must occur, or it may be a stray word. And for its very words, because a broad
# topic such as "large language models" never is unusual.
CLEAR_FIT, _FAIR_SHARE = 1.8, 0.2
_BROAD_FIT, _VERY_WORDS = 0.4, 0.75
_HIGHEST = 8.0
_PRIOR_SPREAD_OF_SAID = 0.15  # what is usual when hardly any paper is stored


@dataclass(frozen=True, slots=True)
class TopicMeter:
    """Some topics, ready to be measured against any papers.

    Attributes:
        queries: BM25 weights of each topic's words and pairs.
        single: the words alone.
        weights: the most that BM25 could give per topic, but for repeated words.
        coded: whether a topic is the name of a category, whose stored papers are its examples.
    """

    queries: Matrix
    single: Matrix
    telling: Floats
    weights: Floats
    coded: Bools
    examples: Examples
    usual_said: Usual
    usual_words: Usual
    usual_dense: Usual

    @classmethod
    def of(cls, topics: Sequence[str], background: Background) -> TopicMeter:
        queries = background.queries(topics)
        weights = np.maximum((queries > 0) @ background.rarity, 1e-6)
        said = _in_stored(queries, background) / weights
        most = min(_EXAMPLES, int(background.size * _EXAMPLE_SHARE))
        placed = [_placed(topic, background) for topic in topics]
        found = [own if len(own) else _best(said[:, t], most) for t, own in enumerate(placed)]
        examples = Examples.of(found, background)
        usual = background.usual
        words, dense = examples.likeness(usual)
        return cls(
            queries,
            _single_words(topics, background),
            background.rarity**2,
            weights,
            np.array([len(own) > 0 for own in placed], dtype=bool),
            examples,
            Usual.of(said[usual.places], _PRIOR_SPREAD_OF_SAID),
            Usual.of(words, SPREAD_OF_WORDS),
            Usual.of(dense, SPREAD_IN_SPACE),
        )

    def measure(self, batch: Batch) -> tuple[Floats, Bools]:
        """The fit of each paper (row) to each topic (column), and whether it is clear enough to name.

        A stored paper does not count as its own example.
        """
        fits = np.minimum(self._fits(batch), _HIGHEST)
        found = self.examples.some
        clear = (fits >= CLEAR_FIT) & (found | self._occurs(batch))
        held = self._cover(batch, self.queries) >= _VERY_WORDS
        # Where so little is stored that nothing vouches for a topic, its words need not be neighbours.
        held |= ~found & (self._cover(batch, self.single) >= _VERY_WORDS)
        return fits, clear | ((fits >= _BROAD_FIT) & held)

    def _fits(self, batch: Batch) -> Floats:
        said = batch.said(self.queries) * batch.rows.lengths[:, None] / self.weights
        by_said = np.minimum(self.usual_said.above(said), _FIT_PER_WORDS * said)
        words, dense = self.examples.likeness(batch)
        parts = [self.usual_words.above(words)]
        if batch.rows.dense.shape[1]:
            parts.append(self.usual_dense.above(dense))
        alike = sum(parts[1:], parts[0])
        # The words of a category's name say less than the papers in it.
        vouched = np.where(self.coded, alike / len(parts), (by_said + alike) / (1 + len(parts)))
        return np.where(self.examples.some, vouched, by_said)

    def _occurs(self, batch: Batch) -> Bools:
        """Whether two words and a fair share of each topic occur."""
        asked = (self.queries > 0).astype(np.float32)
        several = batch.held(asked) >= np.minimum(2, np.asarray(asked.sum(axis=1)).ravel())
        return np.asarray(several & (self._cover(batch, self.queries) >= _FAIR_SHARE))

    def _cover(self, batch: Batch, queries: Matrix) -> Floats:
        """The share of each topic that occurs in a paper at all; rare words and pairs decide."""
        telling = (queries > 0).multiply(self.telling).tocsr().astype(np.float32)
        whole = np.maximum(np.asarray(telling.sum(axis=1)).ravel(), 1e-6)
        return np.asarray(batch.held(telling) / whole)


@dataclass(frozen=True, slots=True)
class Examples:
    """The stored papers that speak for each topic, and the centres of their vectors."""

    places: tuple[Ints, ...]
    units: Matrix
    dense: Floats

    @classmethod
    def of(cls, places: Sequence[Ints], background: Background) -> Examples:
        rows = background.rows
        owner = np.repeat(np.arange(len(places)), [len(chosen) for chosen in places])
        chosen = np.concatenate([np.zeros(0, np.int64), *places])
        choice = sparse.csr_matrix(
            (np.ones(len(chosen), np.float32), (owner, chosen)), shape=(len(places), len(rows))
        )
        dense = choice.astype(np.float64) @ rows.dense
        return cls(tuple(places), (choice @ rows.units).tocsr(), dense)

    @property
    def some(self) -> Bools:
        """Which topics have any."""
        return np.array([len(chosen) > 0 for chosen in self.places], dtype=bool)

    def likeness(self, batch: Batch) -> tuple[Floats, Floats]:
        """Mean cosine with the examples of each topic (itself left out), above that with any paper:
        by words, and in the latent space.
        """
        own = np.array([np.isin(batch.places, chosen) for chosen in self.places], dtype=np.float64)
        own = own.reshape(len(self.places), len(batch)).T
        left = np.maximum(np.array([len(chosen) for chosen in self.places]) - own, 1)
        words = (batch.said(self.units) - own) / left - batch.common[:, None]
        wide = batch.rows.dense.astype(np.float64)
        dense = (wide @ self.dense.T - own) / left - batch.dense_common[:, None]
        return words, dense


def _placed(topic: str, background: Background) -> Ints:
    """The stored papers of the category that a topic names."""
    codes = categories.codes(topic)
    if not codes:
        return np.zeros(0, np.int64)
    held = (categories.holds(codes, p.categories) for p in background.papers[: background.size])
    placed = np.flatnonzero(np.fromiter(held, bool, background.size))
    return placed if len(placed) >= _FEWEST_EXAMPLES else placed[:0]


def _single_words(topics: Sequence[str], background: Background) -> Matrix:
    """Each topic as a row with every word in it, and no pairs."""
    rows = [background.words_of(topic) for topic in topics]
    summed = [sparse.csr_matrix(row.sum(axis=0)) for row in rows]
    return sparse.vstack(summed, format="csr") if summed else background.queries([])


def _in_stored(queries: Matrix, background: Background) -> Floats:
    """BM25 of each stored paper (row) for each topic (column)."""
    rows = background.rows
    said = (rows.units @ queries.T).toarray() * rows.lengths[:, None]
    return np.asarray(said[: background.size])


def _best(words: Floats, most: int) -> Ints:
    best = np.argsort(-words, kind="stable")[:most]
    best = best[words[best] > 0]
    return best if len(best) >= _FEWEST_EXAMPLES else best[:0]
