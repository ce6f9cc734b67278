"""Many rows at once, by the quickest way that each database has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Table, Update, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import Compiled, SQLCompiler
from sqlalchemy.types import TypeEngine

from newsletter.store.kinds import Instant, String

_FEW = 20  # below this COPY's own round trips cost more than they save


def insert_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows: COPY on PostgreSQL, one prepared statement on SQLite.

    Args:
        rows: each with the same names of columns; defaults are filled in for the others by the
            database only.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql" and len(rows) >= _FEW:
        _copy(connection, table, rows)
    else:
        statement = insert(table).compile(dialect=connection.dialect, column_keys=list(rows[0]))
        _hand_over(connection, statement, rows)


def _copy(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(rows[0])
    quote = connection.dialect.identifier_preparer.quote
    statement = f"COPY {quote(table.name)} ({', '.join(map(quote, names))}) FROM STDIN"
    written = [_written(table.c[name].type, connection.dialect) for name in names]
    try:
        with connection.connection.cursor().copy(statement) as copy:
            for row in rows:
                copy.write_row(
                    [write(row[name]) for name, write in zip(names, written, strict=True)]
                )
    except connection.dialect.loaded_dbapi.Error as error:
        # What SQLAlchemy does for its own statements: rooms above know its errors only.
        raise DBAPIError(statement, None, error, hide_parameters=True) from error


def change_all(
    connection: Connection, statement: Update, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Runs one statement for many rows, its parameters handed to the driver as they are.

    What SQLAlchemy does for each row besides costs five times as much as SQLite takes.

    Args:
        rows: values for all parameters of the statement.
    """
    if not rows:
        return
    _hand_over(connection, statement.compile(dialect=connection.dialect), rows)


def _hand_over(
    connection: Connection, compiled: Compiled, rows: Sequence[Mapping[str, Any]]
) -> None:
    """One statement for many rows; each column is made ready for the driver as a whole."""
    dialect, parameters = connection.dialect, cast("SQLCompiler", compiled)
    names = list(parameters.positiontup or parameters.binds)
    kinds = [parameters.binds[name].type for name in names]
    columns = [
        _ready(kind, dialect, [row[name] for row in rows])
        for name, kind in zip(names, kinds, strict=True)
    ]
    handed: list[Any] = list(zip(*columns, strict=True))
    if not dialect.positional:
        handed = [dict(zip(names, values, strict=True)) for values in handed]
    connection.exec_driver_sql(str(compiled), handed)


def _ready(kind: TypeEngine[Any], dialect: Dialect, values: list[Any]) -> Iterable[Any]:
    """A whole column as the driver takes it; what is plain, or the same again, is not looked at."""
    if isinstance(kind, String):
        said = "".join(filter(None, values))
        if said.isascii() and "\0" not in said:
            return values
    write = _written(kind, dialect)
    if isinstance(kind, Instant):
        made = {value: write(value) for value in set(values)}
        return [made[value] for value in values]
    return map(write, values)


def _written(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
    """How a value of this kind is handed to the driver."""
    return kind.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)
