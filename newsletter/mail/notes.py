"""Sentences above the papers of a digest: a welcome, and what was quiet before it (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from newsletter.mail.wording import enumerate_names, short_date

WELCOME = (
    "Welcome! This is your first digest, chosen from the papers of the last days.",
    "Tell it what you like: “More like this” and “Less like this” change the next one.",
)
_NAMED = 3


def quiet_note(editions: Sequence[str]) -> tuple[str, ...]:
    """Says honestly which editions since the last mail were not worth one."""
    days = [date.fromisoformat(edition) for edition in editions]
    if not days:
        return ()
    named = enumerate_names([short_date(day) for day in days[:_NAMED]], len(days))
    return (f"No digest came on {named}: nothing new was close enough to your interests.",)
