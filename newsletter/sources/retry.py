"""When to ask again: pure decisions from a status, its headers and the clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
"""The same set that huggingface_hub tries again."""

_FIRST = 1.0  # seconds; doubled with every attempt
_LONGEST_BACKOFF = 30.0
# Every answer carries the header; only nothing left (`r=0`) is a request to wait.
_RESET = re.compile(r"\br=0\s*;\s*t=([0-9]{1,9})\b")

_MEANINGS = {
    400: "the question was refused as wrong; a list day that is not open yet is answered so",
    401: "a login is asked for",
    403: "access was refused to this reader or from this network",
    404: "there is nothing at this address",
    408: "the server waited too long for us",
    410: "what was at this address is gone for good",
    429: "too many requests; the server asks for a pause",
    451: "withheld for legal reasons",
    500: "the server has a problem of its own",
    502: "the server has a problem behind it",
    503: "the server is overloaded or down",
    504: "the server behind it did not answer in time",
}


def meaning(status: int) -> str:
    """A status in words: `HTTP 404: there is nothing at this address`."""
    other = "the server has a problem" if status >= 500 else "this answer cannot be used"
    return f"HTTP {status}: {_MEANINGS.get(status, other)}"


def asked_pause(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds the server asks to wait, the longer of both ways to say it; 0 if it does not say.

    Args:
        headers: with names in lower case. `RateLimit: "api";r=0;t=55` means wait 55 + 1 seconds
            (hub-docs, rate limits); `Retry-After` is seconds or a date (RFC 9110 section 10.2.3).
    """
    reset = _RESET.search(headers.get("ratelimit", ""))
    limited = float(reset[1]) + 1 if reset else 0.0
    return max(limited, _retry_after(headers.get("retry-after", "").strip(), now))


def backoff(attempt: int, chance: float) -> float:
    """Seconds before the next try when the server names none: exponential with full jitter.

    Args:
        attempt: the one that failed, from 1.
        chance: in 0..1, so that many readers do not come back at the same moment.
    """
    return float(min(_LONGEST_BACKOFF, _FIRST * 2 ** min(attempt, 10)) * chance)


def _retry_after(value: str, now: datetime) -> float:
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        until = parsedate_to_datetime(value) if value else now
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
