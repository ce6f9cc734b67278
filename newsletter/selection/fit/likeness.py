"""How alike papers are to those that readers named, measured against what is usual.

Everything here is a sum over the papers that a reader named, so each named paper is compared once,
in each way, and many readers are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.selection.fit.named import NamedPapers
from newsletter.selection.texts.hashing import Bools, Floats, Ints, Matrix
from newsletter.selection.texts.tables import adding, within
from newsletter.selection.usual.standing import Named

_WAYS = 1.0, 0.4, 0.1  # what words, the latent space and the model's count
_CROWD = 0.6  # beside the words
_SCALE = 1.8  # what makes the sum one standard deviation
_SCALE_OF_MEANING = 0.07  # where there is a model
_HIGHEST = 20.0


@dataclass(frozen=True, slots=True)
class Alike:
    """How unusually alike each paper of a round is to what some readers named.

    Attributes:
        said: what each of the readers named, `row` the rows of these papers in `named`.
        in_round: readers, and the papers of the round that they named.
        strengths: for each reader (row) and paper (column), in standard deviations.
    """

    named: NamedPapers
    said: Named
    row: Ints
    in_round: tuple[Ints, Ints]
    strengths: Floats

    @classmethod
    def of(
        cls,
        texts: Sequence[Sequence[str]],
        weights: Mapping[int, Mapping[str, float]],
        named: NamedPapers,
    ) -> Alike:
        """`texts`: what each of the readers named; `weights` by reader and paper id, else 1."""
        said, row, in_round = named.named(texts, weights)
        return cls(named, said, row, in_round, _strengths(said, row, named))

    @property
    def worth(self) -> Floats:
        """How many papers named today those of each reader are worth."""
        return self.said.worth

    def close(self) -> Bools:
        """Whether each paper is close to one that a reader named; nobody named none."""
        return self.named.words.close.any(self.row, self.said.ends)

    def nearest(self, reader: Ints, place: Ints) -> Ints:
        """The row of the named paper that is nearest, for pairs of a reader who named some and a
        paper.
        """
        pair, at = within(self.said.ends, reader)
        cosines = self.named.words.cosines.all[self.row[at], place[pair]]
        # The first of equal ones, for the order within a reader does not depend on the others.
        order = np.lexsort((at, -cosines, pair))
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        return np.asarray(self.row[at[order[first]]])


def _strengths(said: Named, row: Ints, named: NamedPapers) -> Floats:
    """Each way counts by how much a reader's papers say, and by how it is usually spread for them."""
    standing = named.background.stood.of(said, named.background.named)
    scale = _SCALE + (_SCALE_OF_MEANING if named.batch.in_meaning.some else 0.0)
    sure = said.worth / (said.worth + 1) / scale  # one example alone says half
    usual = (standing.words, *standing.near)
    counts = [sure * way / one.spread for one, way in zip(usual, _WAYS, strict=False)]
    expected = np.sum([n * one.mean for n, one in zip(counts, usual, strict=True)], axis=0)
    alike = _added(said, said.shares * counts[0][said.reader], row, named) @ named.words.alike.all
    places = zip(standing.places, counts[1:], strict=True)
    seen = [*(at * _column(n) for at, n in places), _column(expected), _column(_CROWD * sure)]
    alike += np.hstack(seen) @ named.facing.T
    if named.kin.placed:
        alike += named.kin.categories(_added(said, said.shares * sure[said.reader], row, named))
    reader, place, shared = named.kin.people(said.reader, row, said.counted)
    alike[reader, place] += shared * sure[reader]
    return np.asarray(np.minimum(alike, _column(_HIGHEST * sure), out=alike))


def _added(said: Named, shares: Floats, row: Ints, named: NamedPapers) -> Matrix:
    """Adds up what each reader named by shares."""
    return adding(shares.astype(np.float32), said.ends, row, len(named.papers))


def _column(values: Floats) -> Floats:
    return values.astype(np.float32)[:, None]
