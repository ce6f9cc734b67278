"""Where a workbench's candidates come from: the store, or a list just read."""

from __future__ import annotations

from datetime import timedelta

from newsletter.errors import ConfigError
from newsletter.model import Listing
from newsletter.preview.workbench import Shelf
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
