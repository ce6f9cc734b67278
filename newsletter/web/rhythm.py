"""When digests come, in words, and when the next one does."""

from __future__ import annotations

from datetime import datetime

from newsletter.mail.wording import WEEKDAYS, long_date
from newsletter.membership import Wishes
from newsletter.model import Cadence, Subscriber
from newsletter.schedule import next_due, zone_of


def rhythm(of: Subscriber | Wishes) -> str:
    """`every weekday at 08:00, Europe/Berlin time`."""
    days = {
        Cadence.DAILY: "every day",
        Cadence.WEEKDAYS: "every weekday",
        Cadence.WEEKLY: f"every {WEEKDAYS[of.weekday]}",
    }
    return f"{days[of.cadence]} at {of.send_at:%H:%M}, {_zone(of)}"


def next_digest(of: Subscriber, now: datetime, *, today_is_made: bool) -> str:
    """When the next digest comes: `Monday, 6 April 2026 at 08:00, Europe/Berlin time`.

    Args:
        today_is_made: there was a digest today, where they live; so not another one.

    Returns:
        nothing for somebody who gets none.
    """
    zone = zone_of(of.timezone)
    due = next_due(of, now)
    if due and today_is_made and due.astimezone(zone).date() == now.astimezone(zone).date():
        due = next_due(of, due)
    if due is None:
        return ""
    here = due.astimezone(zone)
    return f"{long_date(here.date())} at {here:%H:%M}, {_zone(of)}"


def _zone(of: Subscriber | Wishes) -> str:
    return f"{of.timezone.replace('_', ' ')} time"
