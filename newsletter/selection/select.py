"""From candidates to picks: who is out, who fits, who gets a place, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from newsletter.model import Candidate, Paper, Pick, Profile
from newsletter.selection.background import Background
from newsletter.selection.diversity import Fitting, choose, first_without_copies
from newsletter.selection.entrants import Entrant, distinct, entrants, follows_trend_alone
from newsletter.selection.gate import Gate
from newsletter.selection.ranking import Ranked, Ranking, Verdict
from newsletter.selection.reasons import surprise_reasons
from newsletter.selection.relevance import Judges
from newsletter.selection.tastes import Tastes
from newsletter.selection.trend import trends

_OUTSIDE = (-1.0, 1.0)  # evidence of a surprise: neither disliked nor nearly fitting
_SURPRISING = 0.5  # least trend of a surprise


def score(
    profile: Profile, papers: Sequence[Paper], *, background: Background | None = None
) -> npt.NDArray[np.float64]:
    """How well each paper fits the reader's taste; higher is better, trend and mutes aside.

    The unit is a standard deviation above what is usual among the background's papers: 0 is any
    paper, about 2 a clear fit, negative what was disliked. With a given background a paper's score
    does not depend on the others; without one, these papers are the background.
    """
    usual = background or Background.fit(papers)
    return Tastes((profile,), usual).weigh(papers).totals[:, 0].astype(np.float64)


def select(
    profile: Profile,
    candidates: Iterable[Candidate | Paper],
    *,
    already_sent: Collection[str] = (),
    now: datetime,
    background: Background | None = None,
) -> tuple[Pick, ...]:
    """The picks of `rank`: best first, a surprise last."""
    ranking = rank(profile, candidates, already_sent=already_sent, now=now, background=background)
    return ranking.picks


def rank(
    profile: Profile,
    candidates: Iterable[Candidate | Paper],
    *,
    already_sent: Collection[str] = (),
    now: datetime,
    background: Background | None = None,
) -> Ranking:
    """Choose for one reader, and say of every candidate why it was or was not picked.

    A pick needs an interest that truly fits it, so a quiet day gives fewer picks than
    `profile.max_papers`, or none. That cut is built in; `profile.min_score` raises it and is
    compared with the blended score. A profile that says nothing, or a trend weight of 1, follows
    the trend alone.

    Args:
        candidates: all papers of the lists looked at, sent ones too, so that places on a list are
            counted rightly. A bare paper is a candidate without sightings.
        already_sent: paper ids, or title keys (`Paper.key`) for papers that changed their id.
        now: an old rise is not called one.
        background: all stored papers; without it the candidates stand in.
    """
    asked = [(profile, already_sent)]
    return next(rank_all(asked, candidates, now=now, background=background))


def rank_all(
    readers: Sequence[tuple[Profile, Collection[str]]],
    candidates: Iterable[Candidate | Paper],
    *,
    now: datetime,
    background: Background | None = None,
) -> Iterator[Ranking]:
    """What `rank` says for each of the readers: their profile, and what they were sent already."""
    pool = distinct(candidates)
    papers = [candidate.paper for candidate in pool]
    usual = background or Background.fit(papers)
    by_id = trends(pool, now)
    judges = Judges([profile for profile, _ in readers], usual)
    for (profile, already_sent), judged in zip(readers, judges.judge(papers), strict=True):
        entered = entrants(profile, pool, judged, by_id)
        yield _ranking(profile, entered, Gate(profile, already_sent, entered, usual), usual)


def _ranking(
    profile: Profile, entered: Sequence[Entrant], gate: Gate, usual: Background
) -> Ranking:
    out = [verdict for entrant in entered if (verdict := gate.verdict(entrant))]
    fitting, twins = _without_twins(_others(entered, out))
    surprise = _surprise(profile, _those(entered, out)) if fitting else None
    placed = _give_places(profile, fitting, surprise, usual)
    settled = {ranked.paper.id for ranked in placed}
    return Ranking.of([*placed, *twins, *(item for item in out if item.paper.id not in settled)])


def _others(entered: Sequence[Entrant], out: Sequence[Ranked]) -> list[Entrant]:
    ids = {ranked.paper.id for ranked in out}
    return [entrant for entrant in entered if entrant.paper.id not in ids]


def _those(entered: Sequence[Entrant], out: Sequence[Ranked]) -> list[Entrant]:
    """Those who are out for want of an interest only."""
    ids = {ranked.paper.id for ranked in out if ranked.verdict is Verdict.BELOW_CUT}
    return [entrant for entrant in entered if entrant.paper.id in ids]


def _without_twins(entered: Sequence[Entrant]) -> tuple[list[Entrant], list[Ranked]]:
    """The best of each title that has an abstract, and the others marked as the same paper."""
    kept: dict[str, Entrant] = {}
    for entrant in entered:
        key = entrant.paper.key or entrant.paper.id
        best = kept.setdefault(key, entrant)
        if entrant.paper.abstract and not best.paper.abstract:
            kept[key] = entrant
    papers = {key: entrant.paper for key, entrant in kept.items()}
    alone = [e for e in entered if papers[e.paper.key or e.paper.id] is e.paper]
    twins = [e for e in entered if papers[e.paper.key or e.paper.id] is not e.paper]
    return alone, [entrant.ranked.repeating(papers[entrant.paper.key]) for entrant in twins]


def _surprise(profile: Profile, unfit: Sequence[Entrant]) -> Ranked | None:
    """The best-trending paper from outside the interests, with its reason."""
    if not profile.surprise or profile.max_papers < 2 or follows_trend_alone(profile):
        return None
    able = [entrant for entrant in unfit if _surprises(entrant)]
    if not able:
        return None
    best = max(able, key=lambda entrant: entrant.trend.value)
    return replace(best.ranked, reasons=surprise_reasons(best.trend))


def _surprises(entrant: Entrant) -> bool:
    least, most = _OUTSIDE
    outside = not entrant.judgement.evidence and least <= entrant.judgement.total <= most
    return outside and bool(entrant.trend.line) and entrant.trend.value >= _SURPRISING


def _give_places(
    profile: Profile, fitting: Sequence[Entrant], surprise: Ranked | None, background: Background
) -> list[Ranked]:
    """Picked, next and repetitions; a surprise takes one place of the picks, the last."""
    places = max(profile.max_papers - (surprise is not None), 0)
    units = background.vectors([entrant.paper for entrant in fitting]).units
    wide = not follows_trend_alone(profile)
    offered = [Fitting(e.ranked.score, e.topics) for e in fitting]
    chosen = choose(offered, units, places) if wide else first_without_copies(units, places)
    given = [entrant.ranked for entrant in fitting]
    for place in chosen.picked:
        given[place] = given[place].judged(Verdict.PICKED)
    for place, other in chosen.repeats.items():
        given[place] = given[place].repeating(fitting[other].paper)
    return [*given, *([surprise.judged(Verdict.PICKED)] if surprise else [])]
