"""A consistent copy of a SQLite store, made while others read and write, and looked over."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Engine

from newsletter.errors import StoreError
from newsletter.store.schema import metadata

_SIDECARS = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A finished backup: rows by table, the same in the store at that instant and in the copy."""

    octets: int
    rows: Mapping[str, int]


def back_up(engine: Engine, file: Path, *, force: bool = False) -> Copied:
    """Copies the whole database into a new file that only its owner can read.

    The copy is one instant's state: SQLite's backup works within a read transaction, which in WAL
    mode makes no writer wait. It takes the place of `file` only once it was looked over.

    Raises:
        StoreError: the store is no SQLite file, the file exists (and no `force`), it cannot be
            written, or the copy is not whole.
    """
    source = source_file(engine.url)
    _refuse(source, file, force=force)
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.close(descriptor)
        rows = _copied(engine, draft)
        _settle(draft, file)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}") from None
    except sqlite3.Error as error:
        raise StoreError(f"the backup to {file} failed: {error}") from None
    finally:
        for end in _SIDECARS:
            with suppress(OSError):
                draft.with_name(draft.name + end).unlink()
    return Copied(octets=file.stat().st_size, rows=rows)


def source_file(url: URL) -> Path:
    """The file that a store lies in.

    Raises:
        StoreError: it is no file; names the tool for a database of another kind.
    """
    if url.get_backend_name() != "sqlite":
        raise StoreError(
            f"a {url.get_backend_name()} database is backed up by its own tool: pg_dump "
            f"--format=custom --file=FILE --dbname={url.database} {_way_to(url)}"
        )
    if not url.database:
        raise StoreError("there is no database yet, so there is nothing to back up")
    return Path(url.database)


def _way_to(url: URL) -> str:
    """The words of PostgreSQL's own programs; libpq takes each behind a question mark, too."""
    host = url.host or url.query.get("host") or "HOST"
    port = url.port or url.query.get("port")
    user = url.username or url.query.get("user") or "USER"
    return f"--host={host} {f'--port={port} ' if port else ''}--username={user}"


def _refuse(source: Path, file: Path, *, force: bool) -> None:
    own = {Path(f"{source}{end}").resolve() for end in _SIDECARS}
    if file.resolve() in own:
        raise StoreError(f"{file} is the database itself; name another file for its backup")
    if file.is_dir():
        raise StoreError(f"{file} is a directory; name a file in it")
    if file.exists() and not force:
        raise StoreError(f"{file} exists already; name another file, or add --force to replace it")


def _copied(engine: Engine, draft: Path) -> dict[str, int]:
    """Copies, and compares the copy with the very state it was made from."""
    with closing(sqlite3.connect(draft)) as copy:
        pooled = engine.raw_connection()
        try:
            source = pooled.driver_connection
            if not isinstance(source, sqlite3.Connection):
                raise StoreError("the SQLite driver in use cannot make backups")
            rows = _copy(source, copy)
        finally:
            pooled.close()
        # The copy shall be one file: without this it would ask for a -wal beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        _look_over(copy, rows)
    return rows


def _copy(source: sqlite3.Connection, copy: sqlite3.Connection) -> dict[str, int]:
    """The rows of each table, counted in the transaction that the copy is made in."""
    source.execute("BEGIN")
    try:
        rows = _rows(source)
        source.backup(copy)
    finally:
        source.execute("ROLLBACK")
    return rows


def _look_over(copy: sqlite3.Connection, rows: Mapping[str, int]) -> None:
    said = [line for (line,) in copy.execute("PRAGMA integrity_check")]
    if said != ["ok"]:
        raise StoreError(f"the copy is damaged ({said[0]}); is the disk sound?")
    if orphan := copy.execute("PRAGMA foreign_key_check").fetchone():
        raise StoreError(f"the copy is not whole: {orphan[0]} refers to what is missing")
    found = _rows(copy)
    if found != rows:
        differing = next(name for name in rows if rows[name] != found.get(name))
        raise StoreError(f"the copy is not whole: {differing} has fewer or more rows")


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    counted = {}
    for name in sorted(metadata.tables):
        # The names are those of our own schema.
        query = f"SELECT count(*) FROM {name}"  # noqa: S608
        counted[name] = int(connection.execute(query).fetchone()[0])
    return counted


def _settle(draft: Path, file: Path) -> None:
    """Gives the copy its name once it is on the disk for good."""
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(file)
