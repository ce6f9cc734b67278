"""Variants of a finished mail's HTML that make one browser show it as different mail clients do."""

from __future__ import annotations

import re
from enum import StrEnum

# A feature that always and one that never holds; unlike `all` they may stand beside `and`.
_ALWAYS, _NEVER = "(min-width:0)", "(max-width:0)"
_SCHEME_QUERY = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
# Where media conditions stand: style sheets, and `media` attributes of `source`, `link`, `style`.
_CONDITIONS = re.compile(
    r"<style\b[^>]*>.*?</style\s*>|\bmedia\s*=\s*(?:\"[^\"]*\"|'[^']*')", re.IGNORECASE | re.DOTALL
)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)


class Scheme(StrEnum):
    """The colour scheme a mail client asks for."""

    LIGHT = "light"
    DARK = "dark"


class Images(StrEnum):
    """Whether a mail client loads images; many do not until asked."""

    ON = "on"
    OFF = "off"


def in_scheme(html: str, scheme: Scheme) -> str:
    """The mail as a client in that colour scheme shows it, whatever the browser itself prefers.

    Links open in a new tab, because a mail client never shows the page in place of the mail.
    """
    decided = _CONDITIONS.sub(lambda found: _decide(found[0], scheme), html)
    extra = (
        f'<base target="_blank"><style>:root{{color-scheme:{scheme.value} only!important}}</style>'
    )
    head = _HEAD.search(decided)
    at = head.end() if head else 0
    return decided[:at] + extra + decided[at:]


def _decide(css: str, scheme: Scheme) -> str:
    return _SCHEME_QUERY.sub(
        lambda found: _ALWAYS if found[1].lower() == scheme.value else _NEVER, css
    )
