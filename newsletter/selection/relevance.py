"""How well a paper fits a profile: the evidence for each interest, and what it adds up to.

Evidence is measured in standard deviations above what is usual among the stored papers, so the sum
means the same on every day and in every batch: 0 is any paper, 2 a clear fit to one interest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Paper, Profile, Why, title_key
from newsletter.selection import categories
from newsletter.selection.background import Background
from newsletter.selection.evidence import Evidence
from newsletter.selection.hashing import Bools, Floats
from newsletter.selection.likeness import Alike, Likeness
from newsletter.selection.matching import Names, Phrases
from newsletter.selection.topics import CLEAR_FIT, TopicMeter

MOST_TOPICS = 100  # further topics are matched by exact title only
_EXACT_TITLE = 50.0  # the subscriber typed the title of this very paper
_HIGHEST = 30.0
_FOLLOWED = 4.0  # an author or organisation to follow
_CATEGORY = 1.0  # broad: it counts little beside what the subscriber wrote
_CATEGORY_AS_TOPIC = 2.0
_KEYWORD = (0.5, 3.0)  # by rarity: a word that every fifth paper holds says little
_KEYWORD_PER_NAT, _COMMON_NATS = 0.6, 1.0
_IN_TITLE = 2.0
_DISLIKE = (
    0.9  # disliked topics in the top 10: 13 %, with 0.7 19 %; much more costs good neighbours
)
_TOPICS_BESIDE_LIKES, _TELLING = 0.5, 5  # so many liked papers say more than words
_TOPIC_NORM = 3  # nearly the best topic alone: fitting one interest fully beats two by half
_HALF_WAY = 5.0  # evidence that makes a taste of 0.63


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
        self._background = background
        distinct = dict.fromkeys(topic for topic in profile.topics if topic.strip())
        self._titles = {title_key(topic): topic for topic in distinct}
        self._topics = tuple(distinct)[:MOST_TOPICS]
        self._meter = TopicMeter.of(self._topics, background)
        self._topic_codes = [categories.codes(topic) for topic in self._topics]
        self._literal = _Literal(profile, background)
        self._liked = Likeness(profile.liked, background)
        told = min(len(self._liked), _TELLING) / _TELLING
        self._beside_likes = 1 - (1 - _TOPICS_BESIDE_LIKES) * told
        self._disliked = Likeness(profile.disliked, background)

    def judge(self, papers: Sequence[Paper]) -> list[Judgement]:
        """One judgement for each paper, in the same order."""
        rows = self._background.vectors(papers)
        places = np.array([self._background.place_of(p.id) for p in papers], dtype=np.int64)
        fits, clear = self._meter.measure(rows, places)
        liked = self._liked.measure(papers, rows)
        against = _DISLIKE * np.clip(self._disliked.measure(papers, rows).strength, 0, None)
        return [
            self._judged(
                paper, self._topic_fits(paper, fits[i], clear[i]), liked.of(i), float(against[i])
            )
            for i, paper in enumerate(papers)
        ]

    def _judged(
        self, paper: Paper, topics: list[_TopicFit], liked: Alike, against: float
    ) -> Judgement:
        literal = self._literal.evidence(paper)
        total = self._beside_likes * _best_and_more([topic.counted for topic in topics])
        total += liked.strength + _root_of_squares(literal) - against
        named = [Evidence(Why.TOPIC, topic.name, topic.fit) for topic in topics if topic.clear]
        named += [*literal, *liked.named()]
        exact = self._titles.get(paper.key)
        if exact is not None:
            return _exactly(exact, named)
        ordered = sorted(named, key=lambda item: -item.strength)
        return Judgement(float(np.clip(total, -_HIGHEST, _HIGHEST)), tuple(ordered))

    def _topic_fits(self, paper: Paper, fits: Floats, clear: Bools) -> list[_TopicFit]:
        """A topic that is the name of an arXiv category is also met by the papers of that category."""
        met = [categories.holds(codes, paper.categories) for codes in self._topic_codes]
        return [
            _TopicFit(
                name, float(fit) + _CATEGORY_AS_TOPIC * by_category, bool(is_clear or by_category)
            )
            for name, fit, is_clear, by_category in zip(self._topics, fits, clear, met, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _TopicFit:
    name: str
    fit: float
    clear: bool

    @property
    def counted(self) -> float:
        """Less than the fit below a clear one, so that faint likeness to many topics stays faint.

        What could not be named as a reason counts less still, and never more than 2.
        """
        if self.fit <= 0:
            return self.fit
        counted = self.fit * min(self.fit / CLEAR_FIT, 1)
        return counted if self.clear else counted / (1 + counted / 2)


def _exactly(title: str, named: Sequence[Evidence]) -> Judgement:
    """The subscriber typed this very title: nothing fits better."""
    others = sorted((e for e in named if e.detail != title), key=lambda item: -item.strength)
    return Judgement(_EXACT_TITLE, (Evidence(Why.TOPIC, title, _EXACT_TITLE), *others))


class _Literal:
    """What must occur literally: keywords, people, organisations, categories."""

    def __init__(self, profile: Profile, background: Background) -> None:
        self._keywords = Phrases.of(profile.keywords)
        self._authors = Names.of(profile.authors)
        self._organizations = Phrases.of(profile.organizations)
        self._categories = [(categories.codes(text), text) for text in profile.categories]
        self._background = background
        self._category_is_enough = not (profile.topics or profile.keywords or profile.liked)

    def evidence(self, paper: Paper) -> list[Evidence]:
        authors = self._authors.found(paper.authors)
        organizations = self._organizations.found((paper.organization,))
        return [
            *self._keyword_evidence(paper),
            *(Evidence(Why.AUTHOR, name, _FOLLOWED) for name in authors),
            *(Evidence(Why.ORGANIZATION, name, _FOLLOWED) for name in organizations),
            *self._category_evidence(paper),
        ]

    def _keyword_evidence(self, paper: Paper) -> list[Evidence]:
        in_title = self._keywords.found((paper.title,))
        anywhere = self._keywords.found((paper.title, paper.abstract, *paper.keywords))
        return [
            Evidence(Why.KEYWORD, word, self._weight(word) * (_IN_TITLE if word in in_title else 1))
            for word in anywhere
        ]

    def _weight(self, keyword: str) -> float:
        rarity = self._background.rarity_of(keyword)
        return float(np.clip(_KEYWORD_PER_NAT * (rarity - _COMMON_NATS), *_KEYWORD))

    def _category_evidence(self, paper: Paper) -> list[Evidence]:
        return [
            Evidence(Why.CATEGORY, text, _CATEGORY, enough=self._category_is_enough)
            for codes, text in self._categories
            if categories.holds(codes, paper.categories)
        ]


def _best_and_more(fits: Sequence[float]) -> float:
    """The best fit, and a little for further ones; without any positive fit, the least bad."""
    best = max(fits, default=0.0)
    if best <= 0:
        return best
    shares = np.clip(fits, 0, None) / best
    return float(best * (shares**_TOPIC_NORM).sum() ** (1 / _TOPIC_NORM))


def _root_of_squares(evidence: Sequence[Evidence]) -> float:
    """Several literal hits add up, each further one less."""
    return float(np.sqrt(sum(item.strength**2 for item in evidence)))
