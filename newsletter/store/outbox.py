"""Mails on their way: claimed in batches, their ends written down in batches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Update,
    bindparam,
    func,
    literal_column,
    null,
    select,
    true,
    update,
)

from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.making import maker
from newsletter.model import Digest
from newsletter.store.bulk import change_all, insert_all, insert_columns
from newsletter.store.choice import one_of, one_of_those
from newsletter.store.schema import IS_LETTER, deliveries

_FIELDS = tuple(f.name for f in fields(Delivery))
_COLUMNS = tuple(deliveries.c[name] for name in _FIELDS)
_AT, _ID = _FIELDS.index("next_attempt_at"), _FIELDS.index("id")
_delivered = maker(Delivery)
_ERRANDS = {errand.value: errand for errand in Errand}
_STATES = {state.value: state for state in DeliveryState}
# What an attempt changes; all else is as it was written down first.
_CHANGING = (
    "state",
    "attempts",
    "next_attempt_at",
    "last_error",
    "sent_at",
    "fingerprint",
)
_WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
_ENDED = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CANCELLED)
_LONGEST_WAIT = timedelta(days=3)  # from when a mail may leave to when it is sent

_Due = Mapping[DeliveryState, Select[Any]]

# Of a mail that nobody tried to deliver.
_LIKE_ANY_DIGEST: dict[str, Any] = {
    "errand": Errand.DIGEST.value,
    "state": DeliveryState.QUEUED.value,
    "attempts": 0,
    "leased_until": None,
    "last_error": "",
    "sent_at": None,
    "fingerprint": "",
}


class Outbox:
    """Mails on their way, seen and changed within one transaction; see `Delivery`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, delivery: Delivery) -> None:
        """Writes down that a mail must leave."""
        self.add_all([delivery])

    def add_all(self, new: Sequence[Delivery]) -> None:
        """Writes down that mails must leave."""
        insert_all(self._connection, deliveries, list(map(_row, new)))

    def add_digests(self, made: Sequence[Digest]) -> None:
        """Writes down that the mails of new digests must leave, each from when it was made."""
        if not made:
            return
        made_at = [digest.created_at for digest in made]
        columns = {name: [value] * len(made) for name, value in _LIKE_ANY_DIGEST.items()}
        columns |= {
            "id": [digest.id for digest in made],
            "subscriber_id": [digest.subscriber_id for digest in made],
            "created_at": made_at,
            "next_attempt_at": made_at,
        }
        insert_columns(self._connection, deliveries, columns)

    def get(self, delivery_id: str) -> Delivery | None:
        """The delivery with this id."""
        return self.among([delivery_id]).get(delivery_id)

    def among(self, ids: Collection[str]) -> dict[str, Delivery]:
        """The deliveries with these ids, 500 at most."""
        rows = self._connection.execute(select(*_COLUMNS).where(one_of(deliveries.c.id, ids)))
        return {row.id: _delivery(row) for row in rows}

    def of(self, subscriber_id: str) -> tuple[Delivery, ...]:
        """Every mail to a subscriber, oldest first."""
        mine = deliveries.c.subscriber_id == subscriber_id
        rows = self._connection.execute(
            select(*_COLUMNS).where(mine).order_by(deliveries.c.created_at)
        )
        return tuple(map(_delivery, rows))

    def claim(
        self, now: datetime, *, most: int, lease: timedelta, but: Collection[str] = ()
    ) -> tuple[Delivery, ...]:
        """Takes what is due: letters that somebody waits for first, then by age.

        Each counts an attempt before any relay is asked. A mail whose lease ran out is taken over,
        for who had it is gone.

        Args:
            but: ids of mails that are in living hands whatever the clock says; it may have jumped.
        """
        claimed = self._due(_DUE_LETTERS, now, most, but)
        if len(claimed) < most:
            claimed |= self._due(_DUE, now, most, but)
        taken = list(claimed.values())[:most]
        until = now + lease
        ids = [row[_ID] for row in taken]
        self._connection.execute(_CLAIMED, {"taken": ids, "until": until})
        return tuple(_claimed(row, until) for row in taken)

    def renew(self, claimed: Sequence[Delivery], until: datetime) -> frozenset[str]:
        """Holds 500 claims at most for longer, with a new end of their lease.

        Returns:
            ids of those that were still held; the others were taken over meanwhile.
        """
        leases = {delivery.id: delivery.leased_until for delivery in claimed}
        sending = deliveries.c.state == DeliveryState.SENDING.value
        query = select(deliveries.c.id, deliveries.c.leased_until).where(
            one_of(deliveries.c.id, leases), sending
        )
        rows = self._connection.execute(query.order_by(deliveries.c.id).with_for_update())
        ours = [row.id for row in rows if row.leased_until == leases[row.id]]
        renewed = update(deliveries).where(one_of(deliveries.c.id, ours)).values(leased_until=until)
        self._connection.execute(renewed)
        return frozenset(ours)

    def record(self, ends: Sequence[Delivery]) -> None:
        """Writes down how far mails are now.

        That a relay took a mail is always true. All else counts only while the claim holds under
        which it was found out: the mail may have been taken over since.
        """
        mine = deliveries.c.id == bindparam("of")
        claimed = (deliveries.c.state == DeliveryState.SENDING.value) & (
            deliveries.c.leased_until == bindparam("lease")
        )
        ends = sorted(ends, key=lambda end: end.id)  # two who do this never wait for each other
        sent = [_sent(end) for end in ends if end.state is DeliveryState.SENT]
        others = [_change(end) for end in ends if end.state is not DeliveryState.SENT]
        change_all(self._connection, _SENT, sent)
        if others:
            self._connection.execute(_freed().where(mine, claimed), others)

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
        self, queries: _Due, now: datetime, most: int, but: Collection[str]
    ) -> dict[str, Row[Any]]:
        """The first that may be claimed; each state by its part of the index, then merged.

        Those in living hands are left out here, not by the database: thousands of ids in a
        statement cost more than the few rows of them that are due.
        """
        found: list[Row[Any]] = []
        for state, query in queries.items():
            # What waits for the first time is in nobody's hands, but for a moment.
            enough = most if state is DeliveryState.QUEUED else most + len(but)
            rows = self._connection.execute(query, {"now": now, "most": enough})
            found += [row for row in rows if row[_ID] not in but]
        found.sort(key=itemgetter(_AT, _ID))
        return {row[_ID]: row for row in found[:most]}


