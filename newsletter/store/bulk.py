"""Many rows at once, by the quickest way that each database has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Table, Update, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import Compiled, SQLCompiler
from sqlalchemy.types import TypeEngine

from newsletter.store.kinds import Instant, String, Words, is_sayable

_FEW = 20  # below this COPY's own round trips cost more than they save
_KEPT = 64  # statements; to compile one costs as much as to insert fifty rows


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
    names = tuple(columns)
    if connection.dialect.name == "postgresql" and count >= _FEW:
        _copy(connection, _copying(table, names, connection.dialect), columns)
    else:
        _hand_over(connection, _inserting(table, names, connection.dialect), columns)


def change_all(
    connection: Connection, statement: Update, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Runs one statement for many rows, its parameters handed to the driver as they are.

    What SQLAlchemy does for each row besides costs five times as much as SQLite takes.

    Args:
        statement: one that stays for good, since what was made of it does.
        rows: values for all parameters of the statement.
    """
    if rows:
        prepared = _changing(statement, connection.dialect)
        _hand_over(connection, prepared, _columns(rows, prepared.names))


def _columns(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement as the driver takes it, and how the columns of its parameters become so."""

    said: str
    names: tuple[str, ...]
    ready: tuple[Callable[[Sequence[Any]], Iterable[Any]], ...]

    @classmethod
    def of(cls, compiled: Compiled, dialect: Dialect) -> _Prepared:
        parameters = cast("SQLCompiler", compiled)
        names = tuple(parameters.positiontup or parameters.binds)
        return cls(
            str(compiled), names, _all_ready([parameters.binds[one].type for one in names], dialect)
        )

    def rows(self, columns: Mapping[str, Sequence[Any]]) -> Iterable[tuple[Any, ...]]:
        """The values in the order of the names."""
        return zip(
            *[ready(columns[name]) for name, ready in zip(self.names, self.ready, strict=True)],
            strict=True,
        )


@lru_cache(maxsize=_KEPT)
def _inserting(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Prepared:
    return _Prepared.of(insert(table).compile(dialect=dialect, column_keys=list(names)), dialect)


@lru_cache(maxsize=_KEPT)
def _changing(statement: Update, dialect: Dialect) -> _Prepared:
    return _Prepared.of(statement.compile(dialect=dialect), dialect)


@lru_cache(maxsize=_KEPT)
def _copying(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Prepared:
    quote = dialect.identifier_preparer.quote
    said = f"COPY {quote(table.name)} ({', '.join(map(quote, names))}) FROM STDIN"
    return _Prepared(said, names, _all_ready([table.c[name].type for name in names], dialect))


def _copy(
    connection: Connection, prepared: _Prepared, columns: Mapping[str, Sequence[Any]]
) -> None:
    try:
        with connection.connection.cursor().copy(prepared.said) as copy:
            for row in prepared.rows(columns):
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        # What SQLAlchemy does for its own statements: rooms above know its errors only.
        raise DBAPIError(prepared.said, None, error, hide_parameters=True) from error


def _hand_over(
    connection: Connection, prepared: _Prepared, columns: Mapping[str, Sequence[Any]]
) -> None:
    """One statement for many rows; each column is made ready for the driver as a whole."""
    handed: list[Any] = list(prepared.rows(columns))
    if not connection.dialect.positional:
        handed = [dict(zip(prepared.names, values, strict=True)) for values in handed]
    connection.exec_driver_sql(prepared.said, handed)


def _all_ready(
    kinds: Iterable[TypeEngine[Any]], dialect: Dialect
) -> tuple[Callable[[Sequence[Any]], Iterable[Any]], ...]:
    return tuple(
        partial(_ready, kind, kind.dialect_impl(dialect).bind_processor(dialect)) for kind in kinds
    )


def _ready(
    kind: TypeEngine[Any], write: Callable[[Any], Any] | None, values: Sequence[Any]
) -> Iterable[Any]:
    """A whole column as the driver takes it; what is plain, or the same again, is not looked at."""
    if write is None:
        return values
    if isinstance(kind, String) and is_sayable("".join(filter(None, values))):
        return values
    if isinstance(kind, Instant | Words):
        made = {value: write(value) for value in set(values)}
        return [made[value] for value in values]
    return map(write, values)
