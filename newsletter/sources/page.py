"""A page of the site as HTML: the data embedded in it first, its cards second."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from newsletter.errors import SourceError
from newsletter.model import Listing, Tier
from newsletter.sources.api import listing_of
from newsletter.sources.cards import day_of, entry_of_card, hull, soup_of
from newsletter.sources.gate import gathered
from newsletter.sources.looks import looks_like
from newsletter.sources.raw import as_day, as_list, as_map, from_json

# `>` stands unescaped inside the attribute, so the tag cannot be cut at the next `>` after the name.
_EMBEDDED = re.compile(
    r'data-target="(?:DailyPapers|PaperContent)"[^>]{0,300}?data-props="([^"]*)"'
)
_TARGETS = '[data-target="DailyPapers"][data-props], [data-target="PaperContent"][data-props]'


def parse_page(html: str) -> Listing:
    """Reads a saved or fetched page of any period: day, week, month, trending, search, one paper.

    Raises:
        SourceError: neither the embedded data nor the cards can be read; tells what the page is.
    """
    try:
        listing = parse_embedded(html)
    except SourceError as error:
        return _second_best(html, error)
    return listing if listing.entries else _unless_cards(html, listing)


def parse_embedded(html: str) -> Listing:
    """Reads the JSON that the page embeds for its own script.

    Raises:
        SourceError: there is none, it is broken, or too many of its items are unusable.
    """
    props = _props(html)
    items = _items(props)
    day = _list_day(props)
    source = _name(day, trending=props.get("isTrending") is True)
    listing = listing_of(items, source=source, tier=Tier.PAGE_JSON, day=day)
    period = props.get("periodType")
    if period in ("week", "month"):
        note = f"The page lists a {period}, not a day."
        return replace(listing, notes=(*listing.notes, note))
    return listing


def parse_cards(html: str) -> Listing:
    """Reads the cards a person would see: no abstracts, few authors, rounded stars.

    Raises:
        SourceError: there is no card; tells what the page is instead.
    """
    soup = soup_of(html)
    articles = hull(soup).select("article")
    if not articles:
        problem = f"no card of a paper in it (it looks like {looks_like(html)})"
        raise SourceError(problem, tier=Tier.PAGE_CARDS)
    day = day_of(soup)
    entries = [entry_of_card(card, rank=rank, day=day) for rank, card in enumerate(articles, 1)]
    return gathered(entries, source=_name(day), tier=Tier.PAGE_CARDS, day=day)


def _second_best(html: str, error: SourceError) -> Listing:
    try:
        listing = parse_cards(html)
    except SourceError as cards:
        raise SourceError(f"{error.problem}; {cards.problem}", tier="page") from None
    note = f"Tier page-json failed ({error.problem}); the cards of the page were read."
    return replace(listing, notes=(note, *listing.notes))


def _unless_cards(html: str, empty: Listing) -> Listing:
    """An empty embedded list beside full cards means that the data have moved."""
    try:
        listing = parse_cards(html)
    except SourceError:
        return empty
    note = "Tier page-json was empty although the page has cards; the cards were read."
    return replace(listing, notes=(note, *listing.notes))


def _props(html: str) -> Mapping[str, Any]:
    match = _EMBEDDED.search(html)
    raw = entities.unescape(match[1]) if match else _attribute(html)
    if not raw:
        raise SourceError("no embedded data (DailyPapers) in the page", tier=Tier.PAGE_JSON)
    try:
        return as_map(from_json(raw))
    except ValueError:
        raise SourceError("the embedded data are not JSON", tier=Tier.PAGE_JSON) from None


def _attribute(html: str) -> str:
    """The same by a real parser, for another order or quoting of the attributes."""
    if "data-props" not in html:
        return ""
    found = soup_of(html).select_one(_TARGETS)
    return str(found["data-props"]) if found else ""


def _items(props: Mapping[str, Any]) -> list[Any]:
    """Search view, list, or the single paper of its own page."""
    if as_list(props.get("searchResults")):
        return as_list(props["searchResults"])
    if isinstance(props.get("dailyPapers"), list):
        return as_list(props["dailyPapers"])
    if as_map(props.get("paper")):
        return [props]
    raise SourceError("the embedded data hold no dailyPapers", tier=Tier.PAGE_JSON)


def _list_day(props: Mapping[str, Any]) -> date | None:
    """`dateString` today, `date` in 2024; a week or a month has no day."""
    if props.get("periodType") in ("week", "month"):
        return None
    return as_day(props.get("dateString")) or as_day(props.get("date"))


def _name(day: date | None, *, trending: bool = False) -> str:
    if trending:
        return "trending"
    return f"daily:{day}" if day else "page"
