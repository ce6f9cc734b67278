"""A subscriber as a row joined with the present profile, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Column, Select, select

from newsletter.errors import UnreadableError
from newsletter.making import maker
from newsletter.model import Cadence, Format, Status, Subscriber
from newsletter.store.kinds import as_text, from_json
from newsletter.store.plain import profile_from_json
from newsletter.store.schema import profiles, subscribers

_NAMES = tuple(field.name for field in fields(Subscriber))
_FACTS = tuple(
    as_text(profiles.c.profile) if name == "profile" else subscribers.c[name] for name in _NAMES
)
_reader = maker(Subscriber)
_STATUSES = {status.value: status for status in Status}
_CADENCES = {cadence.value: cadence for cadence in Cadence}
_FORMATS = {form.value: form for form in Format}
_WEEKDAYS = {day: day for day in range(7)}


def select_readers(*also: Column[Any]) -> Select[Any]:
    """Subscribers, each a row for `reader_of`; columns of theirs that are asked for as well come first."""
    mine = profiles.c.subscriber_id == subscribers.c.id
    present = profiles.c.version == subscribers.c.profile_version
    return select(*also, *_FACTS).join(profiles, mine & present)


def reader_of(row: Sequence[Any]) -> Subscriber:
    """The subscriber in such a row.

    Raises:
        UnreadableError: another version or hand wrote what this one does not understand.
    """
    id_, email, name, status, profile, cadence, at, day, *rhythm, form, since = row
    try:
        return _reader(
            id_,
            email,
            name,
            _STATUSES[status],
            profile_from_json(from_json(profile)),
            _CADENCES[cadence],
            at,
            _WEEKDAYS[day],
            *rhythm,
            _FORMATS[form],
            since,
        )
    except (LookupError, TypeError, ValueError) as error:
        raise UnreadableError(id_, str(error)) from None


def row_of(subscriber: Subscriber) -> dict[str, Any]:
    """What can change of a subscriber, but for the profile."""
    return {
        "email": subscriber.email,
        "name": subscriber.name,
        "status": subscriber.status.value,
        "cadence": subscriber.cadence.value,
        "send_at": subscriber.send_at,
        "weekday": subscriber.weekday,
        "timezone": subscriber.timezone,
        "format": subscriber.format.value,
        "paused_until": subscriber.paused_until,
        "next_due_at": subscriber.next_due_at,
        "since": subscriber.since,
    }
