"""Lets the shared relevance evaluation score our selector: `evaluate.py evaluate_adapter:score`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from newsletter.model import Paper, Profile
from newsletter.selection import Background, Encoder
from newsletter.selection import score as score_papers

_ENOUGH = 200  # with fewer stored papers, what is at hand stands in for the archive
_archive: list[Paper] = []
_backgrounds: dict[tuple[int, str], Background] = {}
_encoder: Encoder | None = None
_place = (0, "")


def measure_by(encoder: Encoder | None) -> None:
    """From now on papers are also compared by what this says that they mean."""
    global _encoder
    _encoder = encoder
    _backgrounds.clear()


def prepare(archive: Sequence[Mapping[str, Any]]) -> None:
    """Called by the evaluation with everything published before the candidates."""
    global _archive, _place
    _archive = [_paper(item) for item in archive]
    _place = (len(_archive), _archive[-1].id if _archive else "")
    if len(_archive) >= _ENOUGH and _place not in _backgrounds:
        _backgrounds[_place] = Background.fit(_archive, _encoder)


def score(
    profile: Mapping[str, Any], papers: Sequence[Mapping[str, Any]]
) -> npt.NDArray[np.float64]:
    """The evaluation's profile and papers, scored by `newsletter.selection.score`."""
    candidates = [_paper(item) for item in papers]
    liked, disliked = (_papers(profile.get(name)) for name in ("liked", "disliked"))
    if len(_archive) < _ENOUGH:
        background = Background.fit([*_archive, *liked, *disliked, *candidates], _encoder)
    else:
        background = _known([*liked, *disliked], candidates)
    return score_papers(_profile(profile, liked, disliked), candidates, background=background)


def _known(named: list[Paper], candidates: list[Paper]) -> Background:
    """What is usual stays as it was; papers met once keep their vectors, which saves minutes."""
    whole = [paper for paper in candidates if paper.categories]  # not where they are hidden
    known = _backgrounds[_place].knowing([*named, *whole])
    _backgrounds[_place] = known
    return known


def _profile(given: Mapping[str, Any], liked: list[Paper], disliked: list[Paper]) -> Profile:
    interests = str(given.get("interests") or "").strip()
    return Profile(
        topics=(interests,) if interests else (),
        keywords=tuple(given.get("keywords") or ()),
        authors=tuple(given.get("authors") or ()),
        categories=tuple(given.get("categories") or ()),
        liked=tuple(paper.id for paper in liked),
        disliked=tuple(paper.id for paper in disliked),
    )


def _papers(items: Sequence[Mapping[str, Any]] | None) -> list[Paper]:
    return [_paper(item) for item in items or ()]


def _paper(item: Mapping[str, Any]) -> Paper:
    return Paper(
        id=str(item["id"]),
        title=str(item["title"]),
        abstract=str(item.get("abstract") or ""),
        authors=tuple(item.get("authors") or ()),
        categories=tuple(item.get("categories") or ()),
    )
