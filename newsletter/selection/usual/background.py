"""What is usual: statistics of the stored papers, so that a score says how unusual a fit is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from math import ceil

import numpy as np
from scipy import sparse

from newsletter.memory import give_back
from newsletter.model import Paper, id_from_title, title_key
from newsletter.selection.texts.hashing import (
    PLACES,
    Floats,
    Ints,
    Matrix,
    Parts,
    counts,
    single_words,
)
from newsletter.selection.texts.reading import Reading
from newsletter.selection.usual.acronyms import Acronyms
from newsletter.selection.usual.batch import Batch, Means
from newsletter.selection.usual.crowd import Crowd
from newsletter.selection.usual.kinds import Kinds
from newsletter.selection.usual.meaning import Encoder, meanings, meanings_of
from newsletter.selection.usual.space import Rows, Space
from newsletter.selection.usual.standing import Key, Measured, Stood
from newsletter.selection.usual.turned import Turned

_TITLE_TIMES = 3.0  # a word in the title counts like three in the abstract
_SAMPLE = 2000  # papers that stand for all when the usual likeness is measured
_MOST_READINGS = 2000
_MOST, _STEP = 10_000, 1.1  # papers the space is measured on; anew when there are so many more

_ARXIV_ID = re.compile(
    r"(?:arxiv:|https?://(?:www\.)?(?:arxiv\.org/(?:abs|pdf)|huggingface\.co/papers)/)?"
    r"((?:\d{4}\.\d{4,5})|(?:[a-z-]+(?:\.[a-z]{2})?/\d{7})|(?:t:[0-9a-f]{16}))(?:v\d+)?(?:\.pdf)?",
    re.IGNORECASE,
)


def paper_id_in(text: str) -> str:
    """The id that a text names (an arXiv id, also as a link or with a version), or nothing."""
    found = _ARXIV_ID.fullmatch(text.strip())
    return found[1].lower() if found else ""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What rows are measured in: made of so many papers, and kept until many more have come.

    `first` is the id of the first of them.
    """

    papers: int
    first: str
    space: Space
    crowd: Crowd
    encoder: Encoder | None

    def rows(self, counted: Matrix, papers: Sequence[Paper]) -> Rows:
        """Papers as vectors; `counted` are their words."""
        known = self.crowd.marked(self.space.rows(counted))
        return replace(known, meaning=meanings_of(self.encoder, papers))


