"""How well papers fit topics in a subscriber's own words, measured against what is usual.

BM25 of the words, and the likeness to the stored papers that fit the words best (pseudo-relevance
feedback), by words, in the latent space and, where there is a model, by meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from newsletter.selection.texts import categories
from newsletter.selection.texts.hashing import Bools, Floats, Ints, Matrix
from newsletter.selection.usual.background import Background
from newsletter.selection.usual.batch import Batch, Spots
from newsletter.selection.usual.deviation import Usual
from newsletter.selection.usual.ways import SPREAD_IN_SPACE, SPREAD_OF_MEANING, SPREAD_OF_WORDS

# What is near in the latent space counts so much beside words: near the examples, near the topic.
_IN_SPACE, _OWN_IN_SPACE = 0.5, 0.6
_MEANING, _OWN_MEANING = 0.1, 0.1  # the same by meaning, where there is a model
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
# Some words of a topic alone are none of it, "machine unlearning" is no "machine translation": the
# examples must agree. Of real reading lists, 3 % of such papers are on them, else 9 to 12 %.
_AGREED = 1.7
_VOUCHING = (
    0.6  # share of a topic's words in its examples: "medieval tax law" gets 0.15 among AI papers
)
_HIGHEST = 8.0
_PRIOR_SPREAD_OF_SAID = 0.15  # what is usual when hardly any paper is stored


@dataclass(frozen=True, slots=True)
class TopicMeter:
    """Some topics, ready to be measured against any papers.

    Attributes:
        queries: BM25 weights of each topic's words and pairs.
        telling: a row of words and pairs for each topic that adds up to 1, the rare ones more;
            then one for each topic with its words alone.
        several: how many words and pairs make a fair hit, two or the only one.
        weights: the most that BM25 could give per topic, but for repeated words.
        coded: whether a topic is the name of a category, whose stored papers are its examples.
        vouched: whether the examples are about the topic, so that what is like them is too.
        in_meaning: none where there is no model.
    """

    queries: Matrix
    telling: Matrix
    several: Floats
    weights: Floats
    coded: Bools
    vouched: Bools
    examples: Examples
    usual_said: Usual
    usual_words: Usual
    in_space: Near
    in_meaning: Near | None

    @classmethod
    def of(cls, topics: Sequence[str], background: Background) -> TopicMeter:
        queries, singles = background.queries(topics), _single_words(topics, background)
        weights = np.maximum((queries > 0) @ background.rarity, 1e-6)
        said = _in_stored(queries, background) / weights
        most = min(_EXAMPLES, int(background.size * _EXAMPLE_SHARE))
        placed = [_placed(topic, background) for topic in topics]
        found = [own if len(own) else _best(said[:, t], most) for t, own in enumerate(placed)]
        examples = Examples.of(found, background)
        usual, rows = background.usual, background.rows
        left = examples.left_out(usual)
        places, meaning = background.in_space(topics), background.in_meaning(topics)
        of_words = _telling(singles, background)
        coded = np.array([len(own) > 0 for own in placed], dtype=bool)
        return cls(
            queries,
            sparse.vstack([_telling(queries, background), of_words], format="csr"),
            np.minimum(2, np.diff(queries.indptr)),
            weights,
            coded,
            coded | (examples.held(of_words, background) >= _VOUCHING),
            examples,
            Usual.of(said[usual.places], _PRIOR_SPREAD_OF_SAID),
            Usual.of(examples.by_words(usual, left), SPREAD_OF_WORDS),
            Near.of(places, examples.centres(rows.dense), usual.in_space, left, SPREAD_IN_SPACE),
            Near.of(
                meaning, examples.centres(rows.meaning), usual.in_meaning, left, SPREAD_OF_MEANING
            )
            if usual.in_meaning.some
            else None,
        )

    def measure(self, batch: Batch) -> tuple[Floats, Bools]:
        """The fit of each paper (row) to each topic (column), and whether it is clear enough to name.

        A stored paper does not count as its own example.
        """
        fits, alike = self._fits(batch)
        cover, of_words = np.split(batch.held(self.telling), 2, axis=1)
        occurs = (cover >= _FAIR_SHARE) & (batch.held(self.queries > 0) >= self.several)
        agreed = (alike >= _AGREED) | (of_words >= _VERY_WORDS) | ~self.examples.some
        clear = (fits >= CLEAR_FIT) & (self.vouched | occurs) & agreed
        # Where so little is stored that nothing vouches for a topic, its words need not be neighbours.
        held = (cover >= _VERY_WORDS) | (~self.examples.some & (of_words >= _VERY_WORDS))
        return fits, clear | ((fits >= _BROAD_FIT) & held)

    def _fits(self, batch: Batch) -> tuple[Floats, Floats]:
        """The fit to each topic, and how much of it is likeness to the examples."""
        said = batch.said(self.queries) * batch.rows.lengths[:, None] / self.weights
        by_said = np.minimum(self.usual_said.above(said), _FIT_PER_WORDS * said)
        left = self.examples.left_out(batch)
        alike, weight = self.usual_words.above(self.examples.by_words(batch, left)), 1.0
        own, own_weight = by_said, 1.0
        for near, spots, by_examples, by_itself in (
            (self.in_space, batch.in_space, _IN_SPACE, _OWN_IN_SPACE),
            (self.in_meaning, batch.in_meaning, _MEANING, _OWN_MEANING),
        ):
            if near and spots.some:
                alike, weight = alike + by_examples * near.alike(spots, left), weight + by_examples
                own, own_weight = own + by_itself * near.itself(spots), own_weight + by_itself
        # The words of a category's name say less than the papers in it.
        vouched = np.where(self.coded, alike / weight, (own + alike) / (own_weight + weight))
        fits = np.where(self.examples.some, vouched, self._alone(batch, by_said))
        return np.minimum(fits, _HIGHEST), alike / weight

    def _alone(self, batch: Batch, by_said: Floats) -> Floats:
        """The fits to topics without examples; the latent space knows little of their words."""
        if self.in_meaning is None:
            return by_said
        near = self.in_meaning.itself(batch.in_meaning)
        return np.asarray((by_said + _OWN_MEANING * near) / (1 + _OWN_MEANING))


@dataclass(frozen=True, slots=True)
class Near:
    """Some topics in a space of few dimensions: where each stands, and its examples together.

    Attributes:
        own: the place of each topic, and what cosine with it is usual.
        centres: the sum of its examples' places, and what cosine with them is usual.
    """

    own: tuple[Floats, Usual]
    centres: tuple[Floats, Usual]

    @classmethod
    def of(
        cls, own: Floats, centres: Floats, usual: Spots, left: LeftOut, prior_spread: float
    ) -> Near:
        return cls(
            (own, Usual.of(usual.cosines(own), prior_spread)),
            (centres, Usual.of(_mean_cosine(usual, centres, left), prior_spread)),
        )

    def itself(self, spots: Spots) -> Floats:
        """How unusually near each paper (row) is to each topic (column)."""
        own, usual = self.own
        return usual.above(spots.cosines(own))

    def alike(self, spots: Spots, left: LeftOut) -> Floats:
        """How unusually near each paper (row) is to the examples of each topic (column)."""
        centres, usual = self.centres
        return usual.above(_mean_cosine(spots, centres, left))


@dataclass(frozen=True, slots=True)
class Examples:
    """The stored papers that speak for each topic, and the sums of their words and pairs.

    Attributes:
        choice: a 1 for each stored paper (column) that is an example of a topic (row).
    """

    places: tuple[Ints, ...]
    choice: Matrix
    units: Matrix

    @classmethod
    def of(cls, places: Sequence[Ints], background: Background) -> Examples:
        rows = background.rows
        owner = np.repeat(np.arange(len(places)), [len(chosen) for chosen in places])
        chosen = np.concatenate([np.zeros(0, np.int64), *places])
        choice = sparse.csr_matrix(
            (np.ones(len(chosen), np.float32), (owner, chosen)), shape=(len(places), len(rows))
        )
        return cls(tuple(places), choice, (choice @ rows.units).tocsr())

    @property
    def some(self) -> Bools:
        """Which topics have any."""
        return np.array([len(chosen) > 0 for chosen in self.places], dtype=bool)

    def held(self, telling: Matrix, background: Background) -> Floats:
        """The mean share of each topic that its examples hold."""
        units = background.rows.units
        shares = [
            (units[chosen] > 0) @ telling[topic].toarray().ravel()
            for topic, chosen in enumerate(self.places)
        ]
        return np.array([share.mean() if len(share) else 0.0 for share in shares])

    def centres(self, vectors: Floats) -> Floats:
        """The sum of the examples' vectors for each topic, of those of all stored papers."""
        used, place = np.unique(self.choice.indices, return_inverse=True)
        shape = self.choice.shape[0], len(used)
        choice = sparse.csr_matrix((self.choice.data, place, self.choice.indptr), shape=shape)
        # Exactly, but not for all that are stored: that takes 16 MB for 10,000.
        return np.asarray(choice @ vectors[used].astype(np.float64))

    def left_out(self, batch: Batch) -> LeftOut:
        """Who of some papers is an example itself."""
        own = np.array([np.isin(batch.places, chosen) for chosen in self.places], dtype=np.float64)
        own = own.reshape(len(self.places), len(batch)).T
        return LeftOut(own, np.maximum(np.array([len(some) for some in self.places]) - own, 1))

    def by_words(self, batch: Batch, left: LeftOut) -> Floats:
        """Mean cosine with the examples of each topic, above that with any paper."""
        return left.mean(batch.said(self.units)) - batch.common[:, None]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Papers (rows) that are no examples to themselves.

    Attributes:
        own: 1 where a paper is an example of a topic (column).
        others: how many other examples the topic has, one at least.
    """

    own: Floats
    others: Floats

    def mean(self, sums: Floats) -> Floats:
        """The mean over the other examples, of the sum over all."""
        return np.asarray((sums - self.own) / self.others)


def _mean_cosine(spots: Spots, centres: Floats, left: LeftOut) -> Floats:
    return left.mean(spots.cosines(centres)) - spots.common[:, None]


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


def _telling(asked: Matrix, background: Background) -> Matrix:
    """What each word and pair tells of a topic, as shares; those of rare ones decide."""
    told = (asked > 0).multiply(background.rarity**2).tocsr().astype(np.float32)
    whole = np.asarray(told.sum(axis=1)).ravel()
    return sparse.diags(1 / np.maximum(whole, 1e-6)) @ told


def _best(words: Floats, most: int) -> Ints:
    best = np.argsort(-words, kind="stable")[:most]
    best = best[words[best] > 0]
    return best if len(best) >= _FEWEST_EXAMPLES else best[:0]
