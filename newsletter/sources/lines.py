"""Our own lists as JSON lines: what `newsletter fetch --json` prints can be read again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from newsletter.errors import SourceError
from newsletter.model import Entry, Listing, Paper, Tier
from newsletter.sources.gate import gathered
from newsletter.sources.item import https_url
from newsletter.sources.raw import as_count, as_day, as_list, as_map, as_text, from_json

_TEXTS = ("id", "title", "abstract", "summary", "organization")
_MANY = ("authors", "keywords", "categories")
_LINKS = ("url", "pdf_url", "code_url", "thumbnail_url")
_DAYS = ("published_on", "listed_on")
_OURS = frozenset({"id", "title", "rank", "tier"})


def line_of(entry: Entry, tier: Tier) -> str:
    """One entry as one line of JSON: the fields of the paper and what the list says about it."""
    record: dict[str, Any] = asdict(entry.paper)
    for name in ("rank", "upvotes", "comments", "stars", "submitter"):
        record[name] = getattr(entry, name)
    record["tier"] = str(tier)
    return json.dumps(record, ensure_ascii=False, default=str)


def lines_of(listing: Listing) -> str:
    """A whole list, one line for each entry, each ended by a newline."""
    return "".join(f"{line_of(entry, listing.tier)}\n" for entry in listing.entries)


def are_lines(text: str) -> bool:
    """True when the first line is a record of ours."""
    first = text.lstrip().partition("\n")[0]
    try:
        return first.startswith("{") and as_map(from_json(first)).keys() >= _OURS
    except ValueError:
        return False


def parse_lines(text: str) -> Listing:
    """Reads the lines back; texts are already clean and stay as they are.

    Raises:
        SourceError: too many lines are no records.
    """
    # Not splitlines: U+2028 and friends are legal inside JSON texts.
    records = [_record(line) for line in text.split("\n") if line.strip()]
    entries = [_entry(record) if record else None for record in records]
    tier = _tier(records)
    if not any(entries):
        raise SourceError("no line is a record of a paper", source="lines", tier=tier)
    days = {entry.paper.listed_on for entry in entries if entry}
    day = days.pop() if len(days) == 1 else None
    return gathered(entries, source="lines", tier=tier, day=day)


def _record(line: str) -> Mapping[str, Any]:
    try:
        return as_map(from_json(line))
    except ValueError:
        return {}


def _tier(records: list[Mapping[str, Any]]) -> Tier:
    name = next((as_text(record.get("tier")) for record in records if record), "")
    return Tier(name) if name in set(Tier) else Tier.DUMP


def _entry(record: Mapping[str, Any]) -> Entry:
    values: dict[str, Any] = {name: _line(record.get(name)) for name in _TEXTS}
    values |= {name: _texts(record.get(name)) for name in _MANY}
    values |= {name: https_url(record.get(name)) for name in _LINKS}
    values |= {name: as_day(record.get(name)) for name in _DAYS}
    return Entry(
        paper=Paper(**values),
        rank=as_count(record.get("rank")) or 0,
        upvotes=as_count(record.get("upvotes")),
        comments=as_count(record.get("comments")),
        stars=as_count(record.get("stars")),
        submitter=_line(record.get("submitter")),
    )


def _line(value: object) -> str:
    return re.sub(r"\s+", " ", as_text(value)).strip()


def _texts(value: object) -> tuple[str, ...]:
    return tuple(filter(None, map(_line, as_list(value))))