@dataclass(frozen=True, slots=True)
class Background:
    """The stored papers: how rare each word is, what their vectors are, and which paper has which id.

    A score measured against the same background does not change with the batch it is asked in.

    Attributes:
        size: papers that count; `papers` and `rows` may hold more, to be looked up only.
        holders: how many of the counting papers hold each word and pair.
        means: those of the papers that stand for all, which are `usual`.
        fitted: what stays the same while papers come in; who stands for all does so, too.
        stood: what is kept of papers that readers named.
        acronyms: what the papers say that short forms stand for.
    """

    size: int
    papers: tuple[Paper, ...]
    rows: Rows
    fitted: Fitted
    holders: Ints
    rarity: Floats
    means: Means
    usual: Batch
    stood: Stood
    kinds: Kinds
    acronyms: Acronyms
    _extents: tuple[int, ...] = field(repr=False)
    _by_id: dict[str, int] = field(repr=False)
    _by_key: dict[str, int] = field(repr=False)
    _readings: dict[Paper, Reading] = field(default_factory=dict, repr=False, compare=False)
    _batches: dict[tuple[Paper, ...], Batch] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, papers: Iterable[Paper], encoder: Encoder | None = None) -> Background:
        """The background of stored papers, oldest first.

        All is measured on the first nine tenths or more of them and the others are counted in it, so
        it is the same for a service that took them in day by day and for whoever asks now. They are
        walked through three times.
        """
        first = islice(papers, _measured(sum(1 for _ in papers)))
        return cls.fit(first, encoder).grown(papers)

    @classmethod
    def fit(cls, papers: Iterable[Paper], encoder: Encoder | None = None) -> Background:
        """Measure the stored papers; none at all are fine too. The order does not matter.

        About 1 ms for each paper, and 4 kB of memory beside its title and names. What an encoder
        says of each is kept too; another encoder needs another background.
        """
        by_id = {paper.id: paper for paper in papers}
        first, known = next(iter(by_id), ""), sorted(by_id.values(), key=lambda p: p.id)
        del by_id
        counted = counts(_parts(paper) for paper in known)
        acronyms, meaning = Acronyms.of(known), meanings_of(encoder, known)
        extents, known = list(map(_extent, known)), list(map(_light, known))
        give_back()  # the abstracts, 30 MB with those of 10,000, before what follows takes 60
        space, rows = Space.fit(counted)
        holders = _holders(counted)
        del counted  # as large as the rows, and not needed any more
        crowd = Crowd.of(rows[_sample(len(known))])
        fitted = Fitted(len(known), first, space, crowd, encoder)
        whole = replace(crowd.marked(rows), meaning=meaning)
        return cls._of(known, extents, fitted, whole, holders, acronyms)

    @classmethod
    def _of(
        cls,
        papers: Sequence[Paper],
        extents: Iterable[int],
        fitted: Fitted,
        rows: Rows,
        holders: Ints,
        acronyms: Acronyms,
    ) -> Background:
        """All of the papers count; who stands for them is drawn here."""
        sample = _sample(len(papers))
        standing_for_all = rows[sample]
        means = Means.of(standing_for_all)
        kinds = Kinds.of(papers)
        chosen = [papers[at] for at in sample]
        usual = Batch.of(chosen, sample, standing_for_all, means, kinds)
        usual = replace(usual, rows=rows[:0])  # they stand in `rows`; nobody asks for them here
        spaces = [Turned.of(usual.in_space, means.dense)]
        if usual.in_meaning.some:
            spaces.append(Turned.of(usual.in_meaning, means.meaning))
        by_id, by_key = _places(papers)
        return cls(
            size=len(papers),
            papers=tuple(papers),
            rows=rows,
            fitted=fitted,
            holders=holders,
            rarity=_rarity(holders, len(papers)),
            means=means,
            usual=usual,
            stood=Stood(usual, spaces),
            kinds=kinds,
            acronyms=acronyms,
            _extents=tuple(extents),
            _by_id=by_id,
            _by_key=by_key,
        )

    def renewed(self, papers: Iterable[Paper]) -> Background:
        """The background of these stored papers, oldest first, as `of` would make it.

        New ones are counted in the same space, which is quick, until there are many; so are those
        whose text has changed.
        """
        first, size, new = "", 0, dict[str, Paper]()
        for paper in papers:
            first, size = first or paper.id, size + 1
            if not self._holds(paper):
                new[paper.id] = paper
        fits = (self.fitted.first, self.fitted.papers) == (first, _measured(size))
        changed = sum(paper in self._by_id for paper in new)
        if fits and self.size == len(self.papers) and changed <= (_STEP - 1) * size:
            return self.grown(new.values())
        new.clear()  # room for the others
        return Background.of(papers, self.fitted.encoder)

    def grown(self, papers: Iterable[Paper]) -> Background:
        """With those of the papers that are not held, or with another text; each is there once.

        Those that stand for all stay the same; a paper whose text has changed keeps its place.
        """
        new = [paper for paper in papers if not self._holds(paper)]
        if not new:
            return self
        known = np.array([self.place_of(paper.id) for paper in new])
        place = np.where(known < 0, self.size - 1 + np.cumsum(known < 0), known)
        order = np.arange(max(self.size, place.max() + 1))
        order[place] = self.size + np.arange(len(new))
        counted = counts(_parts(paper) for paper in new)
        former = _holders(self.rows[known[known >= 0]].units)
        holders = self.holders + _holders(counted) - former
        papers = [*self.papers, *map(_light, new)]
        papers = [papers[at] for at in order]
        extents = [*self._extents, *map(_extent, new)]
        by_id, by_key = _places(papers)
        return replace(
            self,
            size=len(papers),
            papers=tuple(papers),
            rows=_joined(self.rows, self.fitted.rows(counted, new))[order],
            holders=holders,
            rarity=_rarity(holders, len(papers)),
            stood=self.stood.without(known[known >= 0].tolist()),
            kinds=Kinds.of(papers),
            acronyms=self.acronyms.grown(new),
            _extents=tuple(extents[at] for at in order),
            _by_id=by_id,
            _by_key=by_key,
        )

    def knowing(self, papers: Sequence[Paper]) -> Background:
        """The same measure of what is usual, that can also look up these papers."""
        new = [p for p in {p.id: p for p in papers}.values() if p.id not in self._by_id]
        if not new:
            return self
        light = (*self.papers, *(_light(paper) for paper in new))
        by_id, by_key = _places(light)
        return replace(
            self,
            papers=light,
            rows=_joined(self.rows, self._measured(new)),
            _extents=(*self._extents, *(_extent(paper) for paper in new)),
            _by_id=by_id,
            _by_key=by_key,
        )

    def batch(self, papers: Sequence[Paper]) -> Batch:
        """The papers made ready; kept until others are asked for, as many readers get the same."""
        asked = tuple(papers)
        known = self._batches.get(asked)
        if known is None:
            self._batches.clear()
            places = [self.place_of(paper.id) for paper in asked]
            rows = self.vectors(asked)
            readings = map(self.reading, asked)
            known = Batch.of(asked, places, rows, self.means, self.kinds, readings)
            self._batches[asked] = known  # until another thread asks for others
        return known

    def vectors(self, papers: Sequence[Paper]) -> Rows:
        """The papers in the measure of this background, whether it holds them or not."""
        new = [i for i, paper in enumerate(papers) if not self._holds(paper)]
        if len(new) == len(papers):
            return self._measured(papers)
        stored = [i for i, paper in enumerate(papers) if self._holds(paper)]
        rows = self.rows[[self._by_id[papers[i].id] for i in stored]]
        if not new:
            return rows
        order = np.argsort([*stored, *new])
        return _joined(rows, self._measured([papers[i] for i in new]))[order]

    def _measured(self, papers: Sequence[Paper]) -> Rows:
        return self.fitted.rows(counts(_parts(paper) for paper in papers), papers)

    def _holds(self, paper: Paper) -> bool:
        """Whether its vector is kept, made of the same text as far as length can tell."""
        place = self._by_id.get(paper.id)
        return place is not None and self._extents[place] == _extent(paper)

    def queries(self, texts: Sequence[str]) -> Matrix:
        """Each text as a row that, times the plain sums of papers, gives their BM25."""
        return self._asking([((text, 1.0),) for text in texts])

    def in_space(self, texts: Sequence[str]) -> Floats:
        """Each text as a place in the latent space."""
        return self.fitted.space.rows(counts([((text, 1.0),) for text in texts])).dense

    def in_meaning(self, texts: Sequence[str]) -> Floats:
        """What each text means; no columns where there is no model."""
        return meanings(self.fitted.encoder, texts)

    def words_of(self, text: str) -> Matrix:
        """One row, like a query, for each different word of the text."""
        return self._asking(single_words(text))

    def _asking(self, texts: Sequence[Parts]) -> Matrix:
        asked = counts(texts)
        asked.data = (self.rarity / self.fitted.space.weight)[asked.indices]
        return asked

    def titles(self, papers: Sequence[Paper]) -> Matrix:
        """The titles alone, as rows of unit length."""
        return self.fitted.space.units(counts([((paper.title, 1.0),) for paper in papers]))

    def reading(self, paper: Paper) -> Reading:
        """The paper made ready for matching; kept, for everybody's digest looks at it."""
        known = self._readings.get(paper)
        if known is None:
            if len(self._readings) >= _MOST_READINGS:
                self._readings.clear()
            known = self._readings[paper] = Reading.of(paper)
        return known

    def rarity_of(self, text: str) -> float:
        """How much it says when a paper holds this phrase, by its rarest word or pair (in nats)."""
        places = self.queries([text]).indices
        return float(self.rarity[places].max()) if len(places) else 0.0

    def place_of(self, paper_id: str) -> int:
        """Where a paper stands in `papers` and `rows`, or -1."""
        return self._by_id.get(paper_id, -1)

    def find(self, text: str) -> int | None:
        """Where the paper stands that an id, a link or a title names; `None` for an unknown one."""
        known = self._by_id.get(paper_id_in(text))
        return known if known is not None else self._by_key.get(title_key(text))

    def key_of(self, text: str) -> Key | None:
        """Which paper a subscriber named: where it stands, or the text as the title of another one.

        An id that nobody has stored says nothing.
        """
        place = self.find(text)
        if place is not None:
            return place
        return text if text.strip() and not paper_id_in(text) else None

    def named(self, keys: Sequence[Key]) -> Measured:
        """The papers that readers named; those that are stored first."""
        stored = [key for key in keys if isinstance(key, int)]
        own = [Paper(id=id_from_title(key), title=key) for key in keys if isinstance(key, str)]
        papers, rows = [*map(self.papers.__getitem__, stored), *own], self.rows[stored]
        measured = _joined(rows, self._measured(own)) if own else rows
        return Measured(papers, measured, self.titles(papers))


