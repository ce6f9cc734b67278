"""How alike papers are to those that readers named, measured against what is usual.

Everything here is a sum over the papers that a reader named, so each named paper is compared once,
in each way, and many readers are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.selection.hashing import Floats, Ints, Matrix
from newsletter.selection.named import NamedPapers
from newsletter.selection.tables import shared
from newsletter.selection.ways import LeftOut

_CROWD = 0.6  # beside the words
_SCALE = 1.8  # what makes the sum one standard deviation
_SCALE_OF_MEANING = 0.07  # where there is a model
_HIGHEST = 20.0
_DECIMALS = 6  # what is further down is noise of the order of adding
_AT_ONCE = 250  # readers, so that what lies between stays small


@dataclass(frozen=True, slots=True)
class Alike:
    """How unusually alike each paper of a round is to what some readers named.

    Attributes:
        counted: how much each named paper (column) counts for each reader (row), 0 to 1.
        worth: how many papers named today those of each reader are worth.
        strengths: for each reader (row) and paper (column), in standard deviations.
    """

    named: NamedPapers
    counted: Matrix
    worth: Floats
    strengths: Floats

    @classmethod
    def of(
        cls,
        texts: Sequence[Sequence[str]],
        weights: Sequence[Mapping[str, float]],
        named: NamedPapers,
    ) -> Alike:
        """`texts`: what each of the readers named; `weights` by paper id, else 1."""
        counted = named.counted(texts, weights)
        worth = np.asarray(counted.sum(axis=1)).ravel()
        blocks = [slice(at, at + _AT_ONCE) for at in range(0, len(worth), _AT_ONCE)]
        strengths = [_strengths(counted[some], worth[some], named) for some in blocks]
        return cls(named, counted, worth, np.concatenate(strengths).round(_DECIMALS))

    def closest(self) -> Floats:
        """The cosine of each paper (column) with the nearest that a reader (row) named."""
        counted, cosines = self.counted, self.named.cosines
        some = np.flatnonzero(np.diff(counted.indptr))
        found = np.zeros(self.strengths.shape, np.float32)
        if len(some):
            starts = counted.indptr[some]
            found[some] = np.maximum.reduceat(cosines[counted.indices], starts, axis=0)
        return found

    def nearest(self, reader: Ints, place: Ints) -> Ints:
        """The number of the named paper nearest to each pair; these readers named some."""
        first, end = self.counted.indptr[reader], self.counted.indptr[reader + 1]
        starts = np.cumsum(end - first) - (end - first)
        at = np.arange((end - first).sum()) + np.repeat(first - starts, end - first)
        numbers = self.counted.indices[at]
        cosines = self.named.cosines[numbers, np.repeat(place, end - first)]
        # The first of equal ones, for the order within a reader does not depend on the others.
        order = np.lexsort((at, -cosines, np.repeat(np.arange(len(reader)), end - first)))
        return np.asarray(numbers[order[starts]])


def _strengths(counted: Matrix, worth: Floats, named: NamedPapers) -> Floats:
    shares = shared(counted, worth)
    left_out = LeftOut.of(counted, named.usual_place, len(named.background.usual))
    alike = np.asarray(shares @ named.kin.categories.all, np.float64)
    alike += named.kin.people(counted).toarray() - _CROWD * named.batch.rows.crowd
    for way in named.ways:
        usual = way.usual(shares, left_out)
        above = (shares @ way.alike.all - usual.mean[:, None]) / usual.spread[:, None]
        alike += way.weight * above
    scale = _SCALE + (_SCALE_OF_MEANING if named.batch.in_meaning.some else 0.0)
    sure = worth / (worth + 1) / scale  # one example alone says half
    return np.asarray(np.minimum(alike, _HIGHEST) * sure[:, None])
