"""Mirror hosts are never shown to a reader: what a reverse proxy rewrote is led back home."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from newsletter.model import Entry, Listing, Paper

KNOWN_MIRRORS = ("hf-mirror.com", "hf-mirror.492719920.workers.dev")
"""Seen in stored abstracts; the settings may name more."""

_HOME = "huggingface.co"


def led_home(listing: Listing, mirrors: Sequence[str] = KNOWN_MIRRORS) -> Listing:
    """The list with every mirror address in texts and links turned into one of huggingface.co."""
    hosts = [re.escape(host) for host in mirrors if host]
    if not hosts:
        return listing
    # A host that only begins like a mirror (`hf-mirror.com.example`) is somebody else's.
    pattern = re.compile(
        rf"https?://((?:[a-z0-9-]+\.)*?)(?:{'|'.join(hosts)})(?::[0-9]+)?(?![\w@:-]|\.\w)",
        re.IGNORECASE,
    )
    return replace(listing, entries=tuple(_entry(entry, pattern) for entry in listing.entries))


def _entry(entry: Entry, pattern: re.Pattern[str]) -> Entry:
    changed: dict[str, Any] = {
        name: pattern.sub(rf"https://\g<1>{_HOME}", text)
        for name, text in _texts(entry.paper)
        if pattern.search(text)
    }
    return replace(entry, paper=replace(entry.paper, **changed)) if changed else entry


def _texts(paper: Paper) -> list[tuple[str, str]]:
    values = [(field.name, getattr(paper, field.name)) for field in fields(paper)]
    return [(name, value) for name, value in values if isinstance(value, str)]
