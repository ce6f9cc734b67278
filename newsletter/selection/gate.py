"""Who is out before any place is given: sent before, muted, or without an interest that fits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from newsletter.selection.blend import HALF_WAY, Blend
from newsletter.selection.field import Field
from newsletter.selection.fit.tastes import Tastes
from newsletter.selection.texts.hashing import Bools

LEAST_TASTE = 0.05  # what fits has less only where dislikes outweigh it
_TREND_ALONE = 0.4  # weight times trend from which a paper needs no interest
_LEAST_TOTAL = -HALF_WAY * np.log(1 - LEAST_TASTE)


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
    def of(
        cls, tastes: Tastes, field: Field, already_sent: Sequence[Collection[str]], blend: Blend
    ) -> Gate:
        return cls(
            _sent(already_sent, field),
            _known(tastes, field),
            _muted(tastes),
            ~_fits(tastes, field, blend),
        )

    @property
    def open(self) -> Bools:
        """Who is not out."""
        return ~(self.sent | self.known | self.muted | self.unfit)


def _fits(tastes: Tastes, field: Field, blend: Blend) -> Bools:
    wanted = tastes.totals >= _LEAST_TOTAL
    wanted &= tastes.met
    # Nothing rises enough for those who count the trend little.
    rising = blend.weight * field.trend.max(initial=0) >= _TREND_ALONE
    for reader in np.flatnonzero(rising & ~blend.alone):
        wanted[reader] |= blend.weight[reader] * field.trend >= _TREND_ALONE
    wanted[blend.alone] = True
    return np.asarray(wanted, bool)


def _muted(tastes: Tastes) -> Bools:
    out = np.zeros(tastes.totals.shape, bool)
    some = [at for at, profile in enumerate(tastes.profiles) if profile.muted]
    rows = tastes.columns.muted_by([tastes.profiles[at] for at in some])
    for reader, row in zip(some, rows, strict=True):
        out[reader] = tastes.columns.mutes[row].any(axis=0)
    return out


def _sent(texts: Sequence[Collection[str]], field: Field) -> Bools:
    reader = np.repeat(np.arange(len(texts)), np.fromiter(map(len, texts), np.int32, len(texts)))
    place = map(field.sent.__getitem__, chain.from_iterable(texts))
    marked = np.zeros((len(texts), len(field) + 1), bool)  # the last column is nowhere
    marked[reader, np.fromiter(place, np.int32, len(reader))] = True
    return _with_twins(marked[:, :-1], field)


def _known(tastes: Tastes, field: Field) -> Bools:
    marked = np.zeros(tastes.totals.shape, bool)
    for likes in (tastes.likes, tastes.dislikes):
        if likes:
            marked[likes.in_round] = True
    return _with_twins(marked, field)


def _with_twins(marked: Bools, field: Field) -> Bools:
    """Texts mean the first of twins, and so all of them."""
    for twins in field.twins:
        marked[:, twins] = marked[:, twins[:1]]
    return marked
