"""Moves a whole installation into another database: in portions, resumable, proven at the end.

Rows travel in the order of their keys, each portion in one transaction, so what is there already
says where to go on. A table that only exists meanwhile marks the new database, and nothing else
opens it so long. The old database is only read, in one transaction: one instant's state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MappingResult,
    MetaData,
    RowMapping,
    String,
    Table,
    delete,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, IntegrityError

from newsletter.errors import StoreError
from newsletter.store.bulk import insert_all
from newsletter.store.engine import (
    REVISION,
    UNFINISHED_MOVE,
    engine_at,
    has_newest_shape,
    prepared_engine,
    sentences,
    shown,
    unhurried,
)
from newsletter.store.kinds import sayable
from newsletter.store.schema import metadata, salts

_PORTION = 2000
_WHOLE = 2**128
_MOVING = 7_236_451_810  # our own number among the advisory locks of a server
_LOOKS = 10  # for connections of others, two seconds in all
_AT_WORK = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND application_name = 'newsletter'"
)
_TABLES = tuple(metadata.sorted_tables)  # what is referred to comes first
_mark = Table(UNFINISHED_MOVE, MetaData(), Column("salt", String(64), nullable=False))

Tell = Callable[[str, int, int], None]
"""Hears what is being done, how many rows are done, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A finished move: rows by table, the same on both sides; `found` of them were there before."""

    rows: Mapping[str, int]
    found: int = 0


def move(source: str, target: str, *, tell: Tell) -> Moved:
    """Moves everything; interrupted and called again, it goes on where it was.

    Args:
        source: address of a database in the newest shape; nothing is written to it.
        target: address of an empty database, or of one that this very move was begun into.

    Raises:
        StoreError: one of them cannot be used, the target holds something else, or the two do not
            agree at the end, because something was written meanwhile.
    """
    with _reading(source) as old:
        salt = _salt(old)
        with _filling(target) as new:
            _take(new, salt, shown(target))
            moving = _Move(old, new, tell)
            found = moving.copy()
            rows = moving.compare()
            _settle(new)
    return Moved(rows=rows, found=found)


class _Move:
    """The rows on their way, and the tale of it; each row is touched three times."""

    def __init__(self, old: Connection, new: Engine, tell: Tell) -> None:
        self._old = old
        self._new = new
        self._tell = tell
        self._done = 0
        self._of = 3 * sum(_count(old, table) for table in _TABLES)

    def copy(self) -> int:
        """Everything that is not there yet; answers how many rows were."""
        return sum(self._copy_table(table) for table in _TABLES)

    def compare(self) -> dict[str, int]:
        """The rows of each table, if both sides have the same ones."""
        rows = {}
        with self._new.begin() as new:
            unhurried(new)
            for table in _TABLES:
                old_sum, new_sum = self._sum(self._old, table), self._sum(new, table)
                if old_sum != new_sum:
                    raise _differs(table)
                rows[table.name] = new_sum[0]
        return rows

    def _copy_table(self, table: Table) -> int:
        with self._new.connect() as new:
            there = _count(new, table)
        self._step(f"Moving {table.name}", there)
        for portion in _rows(self._old, table, skip=there).partitions():
            try:
                with self._new.begin() as new:
                    insert_all(new, table, [dict(row) for row in portion])
            except IntegrityError:
                raise _differs(table) from None
            self._step(f"Moving {table.name}", len(portion))
        return there

    def _sum(self, connection: Connection, table: Table) -> tuple[int, int]:
        """Count and sum of hashes: the same for the same rows, in whatever order they come."""
        count = total = 0
        for portion in _rows(connection, table).partitions():
            total += sum(map(_hash, portion))
            count += len(portion)
            self._step(f"Comparing {table.name}", len(portion))
        return count, total % _WHOLE

    def _step(self, what: str, rows: int) -> None:
        self._done += rows
        self._tell(what, self._done, self._of)


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    """One instant's state of a whole store, which cannot be changed by this connection."""
    _refuse_absent(url)
    engine = engine_at(url)
    try:
        with sentences(url):
            _refuse_busy(engine, shown(url))
        with sentences(url), engine.connect() as connection:
            _hold_still(connection)
            unhurried(connection)
            _refuse_unready(connection, shown(url))
            yield connection
    finally:
        engine.dispose()


