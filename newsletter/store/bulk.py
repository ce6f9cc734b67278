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
    if rows:
        insert_columns(connection, table, _columns(rows, rows[0]))


def insert_columns(
    connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]]
) -> None:
    """The same for rows that stand there as columns, each of them equally long.

    A table for each row, only to be taken apart again, costs more than the columns.
    """
    count = len(next(iter(columns.values())))
    if not count:
        return
    if connection.dialect.name == "postgresql" and count >= _FEW:
        _copy(connection, table, columns)
    else:
        statement = insert(table).compile(dialect=connection.dialect, column_keys=list(columns))
        _hand_over(connection, statement, columns)


def _copy(connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    quote = connection.dialect.identifier_preparer.quote
    statement = f"COPY {quote(table.name)} ({', '.join(map(quote, columns))}) FROM STDIN"
    ready = [
        _ready(table.c[name].type, connection.dialect, values) for name, values in columns.items()
    ]
    try:
        with connection.connection.cursor().copy(statement) as copy:
            for row in zip(*ready, strict=True):
                copy.write_row(row)
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
    compiled = statement.compile(dialect=connection.dialect)
    _hand_over(connection, compiled, _columns(rows, compiled.binds))


def _columns(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}


def _hand_over(
    connection: Connection, compiled: Compiled, columns: Mapping[str, Sequence[Any]]
) -> None:
    """One statement for many rows; each column is made ready for the driver as a whole."""
    dialect, parameters = connection.dialect, cast("SQLCompiler", compiled)
    names = list(parameters.positiontup or parameters.binds)
    ready = [_ready(parameters.binds[name].type, dialect, columns[name]) for name in names]
    handed: list[Any] = list(zip(*ready, strict=True))
    if not dialect.positional:
        handed = [dict(zip(names, values, strict=True)) for values in handed]
    connection.exec_driver_sql(str(compiled), handed)


def _ready(kind: TypeEngine[Any], dialect: Dialect, values: Sequence[Any]) -> Iterable[Any]:
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
