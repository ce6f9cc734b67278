"""Alarms that were raised: each is told once, and once more when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update

from newsletter.store.schema import alarms
from newsletter.watch import CALM, Alarm, Undecided

PATIENCE = timedelta(minutes=5)
"""Who is asked to tell an alarm has so long for it; then somebody is asked again."""

_HISTORY = timedelta(days=90)


def decided(name: str, seen_at: datetime) -> bool:
    """Nothing is undecided: every alarm ends that is not raised any more."""
    del name, seen_at
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An alarm as kept. `told_at` and `cleared_at` are `None` while it is not told, not over."""

    id: int
    alarm: Alarm
    since: datetime
    told_at: datetime | None = None
    cleared_at: datetime | None = None


class News(NamedTuple):
    """What the operator was not told yet: alarms that stand, and told ones that are over."""

    new: tuple[Standing, ...] = ()
    cleared: tuple[Standing, ...] = ()


class Alarms:
    """The alarms of one installation, seen and changed within one transaction of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def quiet(self) -> bool:
        """Whether nothing stands and nothing is left to tell."""
        query = select(alarms.c.id).where(or_(_STANDS, _END_UNTOLD)).limit(1)
        return self._connection.scalar(query) is None

    def standing(self) -> tuple[Standing, ...]:
        """What is wrong now, oldest first."""
        return self._those(_STANDS)

    def hold(self, alarm: Alarm, now: datetime, *, until: datetime) -> None:
        """The alarm stands from now on, or goes on, and is over after `until`.

        One whose end nobody heard of has not ended.
        """
        mine = and_(alarms.c.name == alarm.name, or_(_STANDS, _END_UNTOLD))
        query = select(alarms.c.id, alarms.c.holds_until).where(mine)
        known, held = self._connection.execute(query).first() or (None, until)
        if alarm.seen_at:  # somebody else may have seen it later
            until = max(until, held)
        said = {"sentence": alarm.sentence, "remedy": alarm.remedy, "holds_until": until}
        if known is None:
            row = {"name": alarm.name, "since": now, **said}
            self._connection.execute(insert(alarms).values(row))
        else:
            again = update(alarms).where(alarms.c.id == known).values(cleared_at=None, **said)
            self._connection.execute(again)

    def is_old_news(self, alarm: Alarm, now: datetime) -> bool:
        """Whether it tells of what is over by now: its process knows no better."""
        if alarm.seen_at is None:
            return False
        ended = and_(alarms.c.cleared_at >= alarm.seen_at, alarms.c.cleared_at <= now)
        query = select(alarms.c.id).where(alarms.c.name == alarm.name, ended).limit(1)
        return self._connection.scalar(query) is not None

    def clear(self, now: datetime, but: Undecided) -> None:
        """Ends what is over; who never heard of an alarm need not hear that it ended.

        Args:
            but: tells which alarms go on.
        """
        silent = select(alarms).where(_STANDS, alarms.c.holds_until <= now)
        ended = [
            row.id
            for row in self._connection.execute(silent)
            if not but(row.name, row.holds_until - CALM)
        ]
        over = alarms.c.id.in_(ended)
        unheard = and_(over, alarms.c.told_at.is_(None))
        self._connection.execute(
            update(alarms).where(unheard).values(cleared_at=now, end_told_at=now)
        )
        self._connection.execute(update(alarms).where(over).values(cleared_at=now))
        self._connection.execute(delete(alarms).where(alarms.c.end_told_at <= now - _HISTORY))

    def take_news(self, now: datetime) -> News:
        """What is left to tell and told by nobody just now, oldest first; it is the caller's now."""
        free = or_(alarms.c.telling_until.is_(None), alarms.c.telling_until <= now)
        untold = and_(_STANDS, alarms.c.told_at.is_(None))
        news = News(self._those(and_(untold, free)), self._those(and_(_END_UNTOLD, free)))
        if any(news):
            mine = alarms.c.id.in_([standing.id for some in news for standing in some])
            until = now + PATIENCE
            self._connection.execute(update(alarms).where(mine).values(telling_until=until))
        return news

    def told(self, news: News, now: datetime) -> None:
        """Writes down that the operator knows."""
        for column, some in ((alarms.c.told_at, news.new), (alarms.c.end_told_at, news.cleared)):
            mine = alarms.c.id.in_([standing.id for standing in some])
            done = {column: now, alarms.c.telling_until: None}
            self._connection.execute(update(alarms).where(mine).values(done))

    def _those(self, condition: Any) -> tuple[Standing, ...]:
        query = select(alarms).where(condition).order_by(alarms.c.id)
        return tuple(map(_standing, self._connection.execute(query)))


_STANDS = alarms.c.cleared_at.is_(None)
_END_UNTOLD = and_(alarms.c.cleared_at.is_not(None), alarms.c.end_told_at.is_(None))


def hold_all(connection: Connection, current: Sequence[Alarm], now: datetime) -> None:
    """What is wrong now stands, but for what is over as others know."""
    book = Alarms(connection)
    for alarm in current:
        if not book.is_old_news(alarm, now):
            book.hold(alarm, now, until=(alarm.seen_at or now) + CALM)


def raise_alarms(
    connection: Connection, current: Sequence[Alarm], now: datetime, but: Undecided
) -> News:
    """What is wrong now stands, what was not wrong for a while is over; answers what is to tell."""
    hold_all(connection, current, now)
    book = Alarms(connection)
    book.clear(now, but)
    return book.take_news(now)


def _standing(row: Row[Any]) -> Standing:
    return Standing(
        id=row.id,
        alarm=Alarm(name=row.name, sentence=row.sentence, remedy=row.remedy),
        since=row.since,
        told_at=row.told_at,
        cleared_at=row.cleared_at,
    )
