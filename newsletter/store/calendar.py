"""Whose digest is due, and when the next one is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, func, or_, select, update

from newsletter.model import Status, Subscriber
from newsletter.store.choice import one_of_those
from newsletter.store.readers import reader_of, select_readers
from newsletter.store.schema import subscribers

_GONE = object()  # no time at all, not even none
_IS_ACTIVE = subscribers.c.status == Status.ACTIVE.value
_DUE_AT = subscribers.c.next_due_at
_LATE = subscribers.c.next_due_at <= bindparam("now")
_COUNT = (
    select(func.count()).select_from(subscribers).where(_IS_ACTIVE, or_(_DUE_AT.is_(None), _LATE))
)
_ACTIVE = select_readers().where(_IS_ACTIVE).order_by(_DUE_AT, subscribers.c.id)
# One after the other, each in the order of its index: for both at once, everybody who is due would
# be sorted to find the first few.
_DUE = tuple(
    _ACTIVE.where(is_due).limit(bindparam("most")) for is_due in (_DUE_AT.is_(None), _LATE)
)
# In one order, so that two who do this at once never wait for each other.
_STANDING = (
    select(subscribers.c.id, _DUE_AT)
    .where(one_of_those(subscribers.c.id, "whose"))
    .order_by(subscribers.c.id)
    .with_for_update()
)
_MOVED = (
    update(subscribers)
    .where(one_of_those(subscribers.c.id, "whose"))
    .values(next_due_at=bindparam("to"))
)


class Move(NamedTuple):
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
        return self._connection.scalar(_COUNT, {"now": now}) or 0

    def due(
        self, now: datetime, *, most: int, shard: str = "", alone: str = ""
    ) -> tuple[Subscriber, ...]:
        """Active subscribers whose digest is due, longest first; also those never given a time.

        Args:
            shard: how their ids begin, for processes that share the work.
            alone: the id of the one who is asked about.

        Raises:
            UnreadableError: one of them cannot be read.
        """
        found: list[Subscriber] = []
        for query in _DUE:
            some = query.where(subscribers.c.id == alone) if alone else _of(shard, query)
            asked = {"now": now, "most": most - len(found)}
            found += map(reader_of, self._connection.execute(some, asked).all())
        return tuple(found)

    def due_since(self, now: datetime, *, most: int, shard: str = "") -> dict[str, datetime | None]:
        """Since when each of the same is due, by id, whether they can be read or not."""
        found: dict[str, datetime | None] = {}
        for query in _DUE:
            some = _of(shard, query).with_only_columns(subscribers.c.id, _DUE_AT)
            asked = {"now": now, "most": most - len(found)}
            found |= map(tuple, self._connection.execute(some, asked))
        return found

    def move(self, moves: Sequence[Move]) -> frozenset[str]:
        """Moves the time of the next digest of 500 subscribers at most; each `since` only once.

        Returns:
            ids of those whose time was moved; that of the others was moved by somebody else, who
            is waited for.
        """
        standing = self._connection.execute(
            _STANDING, {"whose": [move.subscriber_id for move in moves]}
        )
        present = dict(map(tuple, standing.all()))
        # Many who are due together are so the next time, too: a statement for each of few times.
        moved: dict[datetime | None, list[str]] = defaultdict(list)
        for move in moves:
            if present.get(move.subscriber_id, _GONE) == move.since:
                moved[move.to].append(move.subscriber_id)
        for to, ids in moved.items():
            self._connection.execute(_MOVED, {"whose": ids, "to": to})
        return frozenset(one for ids in moved.values() for one in ids)


def _of(shard: str, query: Select[Any]) -> Select[Any]:
    return query.where(subscribers.c.id.startswith(shard)) if shard else query
