"""Who is out before any place is given: sent before, muted, or without an interest that fits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Profile
from newsletter.selection.field import Field
from newsletter.selection.hashing import Bools
from newsletter.selection.tastes import Tastes

LEAST_TASTE = 0.05  # what fits has less only where dislikes outweigh it
HALF_WAY = 5.0  # a total that makes a taste of 0.63
_TREND_ALONE = 0.4  # weight times trend from which a paper needs no interest
_LEAST_TOTAL = -HALF_WAY * np.log(1 - LEAST_TASTE)


def follows_trend_alone(profile: Profile) -> bool:
    """A reader who named no interest, or wants none of them to count."""
    return profile.says_nothing or profile.trend_weight >= 1


@dataclass(frozen=True, slots=True)
class Gate:
    """For each reader (row) which papers (columns) are out, and why; the first reason counts.

    Attributes:
        sent: stood in an earlier digest.
        known: the profile names it.
        muted: holds a muted word.
        unfit: no interest fits it.
    """

    sent: Bools
    known: Bools
    muted: Bools
    unfit: Bools

    @classmethod
    def of(cls, tastes: Tastes, field: Field, already_sent: Sequence[Collection[str]]) -> Gate:
        profiles, shape = tastes.profiles, tastes.totals.shape
        sent = [[at for name in names for at in field.places_of(name)] for names in already_sent]
        named = ([*profile.liked, *profile.disliked] for profile in profiles)
        known = [[at for text in texts for at in field.named(text)] for texts in named]
        return cls(
            _marked(sent, shape), _marked(known, shape), _muted(tastes), ~_fits(tastes, field)
        )

    @property
    def open(self) -> Bools:
        """Who is not out."""
        return ~(self.sent | self.known | self.muted | self.unfit)


def _fits(tastes: Tastes, field: Field) -> Bools:
    profiles = tastes.profiles
    alone = np.fromiter(map(follows_trend_alone, profiles), bool, len(profiles))
    wanted = tastes.met & (tastes.totals >= _LEAST_TOTAL)
    weights = np.array([profile.trend_weight for profile in profiles], np.float32)
    # Nothing rises enough for those who count the trend little.
    for reader in np.flatnonzero(weights * field.trend.max(initial=0) >= _TREND_ALONE):
        wanted[reader] |= weights[reader] * field.trend >= _TREND_ALONE
    wanted[alone] = True
    return np.asarray(wanted, bool)


def _muted(tastes: Tastes) -> Bools:
    out = np.zeros(tastes.totals.shape, bool)
    some = [at for at, profile in enumerate(tastes.profiles) if profile.muted]
    rows = tastes.columns.muted_by([tastes.profiles[at] for at in some])
    for reader, row in zip(some, rows, strict=True):
        out[reader] = tastes.columns.mutes[row].any(axis=0)
    return out


def _marked(places: Sequence[Iterable[int]], shape: tuple[int, ...]) -> Bools:
    marked = np.zeros(shape, bool)
    for reader, found in enumerate(places):
        if found:
            marked[reader, list(found)] = True
    return marked
