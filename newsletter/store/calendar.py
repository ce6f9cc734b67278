"""Whose digest is due, and when the next one is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from newsletter.model import Status, Subscriber
from newsletter.store.choice import one_of
from newsletter.store.readers import reader_of, select_readers
from newsletter.store.schema import subscribers

_GONE = object()  # no time at all, not even none
_IS_ACTIVE = subscribers.c.status == Status.ACTIVE.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The time of somebody's next digest: since when it stood, and what it becomes."""

    subscriber_id: str
    since: datetime | None
    to: datetime | None


class Calendar:
    """The times of everybody's next digest, seen and changed within one transaction of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count_due(self, now: datetime) -> int:
        """How many active subscribers' digests are due."""
        query = select(func.count()).select_from(subscribers).where(_IS_ACTIVE, or_(*_due(now)))
        return self._connection.scalar(query) or 0

    def due(self, now: datetime, *, most: int, shard: str = "") -> tuple[Subscriber, ...]:
        """Active subscribers whose digest is due, longest first; also those never given a time.

        Args:
            shard: how their ids begin, for processes that share the work.
        """
        query = select_readers().where(_IS_ACTIVE)
        query = query.order_by(subscribers.c.next_due_at, subscribers.c.id)
        if shard:
            query = query.where(subscribers.c.id.startswith(shard))
        found: list[Subscriber] = []
        # One after the other, each in the order of its index: for both at once, everybody who is due
        # would be sorted to find the first few.
        for is_due in _due(now):
            rows = self._connection.execute(query.where(is_due).limit(most - len(found)))
            found += map(reader_of, rows.all())
        return tuple(found)

    def move(self, moves: Sequence[Move]) -> frozenset[str]:
        """Moves the time of the next digest of 500 subscribers at most; each `since` only once.

        Returns:
            ids of those whose time was moved; that of the others was moved by somebody else, who
            is waited for.
        """
        theirs = one_of(subscribers.c.id, [move.subscriber_id for move in moves])
        # In one order, so that two who do this at once never wait for each other.
        locked = select(subscribers.c.id, subscribers.c.next_due_at).where(theirs)
        standing = self._connection.execute(locked.order_by(subscribers.c.id).with_for_update())
        present = dict(map(tuple, standing.all()))
        # Many who are due together are so the next time, too: a statement for each of few times.
        moved: dict[datetime | None, list[str]] = defaultdict(list)
        for move in moves:
            if present.get(move.subscriber_id, _GONE) == move.since:
                moved[move.to].append(move.subscriber_id)
        for to, ids in moved.items():
            mine = update(subscribers).where(one_of(subscribers.c.id, ids))
            self._connection.execute(mine.values(next_due_at=to))
        return frozenset(one for ids in moved.values() for one in ids)


def _due(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Of active subscribers: never given a time, or late."""
    due_at = subscribers.c.next_due_at
    return due_at.is_(None), due_at <= now
