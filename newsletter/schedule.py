"""When the next digest is due: cadence, hour and time zone of a subscriber (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from newsletter.membership import is_subscribed
from newsletter.model import Cadence, Subscriber

_WORKING_DAYS = range(5)  # Monday to Friday
_LATE = timedelta(hours=6)
LONGEST_GAP = 14  # days that one digest covers at most
_DAYS_AHEAD = 16  # two weeks hold every cadence, also where a zone skips a day
_FOR_EVER = date(9999, 12, 1)  # a pause beyond it, where the calendar has no room for a rhythm


@lru_cache(maxsize=1_024)
def knows_zone(name: str) -> bool:
    """Whether there is such a time zone on this machine; the tz database drops one now and then."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def zone_of(name: str) -> tzinfo:
    """The time zone; UTC in place of one that is gone: a digest at a wrong hour is better than none."""
    return ZoneInfo(name) if knows_zone(name) else UTC


def next_due(subscriber: Subscriber, after: datetime) -> datetime | None:
    """The first instant after `after` (aware) at which their digest is due, in UTC.

    A local time that does not exist on the day of a clock change counts as the same time before
    the change (02:30 becomes 03:30), one that exists twice counts once, the first time.

    Returns:
        `None` for somebody who gets no digests; for somebody paused, the first one after it.
    """
    if not is_subscribed(subscriber.status):
        return None
    return _next(
        subscriber.cadence,
        subscriber.weekday,
        subscriber.send_at,
        subscriber.timezone,
        subscriber.paused_until,
        after,
    )


@lru_cache(maxsize=4_096)
def _next(
    cadence: Cadence,
    weekday: int,
    at: time,
    timezone: str,
    paused_until: date | None,
    after: datetime,
) -> datetime:
    """Readers with one rhythm are many, and due together."""
    zone = zone_of(timezone)
    first = after.astimezone(zone).date() - timedelta(days=1)
    if paused_until:
        first = max(first, min(paused_until, _FOR_EVER))
    due = (_instant(day, at, zone) for day in _days(cadence, weekday, first))
    return next(instant for instant in due if instant > after)


def due_after(subscriber: Subscriber, now: datetime) -> datetime | None:
    """When the next digest is due once the present one is made.

    One that comes hours late covers the gap, so a next one within a few hours is left out: nobody
    wants the leftovers of one list an hour after its best.
    """
    following = next_due(subscriber, now)
    was_due = subscriber.next_due_at
    if following and was_due and was_due + _LATE < now and following - now < _LATE:
        return next_due(subscriber, following)
    return following


def edition_at(subscriber: Subscriber, due: datetime) -> str:
    """The name of the edition due at that instant: the day it is where they live."""
    return _day_there(subscriber.timezone, due)


def days_to_cover(subscriber: Subscriber, last: datetime | None, now: datetime) -> int:
    """How many days of lists a digest made now is about; `last` is when the one before was made."""
    usual = 7 if subscriber.cadence is Cadence.WEEKLY else 1
    missed = (now - last).days if last else 0
    return min(max(usual, missed), LONGEST_GAP)


@lru_cache(maxsize=4_096)
def _day_there(timezone: str, at: datetime) -> str:
    return at.astimezone(zone_of(timezone)).date().isoformat()


def _days(cadence: Cadence, weekday: int, first: date) -> Iterator[date]:
    """The days of their cadence from `first` on."""
    for ahead in range(_DAYS_AHEAD):
        day = first + timedelta(days=ahead)
        if _is_theirs(cadence, weekday, day):
            yield day


def _is_theirs(cadence: Cadence, weekday: int, day: date) -> bool:
    if cadence is Cadence.WEEKLY:
        return day.weekday() == weekday
    return cadence is Cadence.DAILY or day.weekday() in _WORKING_DAYS


def _instant(day: date, at: time, zone: tzinfo) -> datetime:
    # fold=0 is the default: the offset before the change, hence the first of two equal times
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
