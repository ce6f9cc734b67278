"""One round for some readers: from what fits whom to who gets which place, in matrices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from newsletter.model import Profile
from newsletter.selection.diversity import LOOKED_AT, MOST_TOPICS, Chosen, Offered, choose
from newsletter.selection.evidence import Met
from newsletter.selection.field import Field
from newsletter.selection.gate import HALF_WAY, Gate, follows_trend_alone
from newsletter.selection.hashing import Bools, Floats, Ints
from newsletter.selection.tastes import Tastes

_DECIMALS = 6  # what is further down is noise of the order of adding
_OUTSIDE = (-1.0, 1.0)  # totals of a surprise: neither disliked nor nearly fitting

Asking = tuple[Profile, Collection[str]]
"""A reader's profile, and the ids (or title keys) of the papers they were sent already."""


@dataclass(frozen=True, slots=True)
class Blend:
    """How taste and trend become one score, for each reader.

    Attributes:
        weight: of the trend; where no votes are known, taste decides by itself.
        alone: who follows the trend alone.
    """

    weight: Floats
    alone: Bools

    @classmethod
    def of(cls, profiles: Sequence[Profile], field: Field) -> Blend:
        wanted = np.array([profile.trend_weight for profile in profiles], np.float32)
        alone = np.fromiter(map(follows_trend_alone, profiles), bool, len(profiles))
        weight = np.clip(wanted, 0, 1) if field.has_votes else np.zeros_like(wanted)
        return cls(np.where(alone, np.float32(1), weight), alone)

    def scores(self, totals: Floats, trend: Floats, reader: Ints) -> Floats:
        """0 to 1, for pairs of a reader and a paper."""
        weight = self.weight[reader]
        exact = np.asarray((1 - weight) * tastes_of(totals) + weight * trend, np.float64)
        return exact.round(_DECIMALS)


def tastes_of(totals: Floats) -> Floats:
    """Totals on a scale from 0 (nothing fits) towards 1."""
    tastes = 1 - np.exp(np.maximum(totals, 0) / np.float32(-HALF_WAY))
    return np.asarray(tastes, np.float64).round(_DECIMALS)


@dataclass(frozen=True, slots=True)
class Places:
    """Pairs of a reader and a paper, readers in turn, and each reader's papers in digest order."""

    reader: Ints
    place: Ints
    score: Floats
    surprise: Bools


