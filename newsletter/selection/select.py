"""From candidates to picks: who is out, who fits, who gets a place, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt

from newsletter.making import maker
from newsletter.model import Candidate, Paper, Pick, Profile, Reason
from newsletter.selection.blend import tastes_of
from newsletter.selection.evidence import Met
from newsletter.selection.field import Field
from newsletter.selection.fit.columns import Columns
from newsletter.selection.fit.tastes import Tastes
from newsletter.selection.ranking import Ranked, Ranking, Verdict
from newsletter.selection.reasons import Reasons, shortened
from newsletter.selection.round import Asking, Round
from newsletter.selection.texts.hashing import Bools, Ints
from newsletter.selection.usual.background import Background

_pick = maker(Pick)

AT_ONCE = 1000
"""Readers in one round: what lies between stays small."""


def score(
    profile: Profile, papers: Sequence[Paper], *, background: Background | None = None
) -> npt.NDArray[np.float64]:
    """How well each paper fits the reader's taste; higher is better, trend and mutes aside.

    The unit is a standard deviation above what is usual among the background's papers: 0 is any
    paper, about 2 a clear fit, negative what was disliked. With a given background a paper's score
    does not depend on the others; without one, these papers are the background.
    """
    columns = Columns(papers, background or Background.fit(papers))
    totals = Tastes.of([profile], columns).totals
    return np.asarray(totals[0], np.float64)


def select(
    profile: Profile,
    candidates: Iterable[Candidate | Paper],
    *,
    already_sent: Collection[str] = (),
    now: datetime,
    background: Background | None = None,
) -> tuple[Pick, ...]:
    """The picks of `rank`: best first, a surprise last."""
    field = Field(candidates, now=now, background=background)
    return next(select_all([(profile, already_sent)], field))


def select_all(asking: Sequence[Asking], field: Field) -> Iterator[tuple[Pick, ...]]:
    """The picks of many readers, each as if they were alone; see `rank` for what is asked."""
    for start in range(0, len(asking), AT_ONCE):
        some = asking[start : start + AT_ONCE]
        picks: dict[int, list[Pick]] = defaultdict(list)
        with field.lock:
            for reader, pick in _picks(Round(some, field)):
                picks[reader].append(pick)
        yield from (tuple(picks[reader]) for reader in range(len(some)))


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
    field = Field(candidates, now=now, background=background)
    return _ranking(Round([(profile, already_sent)], field))


def _picks(of: Round) -> Iterator[tuple[int, Pick]]:
    picked, field = of.all_picked(), of.field
    reasons = _reasons(of, picked.reader, picked.place, picked.surprise)
    scores = picked.score.tolist()
    for reader, place, score_, why in zip(
        picked.reader.tolist(), picked.place.tolist(), scores, reasons, strict=True
    ):
        upvotes, comments, stars = field.figures[place]
        paper = field.candidates[place].paper
        yield reader, _pick(paper, score_, why, upvotes, comments, stars)


def _reasons(of: Round, reader: Ints, place: Ints, surprise: Bools) -> Iterator[tuple[Reason, ...]]:
    """Why each of the pairs is there, or would be."""
    told, met = Reasons(of.field), Met.of(of.tastes, reader, place)
    weights = of.blend.weight[reader].tolist()
    alone = of.blend.alone[reader].tolist()
    tastes = tastes_of(of.tastes.totals[reader, place]).tolist()
    facts = zip(place.tolist(), surprise.tolist(), weights, alone, tastes, strict=True)
    for evidence, (at, is_surprise, weight, is_alone, taste) in zip(met.each(), facts, strict=True):
        if is_surprise:
            yield told.surprise(at)
        elif is_alone:
            yield told.trend(at)
        else:
            yield told.interests(at, evidence, taste=taste, weight=weight) or told.trend(at)


def _ranking(of: Round) -> Ranking:
    """Every candidate of the one reader of a round with its verdict."""
    field = of.field
    zeros, places = np.zeros(len(field), np.int64), np.arange(len(field))
    totals = of.tastes.totals[0]
    scores = of.score(zeros, places)
    surprise = places == of.surprises[0]
    reasons = list(_reasons(of, zeros, places, surprise))
    ranked = [
        Ranked(
            candidate=field.candidates[at],
            score=float(scores[at]),
            taste=float(taste),
            trend=field.trends[at].value,
            reasons=reasons[at],
        )
        for at, taste in enumerate(tastes_of(totals))
    ]
    order = np.lexsort((places, -scores, surprise)).tolist()
    return Ranking.of(_judged(of, at, ranked[at]) for at in order)


def _judged(of: Round, at: int, ranked: Ranked) -> Ranked:
    if at == of.surprises[0]:
        return ranked.judged(Verdict.PICKED)
    if out := _out(of, at, ranked):
        return out
    twin = of.twins.get((0, at))
    if twin is not None:
        return ranked.repeating(of.field.papers[twin])
    (found,) = np.nonzero(of.offered.place == at)
    if not len(found):  # so many fit better that it was not looked at
        return ranked
    if of.picked[found[0]]:
        return ranked.judged(Verdict.PICKED)
    repeated = of.repeats[found[0]]
    if repeated >= 0:
        return ranked.repeating(of.field.papers[of.offered.place[repeated]])
    return ranked


def _out(of: Round, at: int, ranked: Ranked) -> Ranked | None:
    """The verdict on who is out before any place is given."""
    gate, profile = of.gate, of.tastes.profiles[0]
    if gate.sent[0, at]:
        return ranked.judged(Verdict.SENT_BEFORE, "it was in an earlier digest")
    if gate.known[0, at]:
        return ranked.judged(Verdict.SENT_BEFORE, "you know it: your profile names it")
    if gate.muted[0, at]:
        return ranked.judged(Verdict.MUTED, f"you muted “{shortened(of.muted_word(at))}”")
    if gate.unfit[0, at]:
        return ranked.judged(Verdict.BELOW_CUT, "none of your interests fits it well enough")
    if of.poor[0, at]:
        least = f"{ranked.score:.2f} is below your least score {profile.min_score:.2f}"
        return ranked.judged(Verdict.BELOW_CUT, least)
    return None
