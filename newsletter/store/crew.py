"""Who carries mails over this database now, and which part of the rates each may use."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import (
    Column,
    Connection,
    Float,
    MetaData,
    String,
    Table,
    delete,
    extract,
    func,
    insert,
    select,
)

PATIENCE = timedelta(seconds=20)
"""A part that was not renewed for so long is free for others."""

_SHARING = 7_236_451_811  # our own number among the advisory locks of a server

# It says what is so at this moment only: no migration, no move and no backup needs it. Times are
# seconds of the database's clock, so that those of the machines need not agree.
_crew = Table(
    "crew",
    MetaData(),
    Column("name", String(120), primary_key=True),
    Column("part", Float, nullable=False),
    Column("joined_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)


def take_part(connection: Connection, name: str, *, one_only: bool) -> float:
    """The part of all rates that `name` may use for `PATIENCE`; 0 while the others have it all.

    Each wants as much as the others. What it takes is what those before it have left, so the parts
    never add up to more than one: a newcomer waits until the others have asked again.

    Args:
        one_only: who has been there for longest gets everything.
    """
    _wait_for_turn(connection)
    now = float(connection.execute(select(extract("epoch", func.clock_timestamp()))).scalar_one())
    gone = _crew.c.seen_at <= now - PATIENCE.total_seconds()
    connection.execute(delete(_crew).where(gone))
    everybody = connection.execute(select(_crew).order_by(_crew.c.joined_at, _crew.c.name)).all()
    others = [row for row in everybody if row.name != name]
    joined_at = next((row.joined_at for row in everybody if row.name == name), now)
    wanted = 1 / (len(others) + 1)
    if one_only:
        wanted = float(not others or joined_at <= others[0].joined_at)
    part: float = max(min(wanted, 1 - sum(row.part for row in others)), 0.0)
    connection.execute(delete(_crew).where(_crew.c.name == name))
    row = {"name": name, "part": part, "joined_at": joined_at, "seen_at": now}
    connection.execute(insert(_crew).values(row))
    return part


def give_up(connection: Connection, name: str) -> None:
    """Its part is free at once."""
    _wait_for_turn(connection)
    connection.execute(delete(_crew).where(_crew.c.name == name))


def _wait_for_turn(connection: Connection) -> None:
    """One at a time, so that nobody counts on what somebody else is about to take."""
    connection.execute(select(func.pg_advisory_xact_lock(_SHARING)))
    _crew.create(connection, checkfirst=True)
