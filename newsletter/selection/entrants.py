"""Candidates as they enter a selection: each once, with taste, trend and the score they blend to."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from newsletter.model import Candidate, Paper, Profile, Why
from newsletter.selection.ranking import Ranked
from newsletter.selection.reasons import reasons_for, trend_reasons
from newsletter.selection.relevance import Judgement
from newsletter.selection.trend import Trend, list_day


@dataclass(frozen=True, slots=True)
class Entrant:
    """A candidate with what is known of it, before any verdict."""

    ranked: Ranked
    judgement: Judgement
    trend: Trend

    @property
    def paper(self) -> Paper:
        return self.ranked.paper

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics it truly meets, strongest first."""
        return tuple(item.detail for item in self.judgement.evidence if item.why is Why.TOPIC)


def follows_trend_alone(profile: Profile) -> bool:
    """A reader who named no interest, or wants none of them to count."""
    return profile.says_nothing or profile.trend_weight >= 1


def distinct(candidates: Iterable[Candidate | Paper]) -> list[Candidate]:
    """Each paper id once, with all its sightings, in an order that does not depend on the input."""
    groups: dict[str, list[Candidate]] = {}
    for given in candidates:
        candidate = given if isinstance(given, Candidate) else Candidate(paper=given)
        groups.setdefault(candidate.paper.id, []).append(candidate)
    return [_merged(groups[paper_id]) for paper_id in sorted(groups)]


def entrants(
    profile: Profile,
    pool: Sequence[Candidate],
    judged: Sequence[Judgement],
    by_id: Mapping[str, Trend],
) -> list[Entrant]:
    """Every candidate with its parts, best first; ties by newest list, place on it, and id."""
    blend = _Blend.of(profile, by_id.values())
    entered = [
        _entrant(candidate, judgement, by_id[candidate.paper.id], blend)
        for candidate, judgement in zip(pool, judged, strict=True)
    ]
    return sorted(entered, key=_best_first)


def _merged(group: Sequence[Candidate]) -> Candidate:
    best, *others = sorted(group, key=lambda c: (-len(c.sightings), repr(c)))
    paper = best.paper
    for other in others:
        paper = paper.completed_by(other.paper)
    seen = {sighting for candidate in group for sighting in candidate.sightings}
    ordered = sorted(seen, key=lambda sighting: (sighting.seen_at, repr(sighting)))
    return Candidate(paper=paper, sightings=tuple(ordered))


def _best_first(entrant: Entrant) -> tuple[float, int, int, str]:
    candidate = entrant.ranked.candidate
    listed, last = candidate.paper.listed_on, candidate.last
    day = listed.toordinal() if listed else 0
    return -entrant.ranked.score, -day, last.rank if last else sys.maxsize, candidate.paper.id


@dataclass(frozen=True, slots=True)
class _Blend:
    """How taste and trend become one score.

    A paper whose votes nobody knows gets the usual trend of the others; where no votes are known at
    all, taste decides by itself.
    """

    weight: float
    trend_alone: bool
    usual_trend: float

    @classmethod
    def of(cls, profile: Profile, known: Iterable[Trend]) -> _Blend:
        values = [trend.value for trend in known if trend.known]
        alone = follows_trend_alone(profile)
        weight = min(max(profile.trend_weight, 0.0), 1.0) if values else 0.0
        usual = sum(values) / len(values) if values else 0.0
        return cls(1.0 if alone else weight, alone, usual)

    def score(self, taste: float, trend: Trend) -> float:
        value = trend.value if trend.known else self.usual_trend
        return (1 - self.weight) * taste + self.weight * value


def _entrant(candidate: Candidate, judgement: Judgement, trend: Trend, blend: _Blend) -> Entrant:
    why = reasons_for(judgement, trend, weight=blend.weight, usual_trend=blend.usual_trend)
    reasons = () if blend.trend_alone else why
    ranked = Ranked(
        candidate=candidate,
        score=blend.score(judgement.taste, trend),
        taste=judgement.taste,
        trend=trend.value,
        reasons=reasons or trend_reasons(trend, list_day(candidate)),
    )
    return Entrant(ranked, judgement, trend)
