"""What a person may name as a source, and which list day it is at an instant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from newsletter.errors import ConfigError
from newsletter.sources.urls import shown

FIRST_DAY = date(2023, 5, 4)
"""The first list day there is (hf-mcp-server)."""

_FORMS = "use trending, daily, daily:YYYY-MM-DD, arxiv:cs.CL+cs.LG, a http(s) address or the path of a file"
_NEW_YORK = ZoneInfo("America/New_York")
# The next day's list opens at 21:30 in New York (hf-mcp-server, `>= 1290` minutes).
_ROLLOVER = timedelta(hours=2, minutes=30)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CATEGORIES = re.compile(r"[a-z]+(-[a-z]+)*(\.[A-Za-z-]+)?(\+[a-z]+(-[a-z]+)*(\.[A-Za-z-]+)?)*")


class SourceKind(StrEnum):
    """The five things a source can be."""

    TRENDING = "trending"
    DAILY = "daily"
    ARXIV = "arxiv"
    URL = "url"
    PATH = "path"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One source as asked for.

    Attributes:
        day: the list day of `daily:YYYY-MM-DD`; `None` means the newest list.
        place: the address, the path or the arXiv categories joined by `+`.
    """

    kind: SourceKind
    day: date | None = None
    place: str = ""

    @property
    def name(self) -> str:
        """How lists from here are called; the query of an address may be secret and is left out."""
        if self.kind is SourceKind.URL:
            return shown(self.place)
        if self.kind is SourceKind.PATH:
            return self.place
        detail = self.day.isoformat() if self.day else self.place
        return f"{self.kind}:{detail}" if detail else str(self.kind)


def parse_source(text: str) -> SourceSpec:
    """Reads one source word.

    Raises:
        ConfigError: it is none of the accepted forms; the sentence names them all.
    """
    word = text.strip()
    if word in ("trending", "daily"):
        return SourceSpec(kind=SourceKind(word))
    if word.startswith("daily:"):
        return SourceSpec(kind=SourceKind.DAILY, day=_day(word))
    if word.startswith("arxiv:"):
        return SourceSpec(kind=SourceKind.ARXIV, place=_categories(word))
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", word):
        return SourceSpec(kind=SourceKind.URL, place=_address(word))
    return SourceSpec(kind=SourceKind.PATH, place=_path(word))


def list_day(now: datetime) -> date:
    """The day whose list is open at an instant; weekends are not stepped over.

    Args:
        now: aware.
    """
    if now.tzinfo is None:
        raise ValueError("the instant needs a time zone")
    return (now.astimezone(_NEW_YORK) + _ROLLOVER).date()


def _refused(word: str, why: str) -> ConfigError:
    # An address that was mistyped may still carry a secret query.
    return ConfigError(f"source “{shown(word)[:80]}”", [f"{why}; {_FORMS}"])


def _day(word: str) -> date:
    raw = word.removeprefix("daily:")
    try:
        day = date.fromisoformat(raw) if _DAY.fullmatch(raw) else None
    except ValueError:
        day = None
    if day is None:
        raise _refused(word, "this is no day of the calendar")
    if day < FIRST_DAY:
        raise _refused(word, f"the lists begin on {FIRST_DAY}")
    return day


def _categories(word: str) -> str:
    raw = re.sub(r"[\s,]+", "+", word.removeprefix("arxiv:").strip())
    if not _CATEGORIES.fullmatch(raw):
        raise _refused(word, "arxiv: needs category codes")
    return raw


def _address(word: str) -> str:
    if not word.lower().startswith(("http://", "https://")):
        raise _refused(word, "only http and https addresses can be read")
    return word


def _path(word: str) -> str:
    if not word or not _looks_like_path(word):
        raise _refused(word, "this is no source")
    return word


def _looks_like_path(word: str) -> bool:
    """A word with a separator or a dot is meant as a path; a bare word only if such a file exists."""
    if any(mark in word for mark in "/\\."):
        return True
    try:
        return Path(word).exists()
    except (OSError, ValueError):
        return False
