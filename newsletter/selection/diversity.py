"""Which of the fitting papers get the places: the best, none like another, every topic its share.

For many readers at once: in each turn everybody gets one more paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newsletter.selection.hashing import Bools, Floats, Ints

NEAR = 0.65  # cosine from which two papers tell the same; two parts of one series have about 0.3
MOST_TOPICS = 63  # that are told apart; further ones share a bit
_LAMBDA = 0.7  # MMR: precision at 10 stays the same, the list gets wider; never below 0.6
LOOKED_AT = 60  # of the papers that fit a reader, the best; or as many as they want
_SAME_TOPIC = 0.03  # each further paper on the same topic counts so much less
_LEAST_SPAN = 0.2


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
    for given in range(int(offered.places.max(initial=0))):
        if not draw.turn(given):
            break
    return Chosen(draw.picked, draw.repeats)


class _Draw:
    """The places given so far, and who is left."""

    def __init__(self, offered: Offered, alike: Floats) -> None:
        rows, width = offered.place.shape
        self.picked = np.zeros((rows, width), bool)
        self.repeats = np.full((rows, width), -1, np.int32)
        self._offered = offered
        self._alike = alike
        self._left = offered.place >= 0
        wide = ~offered.in_order[:, None]
        self._worth = np.where(
            wide, _LAMBDA * _scaled(offered.score, self._left), _falling(width)
        ).astype(np.float32)
        self._repetition = np.zeros((rows, width), np.float32)
        self._repeated = np.where(wide, np.float32((1 - _LAMBDA) / NEAR), np.float32(0))
        self._served = np.zeros(rows, np.uint64)
        self._taken = np.zeros((rows, MOST_TOPICS + 2), np.float32)

    def turn(self, given: int) -> bool:
        """One more paper for everybody who has a place left and a paper for it; whether any was."""
        turn = np.flatnonzero((given < self._offered.places) & self._left.any(axis=1))
        if not len(turn):
            return False
        best = np.where(self._able(turn, given), self._gain(turn), -np.inf).argmax(axis=1)
        self._give(turn, best)
        return True

    def _gain(self, turn: Ints) -> Floats:
        """What a place for each gains: its own worth, less what of it was told already."""
        crowd = np.take_along_axis(self._taken[turn], self._offered.first[turn], axis=1)
        repeated = self._repeated[turn] * self._repetition[turn]
        return np.asarray(self._worth[turn] - repeated - np.float32(_SAME_TOPIC) * crowd)

    def _able(self, turn: Ints, given: int) -> Bools:
        """Who may have the next place: where those left are needed for topics not yet served, only
        papers that meet one of these.
        """
        left, topics = self._left[turn], self._offered.topics[turn]
        met = np.bitwise_or.reduce(np.where(left, topics, np.uint64(0)), axis=1)
        waiting = met & ~self._served[turn]
        places = self._offered.places[turn]
        kept = np.minimum(np.bitwise_count(waiting), (places + 1) // 2)
        needed = (waiting != 0) & (places - given <= kept)
        able = left & (~needed[:, None] | ((topics & waiting[:, None]) != 0))
        return np.asarray(able, bool)

    def _give(self, turn: Ints, best: Ints) -> None:
        offered = self._offered
        self.picked[turn, best] = True
        self._left[turn, best] = False
        self._served[turn] |= offered.topics[turn, best]
        first = offered.first[turn, best]
        self._taken[turn, first] += first >= 0
        alike = self._alike[offered.place[turn, best][:, None], offered.place[turn]]
        self._repetition[turn] = np.maximum(self._repetition[turn], alike)
        copies = self._left[turn] & (alike >= NEAR)
        self.repeats[turn] = np.where(copies, best[:, None], self.repeats[turn])
        self._left[turn] &= ~copies


def _falling(width: int) -> Floats:
    return -np.arange(width, dtype=np.float32)


def _scaled(score: Floats, counted: Bools) -> Floats:
    """The scores from 0 to 1, so that a repetition weighs the same on a good day and a thin one."""
    low = np.where(counted, score, np.inf).min(axis=1, initial=np.inf)
    high = np.where(counted, score, -np.inf).max(axis=1, initial=-np.inf)
    low = np.where(np.isfinite(low), low, 0)
    span = np.maximum(np.where(np.isfinite(high), high, 0) - low, _LEAST_SPAN)
    return np.asarray((score - low[:, None]) / span[:, None])
