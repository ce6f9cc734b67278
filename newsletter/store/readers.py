"""A subscriber as a row joined with the present profile, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Column, Select, select

from newsletter.model import Cadence, Format, Status, Subscriber
from newsletter.store.plain import profile_from_json
from newsletter.store.schema import profiles, subscribers

_NAMES = tuple(field.name for field in fields(Subscriber))
_FACTS = tuple(profiles.c.profile if name == "profile" else subscribers.c[name] for name in _NAMES)
_STATUSES = {status.value: status for status in Status}
_CADENCES = {cadence.value: cadence for cadence in Cadence}
_FORMATS = {form.value: form for form in Format}


def select_readers(*also: Column[Any]) -> Select[Any]:
    """Subscribers, each a row for `reader_of`; columns of theirs that are asked for as well come first."""
    mine = profiles.c.subscriber_id == subscribers.c.id
    present = profiles.c.version == subscribers.c.profile_version
    return select(*also, *_FACTS).join(profiles, mine & present)


def reader_of(row: Sequence[Any]) -> Subscriber:
    """The subscriber in such a row."""
    # By place: a row looks each name up.
    facts = dict(zip(_NAMES, row, strict=True))
    facts["status"] = _STATUSES[facts["status"]]
    facts["cadence"] = _CADENCES[facts["cadence"]]
    facts["format"] = _FORMATS[facts["format"]]
    facts["profile"] = profile_from_json(facts["profile"])
    return Subscriber(**facts)


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
