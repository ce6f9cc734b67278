"""The gate every list passes: broken items out, twins merged, ranks from 1, changed pages refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from newsletter.errors import SourceError
from newsletter.model import Entry, Listing, Paper, Tier, title_key
from newsletter.sources.item import bare_id
from newsletter.sources.mirrors import led_home

MOST_DROPPED = 0.2
"""Share of unusable items above which the source has changed its shape rather than a paper its data."""

_TITLE_ID = re.compile(r"t:[0-9a-f]{16}")


def check(listing: Listing, *, dropped: int = 0) -> Listing:
    """The list as the other rooms may rely on it: valid ids, titles, no twins, ranks 1..n.

    An empty list of which nothing was dropped is honestly empty.

    Args:
        dropped: items the parser has already left out because they could not be read.

    Raises:
        SourceError: more than 20 % of the items are unusable.
    """
    valid = [entry for entry in listing.entries if _is_valid(entry.paper)]
    lost = dropped + len(listing.entries) - len(valid)
    total = lost + len(valid)
    if lost > total * MOST_DROPPED:
        raise SourceError(
            f"the source has changed its shape: {lost} of {total} items have no usable id and title",
            source=listing.source,
            tier=listing.tier,
        )
    entries = merged(valid)
    notes = (*listing.notes, *_remarks(lost, total, len(valid) - len(entries)))
    return led_home(replace(listing, entries=entries, notes=notes))


def gathered(
    entries: Sequence[Entry | None],
    *,
    source: str,
    tier: Tier,
    day: date | None = None,
    strays: int = 0,
) -> Listing:
    """The list of what a parser made of items, through the gate; `None` for an item of no use.

    Args:
        strays: what the parser met besides.

    Raises:
        SourceError: see `check`.
    """
    kept = tuple(entry for entry in entries if entry)
    listing = Listing(source=source, tier=tier, entries=kept, listed_on=day)
    return check(listing, dropped=strays + len(entries) - len(kept))


def merged(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries with title twins and repeated ids made one, at the better rank, ranked from 1."""
    kept: dict[str, Entry] = {}
    place: dict[str, str] = {}  # id or title key -> id of the entry that stands for it
    for entry in entries:
        known = place.get(entry.paper.id) or place.get(entry.paper.key)
        home = known or entry.paper.id
        place[entry.paper.id] = place[entry.paper.key] = home
        kept[home] = _joined(kept[home], entry) if known else entry
    return tuple(replace(entry, rank=rank) for rank, entry in enumerate(kept.values(), start=1))


def _joined(first: Entry, second: Entry) -> Entry:
    return replace(first, paper=first.paper.completed_by(second.paper))


def _is_valid(paper: Paper) -> bool:
    named = bare_id(paper.id) == paper.id or _TITLE_ID.fullmatch(paper.id)
    return bool(named and title_key(paper.title))


def _remarks(lost: int, total: int, twins: int) -> list[str]:
    remarks = []
    if lost:
        remarks.append(f"{lost} of {total} items could not be used and were left out.")
    if twins:
        remarks.append(f"{twins} of {total} items repeated another one and were merged with it.")
    return remarks
