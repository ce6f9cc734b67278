"""Counts and ages for the watch, readiness and metrics; cheap enough to ask every minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, and_, func, or_, select, union_all

from newsletter.delivery import HELD_BACK, DeliveryState, Errand
from newsletter.model import Status
from newsletter.store import papers as paper_room
from newsletter.store.addresses import Suppressed
from newsletter.store.schema import deliveries, papers, subscribers, suppressions
from newsletter.watch import Figures

_DAY = timedelta(days=1)
_MONTH = timedelta(days=30)
_OPEN = (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.DEFERRED)
_ENDED = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CANCELLED)
# When nobody holds a mail any more: its lease is over, or its time has come.
_FREE_AT = func.coalesce(deliveries.c.leased_until, deliveries.c.next_attempt_at)


def figures(connection: Connection, now: datetime, late: timedelta) -> Figures:
    """The state of the whole. What ended is asked for by the index on state and time.

    Args:
        late: what waits for longer than this is overdue.
    """
    stored, last_look_at = paper_room.last_look(connection)
    overdue, overdue_since = _overdue(connection, now - late)
    undone, undone_since = _undone(connection, now - late)
    made, unsent = _day(connection, now, late)
    states = _states(connection, now - _MONTH)
    by_state = dict(states)
    suppressed = _suppressed(connection, now - _MONTH)
    refused = _refused(connection, now - _MONTH) if by_state.get(DeliveryState.FAILED) else 0
    waits = any(by_state.get(state) for state in _OPEN)
    put_off = bool(by_state.get(DeliveryState.DEFERRED))
    held_back, why = _held_back(connection) if put_off else (0, "")
    return Figures(
        papers=stored,
        subscribers=_standings(connection),
        deliveries=states,
        last_look_at=last_look_at,
        last_new_paper_at=connection.scalar(select(func.max(papers.c.first_seen_at))),
        waiting_since=_waiting_since(connection) if waits else None,
        paced=connection.scalar(select(func.count()).where(_paced(now))) or 0,
        overdue=overdue,
        overdue_since=overdue_since,
        undone=undone,
        undone_since=undone_since,
        made=made,
        unsent=unsent,
        trouble=_trouble(connection) if put_off else "",
        held_back=held_back,
        why_held_back=why,
        mailed=by_state.get(DeliveryState.SENT, 0) + by_state.get(DeliveryState.FAILED, 0),
        bounced=max(refused, suppressed.get(Suppressed.BOUNCED, 0)),
        complained=suppressed.get(Suppressed.COMPLAINED, 0),
    )


def _in(states: tuple[DeliveryState, ...]) -> Any:
    return deliveries.c.state.in_([state.value for state in states])


def _paced(now: datetime) -> ColumnElement[bool]:
    """Not put off by anybody, and yet not to leave now."""
    queued = deliveries.c.state == DeliveryState.QUEUED.value
    return and_(queued, deliveries.c.next_attempt_at > now)


def _standings(connection: Connection) -> tuple[tuple[Status, int], ...]:
    query = select(subscribers.c.status, func.count()).group_by(subscribers.c.status)
    return tuple((Status(status), count) for status, count in connection.execute(query))


def _states(connection: Connection, since: datetime) -> tuple[tuple[DeliveryState, int], ...]:
    """All that are on their way, and what ended since then; each by its part of the index."""
    by_state = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    ended = by_state.where(_in(_ENDED), deliveries.c.next_attempt_at >= since)
    rows = connection.execute(union_all(by_state.where(_in(_OPEN)), ended))
    return tuple((DeliveryState(state), count) for state, count in rows)


def _waiting_since(connection: Connection) -> datetime | None:
    query = select(func.min(deliveries.c.created_at)).where(_in(_OPEN))
    since: datetime | None = connection.scalar(query)
    return since


def _overdue(connection: Connection, before: datetime) -> tuple[int, datetime | None]:
    """Mails whose time came before that instant and that nobody took."""
    query = select(func.count(), func.min(_FREE_AT)).where(_in(_OPEN), before >= _FREE_AT)
    return _counted(connection, query)


def _undone(connection: Connection, before: datetime) -> tuple[int, datetime | None]:
    """Subscribers whose digest was due before that instant and is not made."""
    due_at = subscribers.c.next_due_at
    theirs = subscribers.c.status == Status.ACTIVE.value
    query = select(func.count(), func.min(due_at)).where(theirs, due_at <= before)
    return _counted(connection, query)


def _day(connection: Connection, now: datetime, late: timedelta) -> tuple[int, int]:
    """Digests of the last day that had time to leave, and those of them that have not."""
    had_time = and_(
        deliveries.c.errand == Errand.DIGEST.value,
        deliveries.c.created_at >= now - _DAY,
        deliveries.c.created_at <= now - late,
    )
    left = and_(
        _in((DeliveryState.SENT, DeliveryState.FAILED)), deliveries.c.next_attempt_at >= now - _DAY
    )
    count = select(func.count()).select_from(deliveries)
    gone = count.where(had_time, left).scalar_subquery()
    still = count.where(had_time, _in(_OPEN), ~_paced(now)).scalar_subquery()
    sent, waiting = connection.execute(select(gone, still)).one()
    return sent + waiting, waiting


def _trouble(connection: Connection) -> str:
    newest = deliveries.c.next_attempt_at.desc()
    deferred = deliveries.c.state == DeliveryState.DEFERRED.value
    query = select(deliveries.c.last_error).where(deferred).order_by(newest).limit(1)
    return connection.scalar(query) or ""


def _held_back(connection: Connection) -> tuple[int, str]:
    """Mails that did not leave because they would have arrived broken, and what is wrong with one."""
    words = deliveries.c.last_error
    query = select(func.count(), func.max(words)).where(
        deliveries.c.state == DeliveryState.DEFERRED.value, words.startswith(HELD_BACK)
    )
    count, why = connection.execute(query).one()
    return count, (why or "").removeprefix(HELD_BACK)


def _refused(connection: Connection, since: datetime) -> int:
    """Mails that the relay refused for good because of the reader or the mail, not because of us."""
    words = deliveries.c.last_error
    query = (
        select(func.count())
        .select_from(deliveries)
        .where(
            deliveries.c.state == DeliveryState.FAILED.value,
            deliveries.c.next_attempt_at >= since,
            words.like("5%"),
            or_(words.contains("RCPT TO:"), words.contains("DATA:")),
        )
    )
    return connection.scalar(query) or 0


def _suppressed(connection: Connection, since: datetime) -> dict[Suppressed, int]:
    by_reason = select(suppressions.c.reason, func.count()).group_by(suppressions.c.reason)
    rows = connection.execute(by_reason.where(suppressions.c.at >= since))
    return {Suppressed(reason): count for reason, count in rows}


def _counted(connection: Connection, query: Executable) -> tuple[int, datetime | None]:
    count, since = connection.execute(query).one()
    return count, since
