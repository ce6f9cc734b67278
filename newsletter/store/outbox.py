"""Mails on their way: claimed in batches, their ends written down in batches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    func,
    insert,
    select,
    update,
)

from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.store.schema import IS_LETTER, deliveries

_FIELDS = tuple(f.name for f in fields(Delivery))
# What an attempt changes; all else is as it was written down first.
_CHANGING = (
    "state",
    "attempts",
    "next_attempt_at",
    "leased_until",
    "last_error",
    "sent_at",
    "fingerprint",
)
_WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
_ENDED = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CANCELLED)
_LONGEST_WAIT = timedelta(days=3)  # from when a mail may leave to when it is sent


class Outbox:
    """Mails on their way, seen and changed within one transaction; see `Delivery`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, delivery: Delivery) -> None:
        """Writes down that a mail must leave."""
        self._connection.execute(insert(deliveries).values(_row(delivery)))

    def get(self, delivery_id: str) -> Delivery | None:
        """The delivery with this id."""
        return self.among([delivery_id]).get(delivery_id)

    def among(self, ids: Collection[str]) -> dict[str, Delivery]:
        """The deliveries with these ids, 500 at most."""
        rows = self._connection.execute(select(deliveries).where(deliveries.c.id.in_(ids)))
        return {row.id: _delivery(row) for row in rows}

    def of(self, subscriber_id: str) -> tuple[Delivery, ...]:
        """Every mail to a subscriber, oldest first."""
        mine = deliveries.c.subscriber_id == subscriber_id
        rows = self._connection.execute(
            select(deliveries).where(mine).order_by(deliveries.c.created_at)
        )
        return tuple(map(_delivery, rows))

    def claim(self, now: datetime, *, most: int, lease: timedelta) -> tuple[Delivery, ...]:
        """Takes what is due: letters that somebody waits for first, then by age.

        Each counts an attempt before any relay is asked. A mail whose lease ran out is taken over,
        for who had it is gone.
        """
        claimed = self._due(now, most, also=IS_LETTER)
        if len(claimed) < most:
            claimed |= self._due(now, most)
        taken = list(claimed.values())[:most]
        self._connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_([delivery.id for delivery in taken]))
            .values(
                state=DeliveryState.SENDING.value,
                attempts=deliveries.c.attempts + 1,
                leased_until=now + lease,
            )
        )
        return tuple(
            replace(
                delivery,
                state=DeliveryState.SENDING,
                attempts=delivery.attempts + 1,
                leased_until=now + lease,
            )
            for delivery in taken
        )

    def record(self, ends: Sequence[Delivery]) -> None:
        """Writes down how far mails are now.

        That a relay took a mail is always true. All else counts only while the mail is claimed: it
        may have been taken over since.
        """
        mine = deliveries.c.id == bindparam("of")
        claimed = deliveries.c.state == DeliveryState.SENDING.value
        sent = [_change(end) for end in ends if end.state is DeliveryState.SENT]
        others = [_change(end) for end in ends if end.state is not DeliveryState.SENT]
        if sent:
            self._connection.execute(update(deliveries).where(mine), sent)
        if others:
            self._connection.execute(update(deliveries).where(mine, claimed), others)

    def free_all(self, now: datetime) -> int:
        """Mails that a process left in hand may leave at once; for who knows that it is gone."""
        lost = deliveries.c.state == DeliveryState.SENDING.value
        freed = {"state": DeliveryState.QUEUED.value, "next_attempt_at": now, "leased_until": None}
        return self._connection.execute(update(deliveries).where(lost).values(freed)).rowcount

    def next_due_at(self) -> datetime | None:
        """When the next mail that nobody has in hand may leave."""
        at = deliveries.c.next_attempt_at
        soonest = (
            self._connection.scalar(select(func.min(at)).where(deliveries.c.state == state.value))
            for state in _WAITING
        )
        return min(filter(None, soonest), default=None)

    def waiting(self) -> int:
        """How many mails have not come to an end."""
        ended = [state.value for state in _ENDED]
        query = select(func.count()).where(deliveries.c.state.not_in(ended))
        return self._connection.scalar(query) or 0

    def sent_since(self, at: datetime) -> int:
        """How many mails a relay took since then."""
        sent = deliveries.c.state == DeliveryState.SENT.value
        late = deliveries.c.next_attempt_at >= at - _LONGEST_WAIT  # by the index
        query = select(func.count()).where(sent, late, deliveries.c.sent_at >= at)
        return self._connection.scalar(query) or 0

    def _due(
        self, now: datetime, most: int, *, also: ColumnElement[bool] | None = None
    ) -> dict[str, Delivery]:
        """The first that may be claimed; each state by its part of the index, then merged."""
        found: list[Delivery] = []
        for state, at in (
            (DeliveryState.QUEUED, deliveries.c.next_attempt_at),
            (DeliveryState.DEFERRED, deliveries.c.next_attempt_at),
            (DeliveryState.SENDING, deliveries.c.leased_until),
        ):
            query = select(deliveries).where(deliveries.c.state == state.value, at <= now)
            query = query if also is None else query.where(also)
            found += map(_delivery, self._connection.execute(_first(query, at, most)))
        found.sort(key=lambda delivery: (delivery.next_attempt_at, delivery.id))
        return {delivery.id: delivery for delivery in found[:most]}


def _first(query: Select[Any], at: ColumnElement[Any], most: int) -> Select[Any]:
    """Claimed by nobody else meanwhile; SQLite knows no row locks and needs none."""
    return query.order_by(at).limit(most).with_for_update(skip_locked=True)


def _change(end: Delivery) -> dict[str, Any]:
    changed = {name: getattr(end, name) for name in _CHANGING}
    return changed | {"of": end.id, "state": end.state.value}


def _row(delivery: Delivery) -> dict[str, Any]:
    row = {name: getattr(delivery, name) for name in _FIELDS}
    return row | {"errand": delivery.errand.value, "state": delivery.state.value}


def _delivery(row: Row[Any]) -> Delivery:
    facts = {name: getattr(row, name) for name in _FIELDS}
    facts |= {"errand": Errand(row.errand), "state": DeliveryState(row.state)}
    return Delivery(**facts)
