"""The picks of a digest as JSON arrays, and back.

A pick is an array: the paper's id, the score, for each reason its kind and its detail, the figures,
and the title key where the paper has no arXiv id: it may take one later, then its title finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any

from newsletter.making import maker
from newsletter.model import Digest, Paper, Pick, Reason, Why
from newsletter.store.kinds import from_json

PAPER, KEY = 0, 6
"""Where the id of the paper stands, and its title key if there is one."""

_REASONS_KEPT = 8_192  # papers of a day fit a reader for the same few reasons


_SAID = attrgetter("why", "detail")
_pick = maker(Pick)


def rows_of(made: Sequence[Digest]) -> list[list[tuple[Any, ...]]]:
    """The picks of each digest as arrays; all together, for they are the most of what is written."""
    # What many picks have in common is told apart by where it lies, not by what it says.
    reasons = {id(pick.reasons): pick.reasons for digest in made for pick in digest.picks}
    told = {place: list(chain.from_iterable(map(_SAID, one))) for place, one in reasons.items()}
    rows: list[list[tuple[Any, ...]]] = [
        [
            (one.paper.id, one.score, told[id(one.reasons)], one.upvotes, one.comments, one.stars)
            for one in digest.picks
        ]
        for digest in made
    ]
    met = {pick.paper.id: pick.paper for digest in made for pick in digest.picks}
    keys = {paper.id: [paper.key] for paper in met.values() if not paper.has_arxiv_id}
    return [[(*row, *keys.get(row[PAPER], ())) for row in of] for of in rows] if keys else rows


def picks_in(text: str) -> list[list[Any]]:
    """The arrays of a digest; until 28 November 2026 each value had its name."""
    picks: list[Any] = from_json(text)
    return list(map(_listed, picks)) if picks and isinstance(picks[0], dict) else picks


def _listed(pick: Mapping[str, Any]) -> list[Any]:
    told = [said for reason in pick["reasons"] for said in reason]
    figures = (pick["upvotes"], pick["comments"], pick["stars"])
    keys = [key] if (key := pick.get("title_key")) else []
    return [pick["paper_id"], pick["score"], told, *figures, *keys]


def pick_of(row: list[Any], known: Mapping[str, Paper | None]) -> Pick | None:
    """The pick again, if its paper is among those known by id or by title key.

    Raises:
        KeyError: whether its paper is there nobody knows yet; `None` stands for one that is not.
    """
    paper = known[row[PAPER]]
    if paper is None and len(row) > KEY:
        paper = known.get(row[KEY])
    if paper is None:
        return None
    _, score, told, upvotes, comments, stars = row[:KEY]
    return _pick(paper, score, _reasons(*told), upvotes, comments, stars)


@lru_cache(maxsize=_REASONS_KEPT)
def _reasons(*told: str) -> tuple[Reason, ...]:
    return tuple(map(_reason, told[::2], told[1::2]))


@lru_cache(maxsize=_REASONS_KEPT)
def _reason(why: str, detail: str) -> Reason:
    return Reason(why=Why(why), detail=detail)