def _parts(paper: Paper) -> Parts:
    told = (paper.abstract or paper.summary, *paper.keywords)
    return ((paper.title, _TITLE_TIMES), *((text, 1.0) for text in told))


def _extent(paper: Paper) -> int:
    return sum(len(text) for text, _ in _parts(paper))


def _light(paper: Paper) -> Paper:
    """What is asked of a stored paper later: which it is, by whom, and of what kind."""
    return Paper(id=paper.id, title=paper.title, authors=paper.authors, categories=paper.categories)


def _places(papers: Sequence[Paper]) -> tuple[dict[str, int], dict[str, int]]:
    by_id = {paper.id: place for place, paper in enumerate(papers)}
    by_key = {paper.key: place for place, paper in reversed(list(enumerate(papers)))}
    return by_id, by_key


def _measured(papers: int) -> int:
    """On how many of the first of so many stored papers all is measured: 10,000, 9,091, 8,265 ..."""
    most = float(_MOST)
    while ceil(most) > max(papers, 1):
        most /= _STEP
    return min(ceil(most), papers)


def _sample(size: int) -> Ints:
    return np.random.default_rng(0).permutation(size)[:_SAMPLE]


def _holders(counted: Matrix) -> Ints:
    return np.bincount(counted.indices, minlength=PLACES).astype(np.int32)


def _rarity(holders: Ints, size: int) -> Floats:
    """BM25's measure of rarity; a word that no stored paper holds is as rare as one held by one."""
    held = np.clip(holders, 1, None) if size else np.full(PLACES, 0.5)
    odds = (max(size, 1) - held + 0.5) / (held + 0.5)
    return np.asarray(np.log1p(np.maximum(odds, 0.0)), dtype=np.float32)


def _joined(*rows: Rows) -> Rows:
    return Rows(
        sparse.vstack([part.units for part in rows], format="csr"),
        np.concatenate([part.lengths for part in rows]),
        np.concatenate([part.dense for part in rows]),
        np.concatenate([part.crowd for part in rows]),
        np.concatenate([part.meaning for part in rows]),
    )
