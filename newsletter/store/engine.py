"""Opens the database, brings it to the newest shape, and says plainly why it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import SQLITE_BUSY, Cursor, OperationalError
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    column,
    create_engine,
    event,
    func,
    inspect,
    select,
    table,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from newsletter.errors import StoreError
from newsletter.store.kinds import from_json, to_json

if TYPE_CHECKING:
    from alembic.config import Config

UNFINISHED_MOVE = "unfinished_move"
"""The table that marks a database which `newsletter.store.moving` is filling."""

REVISION = "alembic_version"
"""The table in which Alembic notes which migration was the last."""

_TURNS = 20
"""How often the file is lost to another before giving up; with 8 processes once was the most."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_OF_POSTGRES = ("postgres", "postgresql", "postgresql+psycopg")
_NOT_SHOWN = "(address not shown)"
# A second @ behind that of a password: the first was part of it, and its rest is taken for the host.
_TORN_PASSWORD = re.compile(r"[^:/]+://[^:/@]*:[^@?]*@[^?]*@")
MIGRATING = 7_236_451_809
"""Our own number among the advisory locks of a server, for whoever makes tables."""

# What an address may say otherwise, e.g. `?connect_timeout=3`.
_POSTGRES_USUALLY: dict[str, Any] = {
    "application_name": "newsletter",
    "connect_timeout": 10,
    # A server that vanished is noticed within half a minute, not when TCP gives up after many.
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,
    # A lock is waited for as long as SQLite's; a process that hangs holds others up no longer.
    "options": "-c statement_timeout=120s -c lock_timeout=10s "
    "-c idle_in_transaction_session_timeout=10min",
}

# What SQLite, libpq and the server say in English (how it begins) -> what to do about it.
_REMEDIES = (
    ("password authentication failed", "the server refuses this user with this password"),
    (
        "(fe_sendauth: )?no password supplied",
        "the server wants a password; put it into store.url or PGPASSWORD",
    ),
    ('role ".*" does not exist', "the server does not know this user"),
    (
        'database ".*" does not exist',
        "there is no such database on the server; make it with createdb",
    ),
    ("(Connection refused|No such file or directory)", "no server listens there; is it running?"),
    ("database is locked", "another process has been writing for more than ten seconds"),
    ("database or disk is full", "make room on the disk"),
    ("database disk image is malformed", "the file is damaged; put a backup in its place"),
    ("permission denied for schema", "its user may not make tables there; GRANT CREATE ON SCHEMA"),
    (
        "permission denied for (table|sequence)",
        "its user lacks rights; make it the owner of the database and of its tables",
    ),
    (
        "(too many connections|sorry, too many clients|remaining connection slots)",
        "raise max_connections of the server; a worker of a fleet opens up to 26, others up to 20",
    ),
    (
        "cannot execute .* in a read-only transaction",
        "it takes no changes: a standby, or default_transaction_read_only is on",
    ),
    (".*No space left on device", "make room on the disk of the server"),
    ("canceling statement due to lock timeout", "another session holds what it has to change"),
    ("canceling statement due to statement timeout", "the server took longer than it may"),
    ("QueuePool limit", "every connection of this process is in use; the server is slow or hangs"),
    ("failed to resolve host", "no such host is known here; compare it with store.url"),
    ("disk I/O error", "the disk is full or broken"),
    ("unable to open database file", "it or its folder may not be written by this user"),
    ("attempt to write a readonly database", "it or its folder may not be written by this user"),
)


def open_engine(url: str) -> Engine:
    """A ready engine with all migrations applied. `sqlite://` is a scratch store in memory.

    Raises:
        StoreError: the address cannot be used, nobody answers there, the database was made by a
            newer version, or a move into it is not finished.
    """
    engine = prepared_engine(url)
    with sentences(url), engine.connect() as connection:
        unfinished = inspect(connection).has_table(UNFINISHED_MOVE)
    if unfinished:
        engine.dispose()
        raise StoreError(
            f"the move into the database {shown(url)} is not finished; "
            "start `newsletter migrate-store` again, it goes on where it was"
        )
    return engine


def prepared_engine(url: str) -> Engine:
    """The same, also for a database that is being moved into."""
    engine = engine_at(url)
    try:
        with sentences(url):
            _migrate(engine)
    except StoreError:
        engine.dispose()
        raise
    return engine


def engine_at(url: str) -> Engine:
    """An engine for the address; nothing is opened yet.

    Raises:
        StoreError: it is no address of a database that we know how to use.
    """
    if _TORN_PASSWORD.match(url):
        raise StoreError(
            f"store.url {_NOT_SHOWN} has two @ signs; write the @ in a password as %40 "
            "(and : as %3A, / as %2F, % as %25)"
        )
    try:
        parsed = _our_driver(make_url(url))
        engine = create_engine(
            parsed,
            hide_parameters=True,
            json_serializer=to_json,
            json_deserializer=from_json,
            **_manner(parsed),
        )
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise StoreError(_unusable(url, error)) from None
    if engine.dialect.name == "sqlite":
        if parsed.database:
            _make_place(Path(parsed.database))
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


class _NewerShapeError(Exception):
    """A migration was applied that we do not know."""


@contextmanager
def sentences(url: str) -> Iterator[None]:
    """Turns what the database driver throws into one StoreError without the password in it."""
    try:
        yield
    except _NewerShapeError:
        raise StoreError(
            f"the database {shown(url)} was made by a newer version of newsletter; upgrade first"
        ) from None
    except SQLAlchemyError as error:
        raise StoreError(f"the database {shown(url)} cannot be used: {cause(error)}") from error


