"""One round for some readers: from what fits whom to who gets which place, in matrices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Profile
from newsletter.selection.blend import STEPS, Blend
from newsletter.selection.diversity import LOOKED_AT, MOST_TOPICS, Offered, choose
from newsletter.selection.evidence import Met, topics_met
from newsletter.selection.field import Field
from newsletter.selection.fit.tastes import Tastes
from newsletter.selection.fitting import Fitting
from newsletter.selection.gate import Gate
from newsletter.selection.texts.hashing import Bools, Floats, Ints

_NOISE = 1e-6
_OUTSIDE = (-1.0, 1.0)  # totals of a surprise: neither disliked nor nearly fitting

Asking = tuple[Profile, Collection[str]]
"""A reader's profile, and the ids (or title keys) of the papers they were sent already."""


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
        poor: who fits, and scores less than the reader wants.
        twins: for pairs that fit, the place of the better paper of the same title.
        offered: what fits each reader, best first; of many the best.
        picked: who of it gets a place.
        repeats: for each of it that is left out as a repetition, which of it it repeats; else -1.
        surprises: the place of each reader's surprise; -1 for none.
    """

    def __init__(self, asking: Sequence[Asking], field: Field) -> None:
        profiles = [profile for profile, _ in asking]
        self.field = field
        self.tastes = Tastes.of(profiles, field.columns)
        self.blend = Blend.of(profiles, self.tastes.asked, has_votes=field.has_votes)
        self.gate = Gate.of(self.tastes, field, [sent for _, sent in asking], self.blend)
        fits = self._without_poor(self._fitting())
        self.twins: dict[tuple[int, int], int] = {}
        fits = self._without_twins(fits) if field.twins else fits
        self.surprises = self._surprises(fits.counts > 0)
        most = np.array([profile.max_papers for profile in profiles], np.int64)
        fits = fits.best_first()
        self.offered = fits.those(fits.rank < np.maximum(LOOKED_AT, most)[fits.reader])
        self.picked = np.ones(len(self.offered.reader), bool)
        self.repeats = np.full(len(self.offered.reader), -1)
        self._draw(np.maximum(most - (self.surprises >= 0), 0))

    def all_picked(self) -> Places:
        """Everybody's picks, best first, a surprise last."""
        theirs = np.flatnonzero(self.surprises >= 0)
        reader = np.concatenate([self.offered.reader[self.picked], theirs])
        place = np.concatenate([self.offered.place[self.picked], self.surprises[theirs]])
        score = self.score(reader, place)
        order = np.argsort(reader, kind="stable")
        is_surprise = np.arange(len(reader)) >= len(reader) - len(theirs)
        return Places(reader[order], place[order], score[order], is_surprise[order])

    def muted_word(self, place: int) -> str:
        """Why a paper is muted for the first reader, in their word."""
        profile, columns = self.tastes.profiles[0], self.field.columns
        (rows,) = columns.muted_by([profile])
        muted = zip(dict.fromkeys(profile.muted), rows, strict=True)
        return next(text for text, row in muted if columns.mutes[row, place])

    def score(self, reader: Ints, place: Ints) -> Floats:
        """0 to 1, for pairs of a reader and a paper."""
        return np.asarray(self._steps(reader, place) / STEPS)

    def _steps(self, reader: Ints, place: Ints) -> Ints:
        totals = self.tastes.totals[reader, place]
        return self.blend.steps(reader, totals, self.field.blended_trend[place])

    def _fitting(self) -> Fitting:
        """All that is not out."""
        reader, place = np.divmod(np.flatnonzero(self.gate.open), len(self.field))
        return Fitting.of(reader, place, self._steps(reader, place), len(self.tastes.profiles))

    def _without_poor(self, fits: Fitting) -> Fitting:
        least = np.array([profile.min_score for profile in self.tastes.profiles])
        poor = fits.steps < np.ceil(least * STEPS - _NOISE)[fits.reader]
        self.poor = np.zeros(self.gate.sent.shape, bool)
        self.poor[fits.reader[poor], fits.place[poor]] = True
        return fits.those(~poor) if poor.any() else fits

    def _without_twins(self, fits: Fitting) -> Fitting:
        """The best of each title that has an abstract."""
        title = self.field.title[fits.place]
        bare = np.array([not paper.abstract for paper in self.field.papers])[fits.place]
        by = np.lexsort((fits.place, -fits.steps, bare, title, fits.reader))
        key = fits.reader[by] * len(self.field) + title[by]
        first = np.diff(key, prepend=-1) > 0
        best = by[np.maximum.accumulate(np.where(first, np.arange(len(by)), 0))]
        worse = np.flatnonzero(~first)
        pairs = zip(fits.reader[by[worse]].tolist(), fits.place[by[worse]].tolist(), strict=True)
        self.twins = dict(zip(pairs, fits.place[best[worse]].tolist(), strict=True))
        kept = np.ones(len(by), bool)
        kept[by[worse]] = False
        return fits.those(kept)

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

    def _draw(self, places: Ints) -> None:
        """Gives away the places of those readers who have fewer than papers, or papers that may tell
        the same; all others get what is offered.
        """
        offered, field = self.offered, self.field
        close = np.bincount(offered.reader[field.repeated[offered.place]], minlength=len(places))
        readers = np.flatnonzero((offered.counts > places) | (close > 1))
        if len(readers):
            at = offered.table(readers)
            there = at >= 0
            chosen = choose(self._table(readers, at, places[readers]), field.alike)
            self.picked[at[there]] = chosen.picked[there]
            row, column = (chosen.repeats >= 0).nonzero()
            self.repeats[at[row, column]] = at[row, chosen.repeats[row, column]]

    def _table(self, readers: Ints, at: Ints, places: Ints) -> Offered:
        place = np.where(at >= 0, self.offered.place[at], -1)
        bits, first = topics_met(self.tastes, readers, place, MOST_TOPICS)
        alone = self.blend.alone[readers]
        bits[alone], first[alone] = 0, -1
        return Offered(
            place=place,
            score=(self.offered.steps[at] / STEPS).astype(np.float32),
            topics=bits,
            first=first,
            places=places,
            in_order=alone,
        )
