"""Subscribers as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from newsletter.errors import harmless
from newsletter.mail.wording import WEEKDAYS
from newsletter.model import Cadence, Subscriber
from newsletter.subscriptions.cells import LISTS

_WIDEST = 60


def table(subscribers: Sequence[Subscriber]) -> Iterator[str]:
    """One line each, in columns."""
    rows = [_cells(subscriber) for subscriber in subscribers]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    for row in rows:
        yield "  ".join((*map(str.ljust, row[:3], widths), row[3])).rstrip()


def card(held: Mapping[str, Any]) -> Iterator[str]:
    """One subscriber, from everything kept about them (see `subscriptions.dossier`)."""
    wishes = held["wishes"]
    profile = wishes["profile"]
    facts = {
        "email": held["email"],
        "name": wishes["name"],
        "status": _standing(held),
        "digest": rhythm(wishes["cadence"], wishes["weekday"], wishes["send_at"])
        + f" {wishes['timezone']}, {wishes['format']}, at most {profile['max_papers']} papers",
        "dial": f"trend {profile['trend_weight']:g}, surprise {'on' if profile['surprise'] else 'off'}",
        **{name: "; ".join(profile[name]) for name in LISTS},
        "profile": f"version {held['profiles'][-1]['version']}",
        "votes": str(len(held["votes"]) or ""),
        "consent": "; ".join(f"{c['at'][:16]}, {c['origin']}" for c in held["consents"]),
        "id": held["id"],
    }
    return (f"{name + ':':<15}{value}" for name, value in facts.items() if value)


def rhythm(cadence: str, weekday: int, send_at: str) -> str:
    """`weekly on Mondays at 08:00`."""
    day = f" on {WEEKDAYS[weekday]}s" if cadence == Cadence.WEEKLY else ""
    return f"{cadence}{day} at {send_at}"


def _standing(held: Mapping[str, Any]) -> str:
    until = f" until {held['paused_until']}" if held["paused_until"] else ""
    why = f" ({held['status_reason']})" if held["status_reason"] else ""
    return f"{held['status']}{until} since {held['status_at'][:10]}{why}"


def _cells(subscriber: Subscriber) -> tuple[str, str, str, str]:
    at = subscriber.send_at.isoformat(timespec="minutes")
    profile = subscriber.profile
    interests = "; ".join((*profile.topics, *profile.keywords, *profile.authors))
    return (
        harmless(subscriber.email),
        subscriber.status.value,
        f"{rhythm(subscriber.cadence, subscriber.weekday, at)} {subscriber.timezone}",
        interests if len(interests) <= _WIDEST else interests[: _WIDEST - 1] + "…",
    )
