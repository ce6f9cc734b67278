"""The state of an installation, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from newsletter.errors import harmless
from newsletter.store import Store
from newsletter.store.overview import Trouble
from newsletter.watch import Figures

_TROUBLES = 5
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything `newsletter status` tells, at one instant.

    Attributes:
        alarms: sentences of what is wrong now.
        keys: when each key that signs links was made, oldest first.
    """

    now: datetime
    figures: Figures
    newest_list: date | None
    next_due_at: datetime | None
    next_attempt_at: datetime | None
    troubles: tuple[Trouble, ...]
    alarms: tuple[str, ...]
    keys: tuple[datetime, ...]


def look(store: Store, now: datetime) -> Situation:
    """The situation now; nothing is made or changed."""
    with store.overview() as overview:
        return Situation(
            now=now,
            figures=store.figures(now, late=timedelta()),
            newest_list=next(iter(store.list_days()), None),
            next_due_at=overview.next_due_at(now),
            next_attempt_at=overview.next_attempt_at(),
            troubles=overview.troubles(most=_TROUBLES),
            alarms=tuple(standing.alarm.sentence for standing in store.standing_alarms()),
            keys=tuple(key.made_at for key in overview.link_keys()),
        )


def as_json(situation: Situation) -> str:
    """For programs: instants in UTC, `null` for what is not known."""
    figures = situation.figures
    return json.dumps(
        {
            "at": _iso(situation.now),
            "papers": {
                "count": figures.papers,
                "newest_list": _iso(situation.newest_list),
                "last_look_at": _iso(figures.last_look_at),
            },
            "subscribers": _counts(figures.subscribers),
            "digests": {"due": figures.undone, "next_due_at": _iso(situation.next_due_at)},
            "outbox": {
                "by_state": _counts(figures.deliveries),
                "waiting_for_pace": figures.paced,
                "oldest_waiting_since": _iso(figures.waiting_since),
                "next_attempt_at": _iso(situation.next_attempt_at),
            },
            "last_errors": [
                {
                    "id": one.id,
                    "errand": one.errand,
                    "state": one.state,
                    "attempts": one.attempts,
                    "at": _iso(one.at),
                    "said": _discreet(one.said),
                }
                for one in situation.troubles
            ],
            "alarms": [_discreet(sentence) for sentence in situation.alarms],
            "keys": {"count": len(situation.keys), "newest_made_at": _iso(_newest(situation))},
        },
        indent=2,
    )


def show(situation: Situation, console: Console) -> None:
    """For people."""
    table = Table.grid(padding=(0, 2))
    for about, said in _rows(situation):
        table.add_row(Text(about, style="bold"), Text(harmless(said)))
    console.print(table)


def _rows(situation: Situation) -> Iterator[tuple[str, str]]:
    now, figures = situation.now, situation.figures
    newest = f", newest list of {situation.newest_list}" if situation.newest_list else ""
    read = f", read {_ago(figures.last_look_at, now)}" if figures.last_look_at else ""
    yield "papers", f"{figures.papers:,}{newest}{read}"
    yield "subscribers", _said(_counts(figures.subscribers)) or "none"
    following = f", next {_ahead(situation.next_due_at, now)}" if situation.next_due_at else ""
    yield "digests", f"{figures.undone} due now{following}"
    waiting = (
        f"; the oldest waits since {_ago(figures.waiting_since, now)}"
        if figures.waiting_since
        else ""
    )
    paced = f"; {figures.paced:,} wait for their pace" if figures.paced else ""
    yield "outbox", (_said(_counts(figures.deliveries)) or "empty") + waiting + paced
    for one in situation.troubles:
        when = "next try" if one.at > now else "last try"
        at = _ahead(one.at, now) if one.at > now else _ago(one.at, now)
        said = f"{one.id} {one.state}, attempts: {one.attempts}, {when} {at}: {_discreet(one.said)}"
        yield "last error", said
    for sentence in situation.alarms:
        yield "ALARM", _discreet(sentence)
    newest_key = _newest(situation)
    made = f", the newest made {_ago(newest_key, now)}" if newest_key else ""
    yield "link keys", f"{len(situation.keys)}{made}"


def _newest(situation: Situation) -> datetime | None:
    return situation.keys[-1] if situation.keys else None


def _counts(pairs: tuple[tuple[Any, int], ...]) -> dict[str, int]:
    return {str(name): count for name, count in sorted(pairs)}


def _said(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _ago(at: datetime, now: datetime) -> str:
    return f"{_span(now - at)} ago"


def _ahead(at: datetime, now: datetime) -> str:
    return f"in {_span(at - now)} ({at:%Y-%m-%d %H:%M} UTC)"


def _span(span: timedelta) -> str:
    """`3 days`, `2 hours`, `5 min`: one figure is enough to see whether all is well."""
    minutes = max(int(span.total_seconds() // 60), 0)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _iso(at: date | None) -> str | None:
    return at.isoformat() if at else None


def _discreet(said: str) -> str:
    return _ADDRESS.sub("(hidden)", said)
