"""Where a workbench's candidates come from: the store, a list just read, the bundled page."""

from __future__ import annotations

from datetime import datetime, timedelta

from newsletter.config import data_dir
from newsletter.errors import ConfigError
from newsletter.model import Listing
from newsletter.pipeline import record
from newsletter.preview.workbench import Shelf
from newsletter.sources.recognise import read_content
from newsletter.store import Store

_STORED_DAYS = 60


def to_shelf(store: Store, listing: Listing) -> Shelf:
    """The papers of a listing that was recorded in `store`, with every look at them."""
    return Shelf(
        name=listing.source,
        candidates=store.candidates(source=listing.source),
        tier=listing.tier.value,
        notes=listing.notes,
    )


def stored_shelf(store: Store, *, days: int) -> Shelf:
    """The stored papers of the last two months; an edition looks back over `days` list days.

    Raises:
        ConfigError: no stored paper was on a list of a day.
    """
    listed = store.list_days()
    if not listed:
        raise ConfigError("store", ["no stored paper has a list day; name a --source"])
    first = listed[0] - timedelta(days=_STORED_DAYS)
    return Shelf(
        name="stored papers", candidates=store.candidates(listed=(first, listed[0])), days=days
    )


def bundled_shelf(store: Store, *, now: datetime) -> Shelf:
    """The text page that ships with us: 111 papers, without votes, dates or authors."""
    page = data_dir("config") / "demo" / "trending_page.txt"
    listing = read_content(page.read_bytes(), source="bundled page")
    record(store, listing, now=now)
    return to_shelf(store, listing)