def cause(error: BaseException) -> str:
    """What the driver says, on one line; for what is known to happen, what to do about it."""
    lines = str(getattr(error, "orig", None) or error).splitlines()
    # Where a name has several addresses, each attempt has a line of its own.
    said = next((line for line in lines if "failed: " in line), lines[0])
    said = said.rpartition("failed: ")[2].removeprefix("FATAL:  ")
    said = said.partition(" (Background on this error")[0]
    remedy = next((what for pattern, what in _REMEDIES if re.match(pattern, said)), "")
    return f"{remedy} ({said})" if remedy else said


def shown(url: str) -> str:
    """The address without user and password, which libpq also takes behind a question mark.

    A name before an @ would be hidden as somebody's mail address in the log, the host with it.
    """
    if _TORN_PASSWORD.match(url):
        return _NOT_SHOWN
    try:
        parsed = make_url(url)
        hidden = {name: "hidden" for name in parsed.query if "password" in name}
        return str(parsed.update_query_dict(hidden)._replace(username=None, password=None))
    except (ArgumentError, ValueError):  # a port that is no number is the latter
        return _NOT_SHOWN


def file_of(url: str) -> Path | None:
    """The file that a database at this address is; `None` for one on a server or in memory."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # told by who opens it
        return None
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, ":memory:")
    return Path(parsed.database) if is_file and parsed.database else None


def _our_driver(url: URL) -> URL:
    """Addresses as hosting companies write them mean psycopg too."""
    return url.set(drivername="postgresql+psycopg") if url.drivername in _OF_POSTGRES else url


def _manner(url: URL) -> dict[str, Any]:
    """How connections to this kind of database are kept."""
    if url.get_backend_name() == "postgresql":
        return {
            "connect_args": of_postgres(url),
            "isolation_level": "READ COMMITTED",
            "pool_size": 5,
            "max_overflow": 15,
            "pool_timeout": 10,
            "pool_pre_ping": True,  # a restart of the server costs nobody an error
        }
    if url.get_backend_name() == "sqlite" and not url.database:
        # One shared connection: each new one would be a new, empty database.
        return {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    return {}


def of_postgres(url: URL) -> dict[str, Any]:
    """How we connect to PostgreSQL, but for what the address says otherwise."""
    return {name: _POSTGRES_USUALLY[name] for name in _POSTGRES_USUALLY.keys() - url.query}


def _unusable(url: str, error: Exception) -> str:
    if isinstance(error, ImportError) and "psycopg" in str(error):
        return (
            "store.url names a PostgreSQL database, and its driver is not installed; "
            "pip install 'newsletter[postgres]'"
        )
    return (
        f"store.url {shown(url)} is no usable database address; "
        "write sqlite:///path/to/newsletter.db or postgresql+psycopg://user@host/name"
    )


def _make_place(file: Path) -> None:
    """Its folder; and itself, readable for its owner only: SQLite would let everybody read it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {file.parent} cannot be made: {error.strerror}") from None
    with suppress(OSError):  # told by SQLite, too
        file.touch(mode=0o600)


def _prepare_sqlite(connection: object, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA busy_timeout = 10000")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous = NORMAL")  # safe with WAL
    # 16 MB of it: pages that each round of mails changes again are copied back a quarter as often.
    cursor.execute("PRAGMA wal_autocheckpoint = 4000")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # who is forgotten is not left in free pages
    cursor.close()


def _write_ahead(cursor: Cursor) -> None:
    """Readers never wait for the writer: kept in the file, so that only the first one sets it.

    Where several are the first, SQLite refuses this one statement without waiting for the others
    (whoever reads and now wants the file alone could wait for ever). Beginning is waited for.
    """
    for turns_left in reversed(range(_TURNS)):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except OperationalError as error:
            if error.sqlite_errorcode & 0xFF != SQLITE_BUSY or not turns_left:
                raise
            cursor.execute("BEGIN EXCLUSIVE")
            cursor.execute("ROLLBACK")
        else:
            return


def unhurried(connection: Connection) -> None:
    """This transaction may take as long as it takes: it changes or reads whole tables."""
    if connection.dialect.name == "postgresql":
        for timeout in ("statement", "lock", "idle_in_transaction_session"):
            connection.execute(text(f"SET LOCAL {timeout}_timeout = 0"))


def has_newest_shape(connection: Connection) -> bool:
    """Whether every migration was applied; of a newer shape than ours `sentences` tells."""
    known = sorted(file.name.partition("_")[0] for file in _MIGRATIONS.glob("versions/[0-9]*.py"))
    if not inspect(connection).has_table(REVISION):
        return False
    present = connection.scalar(select(column("version_num")).select_from(table(REVISION)))
    if present is not None and present not in known:
        raise _NewerShapeError(present)
    return bool(present == known[-1])


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        if has_newest_shape(connection):
            return
    # With what it brings along Alembic takes 8 MB, mostly for nothing.
    from alembic import command

    with engine.begin() as connection:
        unhurried(connection)
        # Processes that start at once migrate one after the other.
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
        else:
            # Python's driver begins a transaction at the first row that is written, not at the
            # first table: what is cut off between them would stay half done for ever.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        command.upgrade(_alembic(connection), "head")


def _alembic(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    # Alembic's own files are found by path; a `%` in it would be read as interpolation.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
