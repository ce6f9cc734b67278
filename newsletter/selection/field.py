"""The papers of a round, made ready once for all readers."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Lock

import numpy as np

from newsletter.model import Candidate, Paper, Reason
from newsletter.selection.diversity import NEAR
from newsletter.selection.fit.columns import Columns
from newsletter.selection.fit.finding import Read
from newsletter.selection.texts.hashing import Bools, Floats, Ints
from newsletter.selection.trend import list_day, trends
from newsletter.selection.usual.background import Background

SURPRISING = 0.5  # least trend of a surprise


class Field:
    """The candidates of a round with all that does not depend on a reader.

    What readers ask for is measured when the first of them asks; who makes a round holds `lock`.

    Attributes:
        candidates: each paper once, with all its sightings; newest list first, then by the place on
            it, then by id: so ties end.
        trends: of each.
        trend: as numbers; a paper whose votes nobody knows has the usual trend of the others, so
            that these say nothing for or against it.
        usual_trend: that of those whose votes are known.
        has_votes: whether any are known; else taste decides by itself.
        surprising: places of those who may be a surprise, the most rising first.
        alike: cosines between all of them.
        repeated: which papers tell the same as another one.
        figures: newest known upvotes, comments and stars of each.
        list_days: on which list each stood, in words.
        told: reasons made so far, by what they say.
        sent: the place that an id or a title key means, the first of twins; -1 for none.
        twins: places of papers that share their title.
        title: the first of its twins for each of them, else the paper itself.
    """

    def __init__(
        self,
        candidates: Iterable[Candidate | Paper],
        *,
        now: datetime,
        background: Background | None = None,
    ) -> None:
        self.candidates = tuple(sorted(distinct(candidates), key=_newest_first))
        papers = [candidate.paper for candidate in self.candidates]
        self.background = background or Background.fit(papers)
        self.columns = Columns(papers, self.background)
        by_id = trends(self.candidates, now)
        self.trends = tuple(by_id[paper.id] for paper in papers)
        known = [trend.value for trend in self.trends if trend.known]
        self.has_votes = bool(known)
        self.usual_trend = sum(known) / len(known) if known else 0.0
        self.trend = np.array([trend.value for trend in self.trends], np.float32)
        self.figures = tuple((c.upvotes, c.comments, c.stars) for c in self.candidates)
        self.list_days = tuple(map(list_day, self.candidates))
        self.surprising = self._surprising()
        units = self.columns.batch.rows.units
        self.alike: Floats = np.asarray((units @ units.T).toarray(), np.float32)
        self.repeated: Bools = (self.alike >= NEAR).sum(axis=1) > np.diag(self.alike >= NEAR)
        self.lock = Lock()
        self.told: dict[tuple[object, ...], tuple[Reason, ...]] = {}
        places = self.columns.places
        self.twins = places.twins
        self.title = np.arange(len(papers))
        for twins in self.twins:
            self.title[[*twins]] = twins[0]
        self.sent = Read(places.of)

    def __len__(self) -> int:
        return len(self.candidates)

    @property
    def papers(self) -> tuple[Paper, ...]:
        """In the order of the candidates."""
        return self.columns.papers

    @property
    def blended_trend(self) -> Floats:
        """What the trend adds to a score, before its weight."""
        known = np.array([trend.known for trend in self.trends], bool)
        return np.where(known, self.trend, np.float32(self.usual_trend))

    def _surprising(self) -> Ints:
        able = [at for at, t in enumerate(self.trends) if t.line and t.value >= SURPRISING]
        return np.array(sorted(able, key=lambda at: -self.trends[at].value), np.int64)


def distinct(candidates: Iterable[Candidate | Paper]) -> list[Candidate]:
    """Each paper id once, with all its sightings, in an order that does not depend on the input."""
    groups: dict[str, list[Candidate]] = {}
    for given in candidates:
        candidate = given if isinstance(given, Candidate) else Candidate(paper=given)
        groups.setdefault(candidate.paper.id, []).append(candidate)
    return [_merged(groups[paper_id]) for paper_id in sorted(groups)]


def _merged(group: Sequence[Candidate]) -> Candidate:
    if len(group) == 1 and len(group[0].sightings) < 2:
        return group[0]
    best, *others = sorted(group, key=lambda c: (-len(c.sightings), repr(c)))
    paper = best.paper
    for other in others:
        paper = paper.completed_by(other.paper)
    seen = {sighting for candidate in group for sighting in candidate.sightings}
    ordered = sorted(seen, key=lambda sighting: (sighting.seen_at, repr(sighting)))
    return Candidate(paper=paper, sightings=tuple(ordered))


def _newest_first(candidate: Candidate) -> tuple[int, int, str]:
    listed, last = candidate.paper.listed_on, candidate.last
    day = listed.toordinal() if listed else 0
    return -day, last.rank if last else sys.maxsize, candidate.paper.id
