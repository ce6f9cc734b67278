"""Which of the fitting papers get the places: the best, none like another, every topic its share.

For many readers at once: in each turn everybody gets one more paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newsletter.selection.texts.hashing import Bools, Floats, Ints

NEAR = 0.65  # cosine from which two papers tell the same; two parts of one series have about 0.3
MOST_TOPICS = 63  # that are told apart; further ones share a bit
_LAMBDA = 0.7  # MMR: precision at 10 stays the same, the list gets wider; never below 0.6
LOOKED_AT = 60  # of the papers that fit a reader, the best; or as many as they want
_SAME_TOPIC = 0.03  # each further paper on the same topic counts so much less
_LEAST_SPAN = 0.2
_NO_TOPIC, _MANY = -2, 1_000_000


@dataclass(frozen=True, slots=True)
class Offered:
    """The papers (columns) that fit each reader (row), best first; what is left of a row is padding.

    Attributes:
        place: of the paper in the field; -1 for padding.
        topics: a bit for each topic of the reader that the paper truly meets.
        first: the number of the one it meets best; -1 for none.
        places: how many each reader has to give.
        in_order: who gets the papers in the given order, each told once.
    """

    place: Ints
    score: Floats
    topics: Ints
    first: Ints
    places: Ints
    in_order: Bools


@dataclass(frozen=True, slots=True)
class Chosen:
    """The places given, and for each paper left out as a repetition, the picked one it repeats
    (the number of its column; -1 for none).
    """

    picked: Bools
    repeats: Ints


def choose(offered: Offered, alike: Floats) -> Chosen:
    """Choose by maximal marginal relevance, each time the paper that gains most.

    As long as topics that some paper meets have no place yet, up to half of all places are kept for
    them.

    Args:
        alike: cosines between the papers of the field.
    """
    draw = _Draw(offered, alike)
    draw.all_turns()
    return Chosen(draw.picked, draw.repeats)


class _Draw:
    """The places given so far, and who is left: a paper that is gone has a worth of -inf."""

    def __init__(self, offered: Offered, alike: Floats) -> None:
        rows, width = offered.place.shape
        self.picked = np.zeros((rows, width), bool)
        self.repeats = np.full((rows, width), -1, np.int32)
        self._offered, self._alike = offered, alike.ravel()
        self._place: Ints = np.maximum(offered.place, 0).astype(np.intp)
        self._of_paper = len(alike)
        self._start = np.arange(rows) * width
        self._worth = _worth(offered)
        self._topics = offered.topics.copy()
        self._served = np.zeros(rows, offered.topics.dtype)
        self._half = (offered.places + 1) // 2
        self._fewest = int(offered.places.min(initial=_MANY))
        self._late = int((offered.places - self._half).min(initial=_MANY))
        wide = np.where(offered.in_order, 0, (1 - _LAMBDA) / NEAR)
        self._repeated = wide.astype(np.float32)[:, None]
        self._repetition = np.zeros((rows, width), np.float32)
        self._crowd = np.zeros((rows, width), np.float32)
        self._gains = np.empty((rows, width), np.float32), np.empty((rows, width), np.float32)

    def all_turns(self) -> None:
        """Gives away all places."""
        for given in range(int(self._offered.places.max(initial=0))):
            if not self._turn(given):
                break

    def _turn(self, given: int) -> bool:
        """One more paper for everybody who has a place left and a paper for it; whether any was."""
        if given >= self._fewest:
            self._worth[self._offered.places <= given] = -np.inf
        gain = self._gain()
        if given >= self._late:
            self._keep_for_topics(gain, given)
        if not gain.size:
            return False
        best = self._start + gain.argmax(axis=1)
        turn = np.flatnonzero(gain.ravel()[best] > -np.inf)
        if len(turn):
            self._give(turn, best)
        return bool(len(turn))

    def _gain(self) -> Floats:
        """What a place for each gains: its own worth, less what of it was told already."""
        gain, crowd = self._gains
        np.multiply(self._repetition, self._repeated, out=gain)
        np.subtract(self._worth, gain, out=gain)
        np.multiply(self._crowd, np.float32(_SAME_TOPIC), out=crowd)
        gain -= crowd
        return gain

    def _keep_for_topics(self, gain: Floats, given: int) -> None:
        """Where the places left are needed for topics not yet served, only papers that meet one of
        these may have the next.
        """
        left = self._offered.places - given
        late = np.flatnonzero((left <= self._half) & (left > 0))
        if not len(late):
            return
        met = np.bitwise_or.reduce(self._topics[late], axis=1)
        waiting = met & ~self._served[late]
        needed = left[late] <= np.minimum(np.bitwise_count(waiting), self._half[late])
        needed &= waiting != 0
        late, waiting = late[needed], waiting[needed]
        serves = (self._topics[late] & waiting[:, None]) != 0
        gain[late] = np.where(serves, gain[late], np.float32(-np.inf))

    def _give(self, turn: Ints, best: Ints) -> None:
        """`best` by its place in a whole table. Of who has no turn, nothing is looked at any more."""
        given, paper = best[turn], self._place.ravel()[best] * self._of_paper
        self.picked.ravel()[given] = True
        self._served[turn] |= self._topics.ravel()[given]
        told = self._offered.first.ravel()[best]
        told[told < 0] = _NO_TOPIC
        self._crowd += self._offered.first == told[:, None]
        alike = self._alike.take(self._place + paper[:, None])
        np.maximum(self._repetition, alike, out=self._repetition)
        self._lose(given)
        alike.ravel()[best] = 0
        near = np.flatnonzero(alike >= NEAR)
        if len(near):
            near = near[self._worth.ravel()[near] > -np.inf]
            row, width = near // alike.shape[1], alike.shape[1]
            self.repeats.ravel()[near] = best[row] - row * width
            self._lose(near)

    def _lose(self, which: Ints) -> None:
        self._worth.ravel()[which] = -np.inf
        self._topics.ravel()[which] = 0


def _worth(offered: Offered) -> Floats:
    """Of each paper by itself: by its score, or in the given order; -inf for padding."""
    there = offered.place >= 0
    falling = -np.arange(there.shape[1], dtype=np.float32)
    worth = np.float32(_LAMBDA) * _scaled(offered.score, there)
    worth[offered.in_order] = falling
    return np.where(there, worth, np.float32(-np.inf))


def _scaled(score: Floats, counted: Bools) -> Floats:
    """The scores from 0 to 1, so that a repetition weighs the same on a good day and a thin one.

    Of each row, the first are the best, and only the last are not counted.
    """
    if not score.shape[1]:
        return score
    last = np.maximum(counted.sum(axis=1) - 1, 0)
    low = score[np.arange(len(score)), last]
    span = np.maximum(score[:, 0] - low, np.float32(_LEAST_SPAN))
    return np.asarray((score - low[:, None]) / span[:, None])
