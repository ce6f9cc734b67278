"""The only room that knows SQL: SQLite in one file by default, any SQLAlchemy database beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from sqlalchemy import Engine

from newsletter.model import Candidate, Listing, Paper
from newsletter.store import papers
from newsletter.store.addresses import Suppressed
from newsletter.store.engine import open_engine, sentences
from newsletter.store.papers import Recorded
from newsletter.store.subscribers import Kept, Newcomer, Register, wait_for_turn

__all__ = ["Kept", "Newcomer", "Recorded", "Register", "Store", "Suppressed", "open_store"]


class Store:
    """Everything that is kept. Each method is one transaction; any may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._url = engine.url.render_as_string(hide_password=True)

    def record(self, listing: Listing, seen_at: datetime) -> Recorded:
        """Writes a listing down; see `newsletter.store.papers.record`."""
        with sentences(self._url), self._engine.begin() as connection:
            return papers.record(connection, listing, seen_at)

    def papers(self, *, newest: int | None = None) -> tuple[Paper, ...]:
        """Every stored paper, or the `newest`; oldest first."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.all_papers(connection, newest=newest)

    def candidates(
        self,
        *,
        listed: tuple[date, date] | None = None,
        seen_since: datetime | None = None,
        source: str | None = None,
    ) -> tuple[Candidate, ...]:
        """Papers that may be picked, with all looks; see `newsletter.store.papers.candidates`."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.candidates(
                connection, listed=listed, seen_since=seen_since, source=source
            )

    def listed_ids(self, day: date) -> frozenset[str]:
        """Ids of the papers first listed on a day."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.listed_ids(connection, day)

    def list_days(self) -> tuple[date, ...]:
        """The days that have a list, newest first."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.list_days(connection)

    def count(self) -> int:
        """How many papers are stored."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.count(connection)

    @contextmanager
    def register(self) -> Iterator[Register]:
        """The subscribers, to be read; each look is as new as the database allows."""
        with sentences(self._url), self._engine.connect() as connection:
            yield Register(connection)

    @contextmanager
    def changing_register(self) -> Iterator[Register]:
        """The subscribers, to be changed: one transaction, all or nothing, one writer at a time."""
        with sentences(self._url), self._engine.begin() as connection:
            wait_for_turn(connection)
            yield Register(connection)

    def close(self) -> None:
        """Gives the connections back; the store cannot be used afterwards."""
        self._engine.dispose()


def open_store(url: str) -> Store:
    """Opens the database at an SQLAlchemy address and brings it to the newest shape.

    Raises:
        StoreError: with a sentence for the operator, the password hidden.
    """
    return Store(open_engine(url))
