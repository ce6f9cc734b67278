"""The picks of a digest as JSON arrays, and back.

A pick is an array: the paper's id, the score, for each reason its kind and its detail, the figures,
and the title key where the paper has no arXiv id: it may take one later, then its title finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from newsletter.model import Paper, Pick, Reason, Why

PAPER, KEY = 0, 6
"""Where the id of the paper stands, and its title key if there is one."""

_REASONS_KEPT = 8_192  # papers of a day fit a reader for the same few reasons


class PickRows:
    """Writes picks; reasons that many of them have in common are written once.

    Those are told apart by where they lie, which is quicker than by what they say: what is
    written must outlive this.
    """

    def __init__(self) -> None:
        self._told: dict[int, list[str]] = {}

    def of(self, picks: Iterable[Pick]) -> list[list[Any]]:
        """The arrays of one digest."""
        rows = []
        for pick in picks:
            paper = pick.paper
            told = self._told.get(id(pick.reasons)) or self._tell(pick.reasons)
            row = [paper.id, pick.score, told, pick.upvotes, pick.comments, pick.stars]
            rows.append(row if paper.has_arxiv_id else [*row, paper.key])
        return rows

    def _tell(self, reasons: tuple[Reason, ...]) -> list[str]:
        told = [said for reason in reasons for said in (reason.why.value, reason.detail)]
        self._told[id(reasons)] = told
        return told


def listed(pick: list[Any] | Mapping[str, Any]) -> list[Any]:
    """A pick as it is written today; until 28 November 2026 each value had its name."""
    if isinstance(pick, list):
        return pick
    told = [said for reason in pick["reasons"] for said in reason]
    figures = (pick["upvotes"], pick["comments"], pick["stars"])
    keys = [key] if (key := pick.get("title_key")) else []
    return [pick["paper_id"], pick["score"], told, *figures, *keys]


def pick_of(row: list[Any], known: Mapping[str, Paper]) -> Pick | None:
    """The pick again, if its paper is among those known by id or by title key."""
    paper = known.get(row[PAPER])
    if paper is None and len(row) > KEY:
        paper = known.get(row[KEY])
    if paper is None:
        return None
    _, score, told, upvotes, comments, stars = row[:KEY]
    return Pick(
        paper=paper,
        score=score,
        reasons=_reasons(*told),
        upvotes=upvotes,
        comments=comments,
        stars=stars,
    )


@lru_cache(maxsize=_REASONS_KEPT)
def _reasons(*told: str) -> tuple[Reason, ...]:
    pairs = zip(told[::2], told[1::2], strict=True)
    return tuple(Reason(why=Why(why), detail=detail) for why, detail in pairs)
