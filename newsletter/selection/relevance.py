"""How well a paper fits a profile: the evidence for each interest, and what it adds up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Paper, Profile, Why, title_key
from newsletter.selection.background import Background
from newsletter.selection.tastes import EXACT_TITLE, Tastes, Weighed

_CLEARLY_LIKED = 1.4  # a liked paper is named as a reason from here on,
_CLOSE = (0.4, 0.12)  # or with less, for a cosine that papers of one field rarely reach
_HALF_WAY = 5.0  # evidence that makes a taste of 0.63


@dataclass(frozen=True, slots=True)
class Evidence:
    """One interest that a paper meets.

    Attributes:
        strength: standard deviations above what is usual, or as much as such.
        enough: whether it may earn a place by itself.
    """

    why: Why
    detail: str
    strength: float
    enough: bool = True


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one reader's taste says of one paper; `evidence` is true and nameable, strongest first."""

    total: float
    evidence: tuple[Evidence, ...]

    @property
    def taste(self) -> float:
        """The total on a scale from 0 (nothing fits) towards 1."""
        return float(1 - np.exp(-max(self.total, 0.0) / _HALF_WAY))

    @property
    def fits(self) -> bool:
        return any(item.enough for item in self.evidence)


class Taste:
    """A profile prepared for judging many papers."""

    def __init__(self, profile: Profile, background: Background) -> None:
        self._tastes = Tastes((profile,), background)
        self._titles = {title_key(topic): topic for topic in profile.topics if topic.strip()}
        self._category_is_enough = not (profile.topics or profile.keywords or profile.liked)

    def judge(self, papers: Sequence[Paper]) -> list[Judgement]:
        """One judgement for each paper, in the same order."""
        weighed = self._tastes.weigh(papers)
        liked = weighed.liked.of(slice(0, 1))[0]
        closest = self._tastes.liked.closest(weighed.batch.rows)
        return [
            self._judged(
                paper,
                float(weighed.totals[i, 0]),
                [
                    *self._topics(weighed, i),
                    *self._literal(weighed, i),
                    *_liked(float(liked[i]), *closest[i]),
                ],
            )
            for i, paper in enumerate(papers)
        ]

    def _judged(self, paper: Paper, total: float, named: list[Evidence]) -> Judgement:
        exact = self._titles.get(paper.key)
        if exact is not None:
            named = [item for item in named if item.detail != exact]
            named.append(Evidence(Why.TOPIC, exact, EXACT_TITLE))
        return Judgement(total, tuple(sorted(named, key=lambda item: -item.strength)))

    def _topics(self, weighed: Weighed, place: int) -> Iterable[Evidence]:
        for at in weighed.clear[place].nonzero()[0]:
            yield Evidence(Why.TOPIC, self._tastes.topics[at], float(weighed.fits[place, at]))

    def _literal(self, weighed: Weighed, place: int) -> Iterable[Evidence]:
        matrix = weighed.literal
        for at in range(matrix.indptr[place], matrix.indptr[place + 1]):
            why, text = self._tastes.literals.interests[matrix.indices[at]]
            enough = why is not Why.CATEGORY or self._category_is_enough
            yield Evidence(why, text, float(matrix.data[at]), enough)


def _liked(strength: float, cosine: float, closest: str) -> Iterable[Evidence]:
    """The closest liked paper as a reason, where the likeness is clear."""
    least, close = _CLOSE
    if strength >= _CLEARLY_LIKED or (strength >= least and cosine >= close):
        yield Evidence(Why.LIKED, closest, strength)
