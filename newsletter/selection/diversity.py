"""Which of the fitting papers get the places: the best, none like another, every topic its share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.selection.hashing import Floats, Matrix

NEAR = 0.65  # cosine from which two papers tell the same; two parts of one series have about 0.3
_LAMBDA = 0.7  # MMR: precision at 10 stays the same, the list gets wider; never below 0.6
_LOOKED_AT = 60
_SAME_TOPIC = 0.03  # each further paper on the same topic counts so much less


@dataclass(frozen=True, slots=True)
class Fitting:
    """A paper that may have a place: its score, and the topics it truly meets, strongest first."""

    score: float
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The places given, and for each paper left out as a repetition, the picked one it repeats."""

    picked: tuple[int, ...]
    repeats: Mapping[int, int]


def choose(fitting: Sequence[Fitting], units: Matrix, places: int) -> Chosen:
    """Choose by maximal marginal relevance among papers given best first.

    `units` holds their vectors in the same order. As long as topics that some paper meets have no
    place yet, up to half of all places are kept for them.
    """
    alike = _cosines(units, places)
    looked_at = _scaled(fitting[: len(alike)])

    def best(left: Collection[int], picked: Sequence[int]) -> int:
        able = _kept_for_topics(looked_at, left, picked, places) or left
        repetition = alike[:, list(picked)].max(axis=1, initial=0.0).tolist()
        taken = Counter(topic for place in picked for topic in looked_at[place].topics[:1])
        return max(sorted(able), key=lambda i: _worth(looked_at[i], repetition[i], taken))

    return _one_by_one(best, alike, places)


def first_without_copies(units: Matrix, places: int) -> Chosen:
    """The papers in the given order, each told once."""
    return _one_by_one(lambda left, _: min(left), _cosines(units, places), places)


def _cosines(units: Matrix, places: int) -> Floats:
    looked_at = units[: max(_LOOKED_AT, places)]
    return np.asarray((looked_at @ looked_at.T).toarray())


def _one_by_one(
    best: Callable[[Collection[int], Sequence[int]], int], alike: Floats, places: int
) -> Chosen:
    picked: list[int] = []
    repeats: dict[int, int] = {}
    left = set(range(alike.shape[0]))
    while left and len(picked) < places:
        place = best(left, picked)
        picked.append(place)
        left.remove(place)
        copies = {other for other in left if alike[other, place] >= NEAR}
        repeats.update(dict.fromkeys(copies, place))
        left -= copies
    return Chosen(tuple(picked), repeats)


def _scaled(fitting: Sequence[Fitting]) -> list[Fitting]:
    """The scores from 0 to 1, so that a repetition weighs the same on a good day and a thin one."""
    scores = [item.score for item in fitting]
    low, span = (
        min(scores, default=0.0),
        max(max(scores, default=0.0) - min(scores, default=0.0), 0.2),
    )
    return [Fitting((item.score - low) / span, item.topics) for item in fitting]


def _worth(fitting: Fitting, repetition: float, taken: Mapping[str, int]) -> float:
    """What a place for it gains, with its cosine to the nearest picked one and the topics served."""
    crowd = taken.get(fitting.topics[0], 0) if fitting.topics else 0
    repeated = repetition / NEAR
    return _LAMBDA * fitting.score - (1 - _LAMBDA) * repeated - _SAME_TOPIC * crowd


def _kept_for_topics(
    fitting: Sequence[Fitting], left: Collection[int], picked: Sequence[int], places: int
) -> set[int]:
    """Who may have the next place when the places left are needed for topics not yet served."""
    served = {topic for place in picked for topic in fitting[place].topics}
    waiting = {topic for place in left for topic in fitting[place].topics} - served
    kept = min(len(waiting), -(-places // 2))
    if not waiting or places - len(picked) > kept:
        return set()
    return {place for place in left if waiting & set(fitting[place].topics)}