def _due(which: ColumnElement[bool]) -> _Due:
    """For each state of which some may be claimed, those due first.

    Claimed by nobody else meanwhile; SQLite knows no row locks and needs none.
    """
    return {
        state: select(*_COLUMNS)
        .where(deliveries.c.state == state.value, at <= bindparam("now"), which)
        .order_by(at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
        for state, at in (
            (DeliveryState.QUEUED, deliveries.c.next_attempt_at),
            (DeliveryState.DEFERRED, deliveries.c.next_attempt_at),
            (DeliveryState.SENDING, deliveries.c.leased_until),
        )
    }


_DUE_LETTERS, _DUE = _due(IS_LETTER), _due(true())
_CLAIMED = (
    update(deliveries)
    .where(one_of_those(deliveries.c.id, "taken"))
    .values(
        state=DeliveryState.SENDING.value,
        attempts=deliveries.c.attempts + 1,
        leased_until=bindparam("until"),
    )
)
_SENT = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("of"))
    .values(
        state=literal_column(f"'{DeliveryState.SENT.value}'"),
        last_error=literal_column("''"),
        leased_until=null(),
        sent_at=bindparam("at"),
        fingerprint=bindparam("as"),
    )
)
"""What a mail becomes that a relay took; all else stays as it was claimed."""


def _sent(end: Delivery) -> dict[str, Any]:
    return {"at": end.sent_at, "as": end.fingerprint, "of": end.id}


def _freed() -> Update:
    """What an end changes; nobody has the mail in hand any more."""
    return update(deliveries).values(
        {name: bindparam(f"to_{name}") for name in _CHANGING} | {"leased_until": None}
    )


def _change(end: Delivery) -> dict[str, Any]:
    changed = {f"to_{name}": getattr(end, name) for name in _CHANGING}
    return changed | {"of": end.id, "to_state": end.state.value, "lease": end.leased_until}


def _row(delivery: Delivery) -> dict[str, Any]:
    row = {name: getattr(delivery, name) for name in _FIELDS}
    return row | {"errand": delivery.errand.value, "state": delivery.state.value}


def _delivery(row: Sequence[Any]) -> Delivery:
    id_, errand, whose, created_at, at, state, *rest = row
    return _delivered(id_, _ERRANDS[errand], whose, created_at, at, _STATES[state], *rest)


def _claimed(row: Sequence[Any], until: datetime) -> Delivery:
    """The delivery as it is once it was taken in hand."""
    id_, errand, whose, created_at, at, _, attempts, _, *rest = row
    facts = (id_, _ERRANDS[errand], whose, created_at, at, DeliveryState.SENDING)
    return _delivered(*facts, attempts + 1, until, *rest)
