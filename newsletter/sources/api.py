"""The site's JSON answers: a day's list, the search answer, a single paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from newsletter.errors import SourceError
from newsletter.model import Listing, Tier
from newsletter.sources.gate import gathered
from newsletter.sources.item import entry_of
from newsletter.sources.raw import as_map, as_text, from_json, from_python

_LISTS = ("searchResults", "dailyPapers", "papers")


def parse_api(text: str, *, day: date | None = None) -> Listing:
    """Reads an answer of `/api/daily_papers`, `/api/papers/search` or `/api/papers/{id}`.

    A Python literal of the same data is understood too: some archives keep the answers so.

    Args:
        day: of the list, where the caller knows it; becomes `listed_on`.

    Raises:
        SourceError: it is no such answer, or too much of it is unusable.
    """
    items = _items(_decoded(text))
    return listing_of(items, source="api", tier=Tier.API, day=day)


def listing_of(
    items: Sequence[object], *, source: str, tier: Tier, day: date | None = None
) -> Listing:
    """The list made of raw items, through the gate."""
    entries = [entry_of(item, rank=rank, day=day) for rank, item in enumerate(items, start=1)]
    return gathered(entries, source=source, tier=tier, day=day)


def _decoded(text: str) -> Any:
    for decode in (from_json, from_python):
        try:
            return decode(text)
        except ValueError:
            continue
    raise SourceError("the answer is not JSON", source="api", tier=Tier.API)


def _items(data: Any) -> list[Any]:
    if isinstance(data, list):
        return data
    answer = as_map(data)
    listed = next((answer[key] for key in _LISTS if isinstance(answer.get(key), list)), None)
    if listed is not None:
        return list(listed)
    if "id" in answer or "paper" in answer:
        return [answer]
    raise SourceError(_no_list(answer), source="api", tier=Tier.API)


def _no_list(answer: object) -> str:
    error = as_text(as_map(answer).get("error"))
    return (
        f"the answer is an error: {error[:200]}" if error else "the answer holds no list of papers"
    )
