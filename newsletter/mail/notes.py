"""Sentences above the papers of a digest: what was quiet before it, what votes did (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from newsletter.mail.wording import enumerate_names, short_date

_NAMED = 3


def quiet_note(editions: Sequence[str]) -> tuple[str, ...]:
    """Says honestly which editions since the last mail were not worth one."""
    days = [date.fromisoformat(edition) for edition in editions]
    if not days:
        return ()
    named = enumerate_names([short_date(day) for day in days[:_NAMED]], len(days))
    return (f"No digest came on {named}: nothing new was close enough to your interests.",)


def votes_note(moved: int) -> tuple[str, ...]:
    """Says how many picks stand where they do because of the votes since the last mail."""
    if not moved:
        return ()
    picks = "1 pick" if moved == 1 else f"{moved} picks"
    return (f"{picks} moved because of your votes.",)