def _refuse_absent(url: str) -> None:
    """A file of SQLite that is not there would be made by the first look at it."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return  # told when it is opened
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        raise StoreError(f"there is no database {shown(url)}")


def _refuse_busy(engine: Engine, name: str) -> None:
    """A service keeps connections open, and they bear our name; a file of SQLite has a lock."""
    if engine.dialect.name != "postgresql":
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for _ in range(_LOOKS):
            if not connection.scalar(_AT_WORK):
                return
            connection.execute(select(func.pg_sleep(0.2)))  # who has just ended is soon gone
    raise StoreError(
        f"somebody is at work on the database {name}: stop every `newsletter run`, `serve` and worker, "
        "on other machines, too"
    )


def _hold_still(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")
    else:
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _refuse_unready(connection: Connection, name: str) -> None:
    if not inspect(connection).has_table(REVISION):
        raise StoreError(f"the database {name} holds no newsletter")
    if not has_newest_shape(connection):
        raise StoreError(
            f"the database {name} has an older shape; `newsletter status` with it brings it to "
            "the newest, then start again"
        )
    if inspect(connection).has_table(UNFINISHED_MOVE):
        raise StoreError(f"the database {name} is itself being moved into, and not whole")


@contextmanager
def _filling(url: str) -> Iterator[Engine]:
    """The new database in the newest shape; nobody else fills it at the same time."""
    _refuse_strangers(url)
    engine = prepared_engine(url)
    try:
        with sentences(url), engine.connect() as watch:
            if watch.dialect.name == "postgresql":
                # Held by the session: it goes with this process, however that ends.
                alone = watch.scalar(select(func.pg_try_advisory_lock(_MOVING)))
                watch.commit()
                if not alone:
                    raise StoreError(f"another move into the database {shown(url)} is at work")
            yield engine
    finally:
        engine.dispose()


def _refuse_strangers(url: str) -> None:
    engine = engine_at(url)
    try:
        with sentences(url), engine.connect() as connection:
            names = inspect(connection).get_table_names()
    finally:
        engine.dispose()
    if names and REVISION not in names:
        raise StoreError(f"the database {shown(url)} holds something else ({names[0]}, ...)")


def _take(new: Engine, salt: str, name: str) -> None:
    """Marks the new database as ours, or finds that it is.

    The salt is what tells installations apart: each has made its own, and it never changes.
    """
    with new.begin() as connection:
        if inspect(connection).has_table(UNFINISHED_MOVE):
            if connection.scalar(select(_mark.c.salt)) != salt:
                raise StoreError(f"the database {name} holds a part of another installation")
            return
        full = next((t.name for t in _TABLES if t is not salts and _count(connection, t)), "")
        if full and _salt(connection) == salt:
            raise StoreError(f"the database {name} holds this installation already")
        if full:
            raise StoreError(f"the database {name} is not empty (table {full}); name another")
        _mark.create(connection)
        connection.execute(insert(_mark).values(salt=salt))
        connection.execute(delete(salts))


def _settle(new: Engine) -> None:
    """Numbers go on after the highest that was moved, and the mark is taken away."""
    with new.begin() as connection:
        if connection.dialect.name == "postgresql":
            unhurried(connection)
            for table in _TABLES:
                _go_on_counting(connection, table)
            connection.execute(text("ANALYZE"))  # else the first queries are planned blindly
        _mark.drop(connection)


def _go_on_counting(connection: Connection, table: Table) -> None:
    column = table.autoincrement_column
    if column is not None:
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        following = func.coalesce(func.max(column), 0) + 1
        connection.execute(select(func.setval(sequence, following, False)))  # noqa: FBT003


def _differs(table: Table) -> StoreError:
    return StoreError(
        f"the two databases differ in the table {table.name}: something was written to one of them "
        "since the move began; empty the new one (dropdb, createdb) and start again"
    )


def _salt(connection: Connection) -> str:
    return str(connection.scalar(select(salts.c.salt)))


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _rows(connection: Connection, table: Table, *, skip: int = 0) -> MappingResult:
    query = select(table).order_by(*table.primary_key.columns).offset(skip)
    return connection.execute(query.execution_options(yield_per=_PORTION)).mappings()


def _hash(row: RowMapping) -> int:
    """Of what is in a row, the same on every database; see `sayable` for what is not kept."""
    values = tuple(sayable(value) if isinstance(value, str) else value for value in row.values())
    written = repr(values).encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.blake2b(written, digest_size=16).digest())
