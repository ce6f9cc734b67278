"""Reading of untrusted text and JSON: a missing key or a wrong type becomes the default, never a crash."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

_LONGEST_TEXT = 20_000  # characters; the longest abstract seen has 1,924
_LARGEST_COUNT = 10**9  # what claims more votes or stars is broken
_LONGEST_LITERAL = 4_000_000  # characters; the Python parser needs far more memory than JSON
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ]|$)")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def sound(text: str) -> str:
    """Text that can be encoded: lone surrogates become U+FFFD, control characters blanks."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROLS.sub(" ", text)


def as_text(value: object) -> str:
    """The text, cut to a sane length; empty for anything else."""
    return sound(value[:_LONGEST_TEXT]) if isinstance(value, str) else ""


def as_map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def as_count(value: object) -> int | None:
    """A number of votes, comments or stars; `None` for what cannot be one (negative, NaN, true, …)."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _LARGEST_COUNT else None


def as_day(value: object) -> date | None:
    """The UTC day of an ISO date or instant."""
    if not isinstance(value, str) or not _DAY.match(value):
        return None
    try:
        instant = datetime.fromisoformat(value)
        return instant.astimezone(UTC).date() if instant.tzinfo else instant.date()
    except (ValueError, OverflowError):
        return None


def first_text(*values: object) -> str:
    """The first value that is a text with something in it."""
    return next((text for text in map(as_text, values) if text.strip()), "")


def from_json(text: str) -> Any:
    """Decodes JSON.

    Raises:
        ValueError: it is none, or nested deeper than any real answer.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def from_python(text: str) -> Any:
    """Decodes a Python literal, as some archives keep the answers; nothing is executed.

    Raises:
        ValueError: it is none, or too large or too deep to be read safely.
    """
    if len(text) > _LONGEST_LITERAL:
        raise ValueError("too large for a Python literal")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in foreign data is not our mistake
            return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError("no Python literal") from None