class Round:
    """What some readers (rows) are to get of the papers of a field (columns).

    Attributes:
        gate: who is out.
        offered: what fits each reader, best first; `chosen` who of it gets a place.
        poor: pairs that fit, and score less than the reader wants.
        twins: for pairs that fit, the place of the better paper of the same title.
        surprises: the place of each reader's surprise; -1 for none.
    """

    def __init__(self, asking: Sequence[Asking], field: Field) -> None:
        profiles = [profile for profile, _ in asking]
        self.field = field
        self.tastes = Tastes.of(profiles, field.columns)
        self.blend = Blend.of(profiles, field)
        self.gate = Gate.of(self.tastes, field, [sent for _, sent in asking])
        self.twins: dict[tuple[int, int], int] = {}
        fitting = self._fitting(self.gate.open)
        self.poor = fitting.poor
        self.surprises = self._surprises(fitting)
        self.offered = self._offered(fitting)
        self.chosen: Chosen = choose(self.offered, field.alike)

    def picked(self) -> Places:
        """Everybody's picks, best first, a surprise last."""
        rows, columns = self.chosen.picked.nonzero()
        theirs = np.flatnonzero(self.surprises >= 0)
        reader = np.concatenate([rows, theirs])
        place = np.concatenate([self.offered.place[rows, columns], self.surprises[theirs]])
        score = np.concatenate(
            [self.offered.score[rows, columns], self._scores(theirs, self.surprises[theirs])]
        )
        order = np.argsort(reader, kind="stable")
        is_surprise = np.arange(len(reader)) >= len(rows)
        return Places(reader[order], place[order], score[order], is_surprise[order])

    def muted_word(self, place: int) -> str:
        """Why a paper is muted for the first reader, in their word."""
        profile, columns = self.tastes.profiles[0], self.field.columns
        (rows,) = columns.muted_by([profile])
        muted = zip(dict.fromkeys(profile.muted), rows, strict=True)
        return next(text for text, row in muted if columns.mutes[row, place])

    def _scores(self, reader: Ints, place: Ints) -> Floats:
        totals = self.tastes.totals[reader, place]
        return self.blend.scores(totals, self.field.blended_trend[place], reader)

    def _fitting(self, fits: Bools) -> _Fitting:
        """Who fits whom well enough, best first."""
        reader, place = fits.nonzero()
        score = self._scores(reader, place)
        least = np.array([p.min_score for p in self.tastes.profiles])
        enough = score >= least[reader]
        poor = set(zip(reader[~enough].tolist(), place[~enough].tolist(), strict=True))
        found = _Fitting(*_best_first(reader[enough], place[enough], score[enough]), poor)
        return self._without_twins(found) if self.field.twins else found

    def _without_twins(self, found: _Fitting) -> _Fitting:
        """The best of each title that has an abstract."""
        group = {at: number for number, twins in enumerate(self.field.twins) for at in twins}
        best: dict[tuple[int, int], int] = {}
        pairs = list(zip(found.reader.tolist(), found.place.tolist(), strict=True))
        papers = self.field.papers
        for reader, place in pairs:
            if place in group:
                kept = best.setdefault((reader, group[place]), place)
                if papers[place].abstract and not papers[kept].abstract:
                    best[reader, group[place]] = place
        kept_best = [at not in group or best[reader, group[at]] == at for reader, at in pairs]
        for (reader, at), is_best in zip(pairs, kept_best, strict=True):
            if not is_best:
                self.twins[reader, at] = best[reader, group[at]]
        return found.those(np.array(kept_best, bool))

    def _surprises(self, fitting: _Fitting) -> Ints:
        """For each reader the best-trending paper from outside the interests."""
        found = np.full(len(self.tastes.profiles), -1, np.int64)
        rising = self.field.surprising
        able = self._open_to_surprises(fitting)
        if not len(rising) or not len(able):
            return found
        rows, columns = np.meshgrid(able, rising, indexing="ij")
        least, most = _OUTSIDE
        totals = self.tastes.totals[rows, columns]
        outside = (totals >= least) & (totals <= most) & self._unfit(rows, columns)
        reader, place = rows[outside], columns[outside]
        strange = ~Met.of(self.tastes, reader, place).any()
        # The first of each reader, for the papers stand in the order of their trend.
        who, first = np.unique(reader[strange], return_index=True)
        found[who] = place[strange][first]
        return found

    def _unfit(self, rows: Ints, columns: Ints) -> Bools:
        """Who is out for want of an interest only, or of a score."""
        gate = self.gate
        taken = gate.sent[rows, columns] | gate.known[rows, columns] | gate.muted[rows, columns]
        poor = np.zeros(rows.shape, bool)
        if self.poor:
            pairs = zip(rows.ravel().tolist(), columns.ravel().tolist(), strict=True)
            poor = np.array([pair in self.poor for pair in pairs], bool).reshape(rows.shape)
        return ~taken & (gate.unfit[rows, columns] | poor)

    def _open_to_surprises(self, fitting: _Fitting) -> Ints:
        wants = [p.surprise and p.max_papers > 1 for p in self.tastes.profiles]
        some = np.bincount(fitting.reader, minlength=len(wants)) > 0
        return np.flatnonzero(np.array(wants, bool) & some & ~self.blend.alone)

    def _offered(self, fitting: _Fitting) -> Offered:
        """A row for each reader."""
        size = len(self.tastes.profiles)
        most = np.array([p.max_papers for p in self.tastes.profiles], np.int64)
        looked_at = fitting.column(size) < np.maximum(LOOKED_AT, most)[fitting.reader]
        fitting = fitting.those(looked_at)
        column, counts = fitting.column(size), np.bincount(fitting.reader, minlength=size)
        topics, first = Met.of(self.tastes, fitting.reader, fitting.place).topics(MOST_TOPICS)
        wide = ~self.blend.alone[fitting.reader]
        shape = (size, int(counts.max(initial=0)))
        at = (fitting.reader, column)
        return Offered(
            place=_spread(fitting.place, at, shape, -1, np.int64),
            score=_spread(fitting.score, at, shape, 0, np.float64),
            topics=_spread(topics * wide, at, shape, 0, np.uint64),
            first=_spread(np.where(wide, first, -1), at, shape, -1, np.int64),
            places=np.maximum(most - (self.surprises >= 0), 0),
            in_order=self.blend.alone,
        )


@dataclass(frozen=True, slots=True)
class _Fitting:
    """Pairs of a reader and a paper that fits, readers in turn, best first."""

    reader: Ints
    place: Ints
    score: Floats
    poor: set[tuple[int, int]]

    def column(self, readers: int) -> Ints:
        """Which of the papers that fit their reader each is, from 0."""
        counts = np.bincount(self.reader, minlength=readers)
        return np.arange(len(self.reader)) - np.repeat(np.cumsum(counts) - counts, counts)

    def those(self, which: Bools) -> _Fitting:
        return _Fitting(self.reader[which], self.place[which], self.score[which], self.poor)


def _best_first(reader: Ints, place: Ints, score: Floats) -> tuple[Ints, Ints, Floats]:
    """The pairs by reader, then by score, then by place: papers stand in the field in the order that
    decides where scores are equal.

    Sorted as one number each, which takes a fifth of the time. Scores have few decimals, none is
    above 1.
    """
    steps = 10**_DECIMALS
    worse = steps - np.rint(score * steps).astype(np.int64)
    keys = np.sort((reader << 44) | (worse << 22) | place)
    worse = (keys >> 22) & ((1 << 22) - 1)
    return keys >> 44, keys & ((1 << 22) - 1), (steps - worse) / steps


def _spread(
    values: Any, at: tuple[Ints, Ints], shape: tuple[int, int], padding: int, kind: type
) -> Any:
    """The values in a table, at the given rows and columns."""
    table: Any = np.full(shape, padding, kind)
    table[at] = values
    return table
