"""When the next digest is due: cadence, hour and time zone of a subscriber (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from newsletter.model import Cadence, Status, Subscriber

_WORKING_DAYS = range(5)  # Monday to Friday
_LATE = timedelta(hours=6)
_DAYS_AHEAD = 16  # two weeks hold every cadence, also where a zone skips a day


def next_due(subscriber: Subscriber, after: datetime) -> datetime | None:
    """The first instant after `after` (aware) at which their digest is due, in UTC.

    A local time that does not exist on the day of a clock change counts as the same time before
    the change (02:30 becomes 03:30), one that exists twice counts once, the first time.

    Returns:
        `None` for somebody who gets no digests; for somebody paused, the first one after it.
    """
    if subscriber.status not in (Status.ACTIVE, Status.PAUSED):
        return None
    zone = ZoneInfo(subscriber.timezone)
    first = after.astimezone(zone).date() - timedelta(days=1)
    if subscriber.paused_until:
        first = max(first, subscriber.paused_until)
    due = (_instant(subscriber, day, zone) for day in _days(subscriber, first))
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
    return due.astimezone(ZoneInfo(subscriber.timezone)).date().isoformat()


def _days(subscriber: Subscriber, first: date) -> Iterator[date]:
    """The days of their cadence from `first` on."""
    for ahead in range(_DAYS_AHEAD):
        day = first + timedelta(days=ahead)
        if _is_theirs(subscriber, day):
            yield day


def _is_theirs(subscriber: Subscriber, day: date) -> bool:
    if subscriber.cadence is Cadence.WEEKLY:
        return day.weekday() == subscriber.weekday
    return subscriber.cadence is Cadence.DAILY or day.weekday() in _WORKING_DAYS


def _instant(subscriber: Subscriber, day: date, zone: ZoneInfo) -> datetime:
    # fold=0 is the default: the offset before the change, hence the first of two equal times
    return datetime.combine(day, subscriber.send_at, tzinfo=zone).astimezone(UTC)
