"""Tables in our PostgreSQL that a library looks after: how they come there, how it connects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, inspect, select

from newsletter.store.engine import MIGRATING, cause, of_postgres, unhurried


def connection_arguments(engine: Engine) -> dict[str, Any]:
    """What psycopg needs to connect as we do."""
    _, arguments = engine.dialect.create_connect_args(engine.url)
    return {**of_postgres(engine.url), **arguments}


def clock_of(connection: Connection) -> datetime:
    """What the server's clock says now."""
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now


def root_cause(error: BaseException) -> str:
    """What the server or the driver said, below all that others made of it; on one line."""
    while error.__cause__:
        error = error.__cause__
    return cause(error)


def take_in(connection: Connection, table: str, script: str) -> None:
    """Runs the script once; processes that start at once do it one after the other."""
    connection.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
    if not inspect(connection).has_table(table):
        unhurried(connection)
        # Past SQLAlchemy and without parameters: the script is many statements.
        driver: Any = connection.connection.driver_connection
        driver.execute(script)
