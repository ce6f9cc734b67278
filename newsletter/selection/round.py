"""One round for some readers: from what fits whom to who gets which place, in matrices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from newsletter.model import Profile
from newsletter.selection.diversity import (
    LOOKED_AT,
    MOST_TOPICS,
    Chosen,
    Offered,
    by_width,
    choose,
)
from newsletter.selection.evidence import Met, topics_met
from newsletter.selection.field import Field
from newsletter.selection.gate import HALF_WAY, Gate, follows_trend_alone
from newsletter.selection.hashing import Bools, Floats, Ints
from newsletter.selection.tastes import Tastes

_DECIMALS = 6  # what is further down is noise of the order of adding
STEPS = 10**_DECIMALS  # that a score is told in
_NOISE = 1e-6
_FEW = 12  # bits for the place of a paper, that together with its score takes four bytes
_LATER = np.uint64(2**62)  # behind all others
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

    def steps(self, totals: Floats, trend: Floats) -> Ints:
        """Scores for each reader (row) and paper (column), in so many parts of 1."""
        weight = self.weight[:, None]
        scores = _taste(totals)
        scores *= 1 - weight
        if weight.any():
            scores += weight * trend
        scores *= STEPS
        return np.rint(scores, out=scores).astype(np.int32)


def tastes_of(totals: Floats) -> Floats:
    """Totals on a scale from 0 (nothing fits) towards 1."""
    return np.asarray(_taste(totals), np.float64).round(_DECIMALS)


def _taste(totals: Floats) -> Floats:
    tastes = np.maximum(totals, np.float32(0))
    tastes /= np.float32(-HALF_WAY)
    return np.subtract(np.float32(1), np.exp(tastes, out=tastes), out=tastes)


def _all_ones(where: Bools, kind: Any) -> Ints:
    """-1 there, or the largest number without a sign, and 0 elsewhere."""
    ones: Ints = np.negative(where.astype(kind))
    return ones


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
        steps: the score of each paper, in so many parts of 1.
        gate: who is out.
        poor: who fits, and scores less than the reader wants.
        twins: for pairs that fit, the place of the better paper of the same title.
        offered: what fits each reader, best first; `chosen` who of it gets a place.
        surprises: the place of each reader's surprise; -1 for none.
    """

    def __init__(self, asking: Sequence[Asking], field: Field) -> None:
        profiles = [profile for profile, _ in asking]
        self.field = field
        self.tastes = Tastes.of(profiles, field.columns)
        self.blend = Blend.of(profiles, field)
        self.gate = Gate.of(self.tastes, field, [sent for _, sent in asking], self.blend.alone)
        self.steps = self.blend.steps(self.tastes.totals, field.blended_trend)
        fits = self.gate.open
        least = np.array([profile.min_score for profile in profiles])
        self.poor = fits & (self.steps < np.ceil(least * STEPS - _NOISE)[:, None])
        fits &= ~self.poor
        self.twins: dict[tuple[int, int], int] = {}
        order = self._in_order(fits)
        self.surprises = self._surprises(np.asarray(fits.any(axis=1)))
        self.offered = self._offered(order)
        self.chosen: Chosen = choose(self.offered, field.alike)

    def picked(self) -> Places:
        """Everybody's picks, best first, a surprise last."""
        rows, columns = self.chosen.picked.nonzero()
        theirs = np.flatnonzero(self.surprises >= 0)
        reader = np.concatenate([rows, theirs])
        place = np.concatenate([self.offered.place[rows, columns], self.surprises[theirs]])
        score = self.score(reader, place)
        order = np.argsort(reader, kind="stable")
        is_surprise = np.arange(len(reader)) >= len(rows)
        return Places(reader[order], place[order], score[order], is_surprise[order])

    def muted_word(self, place: int) -> str:
        """Why a paper is muted for the first reader, in their word."""
        profile, columns = self.tastes.profiles[0], self.field.columns
        (rows,) = columns.muted_by([profile])
        muted = zip(dict.fromkeys(profile.muted), rows, strict=True)
        return next(text for text, row in muted if columns.mutes[row, place])

    def score(self, reader: Ints, place: Ints) -> Floats:
        """0 to 1, for pairs of a reader and a paper."""
        return np.asarray(self.steps[reader, place] / STEPS)

    def _in_order(self, fits: Bools) -> Ints:
        """The places of the papers that fit each reader, best first, filled up with -1: papers
        stand in the field in the order that decides where scores are equal.

        Sorted as one number each, which takes a fifth of the time.
        """
        bits = len(self.field).bit_length()
        keys = (STEPS - self.steps).astype(np.uint32 if bits <= _FEW else np.uint64)
        keys <<= keys.dtype.type(bits)
        keys |= np.arange(len(self.field), dtype=keys.dtype)
        for twins in self.field.twins:
            self._without_twins(fits, keys, np.array(twins))
        keys |= _all_ones(~fits, keys.dtype)
        keys.sort(axis=1)
        keys = keys[:, : fits.sum(axis=1).max(initial=0)]
        place: Ints = (keys & keys.dtype.type((1 << bits) - 1)).astype(np.int32)
        return place | _all_ones(keys == np.iinfo(keys.dtype).max, place.dtype)

    def _without_twins(self, fits: Bools, keys: Ints, twins: Ints) -> None:
        """The best of each title that has an abstract."""
        bare = np.array([not self.field.papers[place].abstract for place in twins])
        able = fits[:, twins]
        rank = np.where(able, keys[:, twins] + bare * _LATER, 2 * _LATER)
        best = twins[rank.argmin(axis=1)]
        reader, worse = (able & (twins != best[:, None])).nonzero()
        pairs = zip(reader.tolist(), twins[worse].tolist(), best[reader].tolist(), strict=True)
        self.twins |= {(at, place): better for at, place, better in pairs}
        fits[reader, twins[worse]] = False

    def _surprises(self, some: Bools) -> Ints:
        """For each reader to whom some papers fit, the best-trending from outside the interests."""
        found = np.full(len(self.tastes.profiles), -1, np.int64)
        rising = self.field.surprising
        wants = np.array([p.surprise and p.max_papers > 1 for p in self.tastes.profiles], bool)
        able = np.flatnonzero(wants & some & ~self.blend.alone)
        if not len(rising) or not len(able):
            return found
        rows, columns = able[:, None], rising[None, :]
        least, most = _OUTSIDE
        totals = self.tastes.totals[rows, columns]
        outside = (totals >= least) & (totals <= most) & self._unfit(rows, columns)
        at, which = outside.nonzero()
        reader, place = able[at], rising[which]
        strange = ~Met.of(self.tastes, reader, place).any()
        # The first of each reader, for the papers stand in the order of their trend.
        who, first = np.unique(reader[strange], return_index=True)
        found[who] = place[strange][first]
        return found

    def _unfit(self, rows: Ints, columns: Ints) -> Bools:
        """Who is out for want of an interest only, or of a score."""
        gate = self.gate
        taken = gate.sent[rows, columns] | gate.known[rows, columns] | gate.muted[rows, columns]
        return np.asarray(~taken & (gate.unfit[rows, columns] | self.poor[rows, columns]))

    def _offered(self, order: Ints) -> Offered:
        """The best of those that fit."""
        most = np.array([p.max_papers for p in self.tastes.profiles], np.int64)
        looked_at = np.maximum(LOOKED_AT, most)
        order = order[:, : looked_at.max(initial=0)]
        if order.shape[1] > LOOKED_AT:
            order |= _all_ones(np.arange(order.shape[1]) >= looked_at[:, None], order.dtype)
        bits, first = topics_met(self.tastes, order, MOST_TOPICS)
        score = np.zeros(order.shape, np.float32)
        for rows, width in by_width(order):
            steps = self.steps[rows[:, None], order[rows, :width]]
            score[rows, :width] = steps / np.float32(STEPS)
        bits[self.blend.alone], first[self.blend.alone] = 0, -1
        return Offered(
            place=order,
            score=score,
            topics=bits,
            first=first,
            places=np.maximum(most - (self.surprises >= 0), 0),
            in_order=self.blend.alone,
        )
