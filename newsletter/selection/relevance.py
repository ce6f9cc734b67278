"""How well a paper fits a profile: the evidence for each interest, and what it adds up to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Paper, Profile, Why, title_key
from newsletter.selection.background import Background
from newsletter.selection.hashing import Floats, Matrix, row_of
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


class Judges:
    """Profiles prepared for judging many papers: what they have in common is measured once."""

    def __init__(self, profiles: Sequence[Profile], background: Background) -> None:
        self._profiles = tuple(profiles)
        self._tastes = Tastes(profiles, background)

    def judge(self, papers: Sequence[Paper]) -> Iterator[list[Judgement]]:
        """For each reader one judgement for each paper, in the same order."""
        weighed = self._tastes.weigh(papers)
        literal = weighed.literal.tocsc()
        cosines = self._tastes.liked.cosines(weighed.batch.rows)
        for reader, profile in enumerate(self._profiles):
            found: list[list[Evidence]] = [[] for _ in papers]
            for place, evidence in (
                *self._topics(weighed, reader),
                *self._literal(literal, reader),
                *self._liked(weighed, cosines, reader),
            ):
                found[place].append(evidence)
            titles = {title_key(topic): topic for topic in profile.topics if topic.strip()}
            totals = weighed.totals[:, reader]
            yield [
                _judged(titles.get(key), float(total), named)
                for key, total, named in zip(weighed.batch.keys, totals, found, strict=True)
            ]

    def _topics(self, weighed: Weighed, reader: int) -> Iterator[tuple[int, Evidence]]:
        for at in self._tastes.asked[reader]:
            for place in map(int, weighed.clear[:, at].nonzero()[0]):
                fit = float(weighed.fits[place, at])
                yield place, Evidence(Why.TOPIC, self._tastes.topics[at], fit)

    def _literal(self, literal: Matrix, reader: int) -> Iterator[tuple[int, Evidence]]:
        profile = self._profiles[reader]
        category_is_enough = not (profile.topics or profile.keywords or profile.liked)
        for at in row_of(self._tastes.literals.wants, reader):
            why, text = self._tastes.literals.interests[at]
            enough = why is not Why.CATEGORY or category_is_enough
            for entry in range(literal.indptr[at], literal.indptr[at + 1]):
                strength = float(literal.data[entry])
                yield int(literal.indices[entry]), Evidence(why, text, strength, enough)

    def _liked(
        self, weighed: Weighed, cosines: Floats, reader: int
    ) -> Iterator[tuple[int, Evidence]]:
        """The closest liked paper as a reason, where the likeness is clear."""
        named = row_of(self._tastes.liked.counted, reader)
        if not named:
            return
        strengths = weighed.liked.of(slice(reader, reader + 1))[0]
        closest = np.array(named)[cosines[:, named].argmax(axis=1)]
        least, close = _CLOSE
        for place, (strength, at) in enumerate(zip(strengths, closest, strict=True)):
            is_close = strength >= least and cosines[place, at] >= close
            if strength >= _CLEARLY_LIKED or is_close:
                title = self._tastes.liked.papers[at].title
                yield place, Evidence(Why.LIKED, title, float(strength))


def _judged(exact: str | None, total: float, named: list[Evidence]) -> Judgement:
    if exact is not None:
        named = [item for item in named if item.detail != exact]
        named.append(Evidence(Why.TOPIC, exact, EXACT_TITLE))
    return Judgement(total, tuple(sorted(named, key=lambda item: -item.strength)))
