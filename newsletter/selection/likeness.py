"""How alike papers are to some examples, measured against what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Paper, Why
from newsletter.selection.background import Background
from newsletter.selection.evidence import Evidence
from newsletter.selection.hashing import Floats, Ints
from newsletter.selection.kin import Kin
from newsletter.selection.space import Rows

# What is usual when hardly any paper is stored, and how many papers that guess is worth.
SPREAD_OF_LIKENESS, _SPREAD_IN_SPACE, _SPREAD_OF_TITLES = 0.02, 0.15, 5.0
_PRIOR_WEIGHT = 20

# What each part counts beside the words themselves, and what makes the sum one standard deviation.
_IN_SPACE, _BY_TITLES, _CROWD = 0.5, 0.3, 0.5
_SCALE = 1.8
_CLEARLY_LIKED = 1.8  # a liked paper is named as a reason from here on,
_CLOSE = (0.4, 0.12)  # or with less, for a cosine that papers of one field rarely reach
_HIGHEST = 40.0


def unusualness(values: Floats, usual: Floats, prior_spread: float) -> Floats:
    """How many standard deviations above the usual value, shrunk where little is known."""
    count = usual.shape[0]
    share = count / (count + _PRIOR_WEIGHT)
    mean = usual.mean(axis=0) * share if count else 0.0
    variance = usual.var(axis=0) * share if count else 0.0
    spread = np.sqrt(variance + prior_spread**2 * (1 - share))
    return np.asarray((values - mean) / np.maximum(spread, prior_spread / 10), dtype=np.float64)


def in_words(values: Floats, usual: Floats) -> Floats:
    """The unusualness of a likeness by words."""
    return unusualness(values, usual, SPREAD_OF_LIKENESS)


def in_space(values: Floats, usual: Floats) -> Floats:
    """The unusualness of a likeness in the latent space."""
    return unusualness(values, usual, _SPREAD_IN_SPACE)


def by_titles(values: Floats, usual: Floats) -> Floats:
    """The unusualness of the words of titles."""
    return unusualness(values, usual, _SPREAD_OF_TITLES)


class Likeness:
    """Likeness to some papers a subscriber named: their centre, less what all papers share."""

    def __init__(self, named: Sequence[str], background: Background) -> None:
        self._papers, self._rows = background.resolve(named)
        if not self._papers:
            return
        self._words = np.asarray(self._rows.units.mean(axis=0)).ravel() - background.mean
        self._dense = self._rows.dense.mean(axis=0, dtype=np.float64) - background.dense_mean
        titles = background.queries([paper.title for paper in self._papers])
        self._titles = np.asarray(titles.mean(axis=0)).ravel()
        self._usual = self._raw(background.rows[self._strangers(background)])
        self._kin = Kin.of(self._papers, background.categories)

    def __len__(self) -> int:
        return len(self._papers)

    def _strangers(self, background: Background) -> Ints:
        """The sample without the named papers, which would blur what is usual."""
        own = [background.place_of(paper.id) for paper in self._papers]
        return background.sample[~np.isin(background.sample, own)]

    def _raw(self, rows: Rows) -> tuple[Floats, Floats, Floats]:
        """Likeness by words, in the latent space, and by the words of the titles."""
        dense = rows.dense.astype(np.float64) @ self._dense
        return rows.units @ self._words, dense, rows.units @ self._titles * rows.lengths

    def measure(self, papers: Sequence[Paper], rows: Rows) -> Alikes:
        """How unusually alike each paper is to all named ones, and which of them is closest."""
        if not self._papers or not papers:
            return Alikes(np.zeros(len(rows)), np.zeros(len(rows)), ("",) * len(rows))
        words, dense, titles = self._raw(rows)
        alike = in_words(words, self._usual[0]) - _CROWD * rows.crowd
        if rows.dense.shape[1]:
            alike += _IN_SPACE * in_space(dense, self._usual[1])
            alike += _BY_TITLES * by_titles(titles, self._usual[2])
        sure = len(self._papers) / (len(self._papers) + 1)  # one example alone says half
        strength = np.minimum(alike + self._kin.measure(papers), _HIGHEST) * sure / _SCALE
        cosines = (rows.units @ self._rows.units.T).toarray()
        closest = tuple(self._papers[int(place)].title for place in cosines.argmax(axis=1))
        return Alikes(strength, cosines.max(axis=1), closest)


@dataclass(frozen=True, slots=True)
class Alike:
    """One paper's likeness to the named ones."""

    strength: float
    cosine: float
    closest: str

    def named(self) -> list[Evidence]:
        """The closest liked paper as a reason, where the likeness is clear."""
        least, close = _CLOSE
        clear = self.strength >= _CLEARLY_LIKED or (self.strength >= least and self.cosine >= close)
        return [Evidence(Why.LIKED, self.closest, self.strength)] if clear else []


@dataclass(frozen=True, slots=True)
class Alikes:
    """The likeness of several papers, one entry for each."""

    strength: Floats
    cosine: Floats
    closest: tuple[str, ...]

    def of(self, place: int) -> Alike:
        return Alike(float(self.strength[place]), float(self.cosine[place]), self.closest[place])
