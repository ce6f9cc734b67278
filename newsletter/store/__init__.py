"""The only room that knows SQL: SQLite in one file by default, PostgreSQL for several processes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from newsletter.model import Candidate, Digest, Listing, Paper
from newsletter.store import crew, keys, papers, tenants
from newsletter.store.addresses import Suppressed
from newsletter.store.alarms import Alarms, News, Standing, decided, hold_all, raise_alarms
from newsletter.store.backup import Copied, back_up
from newsletter.store.calendar import Move
from newsletter.store.digests import History
from newsletter.store.engine import file_of, open_engine, sentences
from newsletter.store.figures import figures
from newsletter.store.keys import DatedKey
from newsletter.store.overview import Overview
from newsletter.store.papers import Shelf
from newsletter.store.subscribers import Kept, Newcomer, Register, wait_for_turn
from newsletter.watch import Alarm, Figures, Undecided

__all__ = [
    "History",
    "Kept",
    "Move",
    "Newcomer",
    "News",
    "Register",
    "Shelf",
    "Standing",
    "Store",
    "Suppressed",
    "file_of",
    "open_store",
]


class Store:
    """Everything that is kept. Each method is one transaction; any may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._url = str(engine.url)  # SQLAlchemy hides the password

    def record(self, listing: Listing, seen_at: datetime) -> tuple[str, ...]:
        """Writes a listing down, answers what is new; see `newsletter.store.papers.record`."""
        with sentences(self._url), self._engine.begin() as connection:
            wait_for_turn(connection)
            return papers.record(connection, listing, seen_at)

    def papers(self, *, newest: int | None = None) -> tuple[Paper, ...]:
        """Every stored paper, or the `newest`; oldest first."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.all_papers(connection, newest=newest)

    def papers_in_turn(self, *, newest: int) -> Iterable[Paper]:
        """The same, read anew and a few at a time by whoever walks through them."""
        return _InTurn(self._engine, self._url, newest)

    def candidates(
        self,
        *,
        listed: tuple[date, date] | None = None,
        source: str | None = None,
    ) -> tuple[Candidate, ...]:
        """Papers that may be picked, with all looks; see `newsletter.store.papers.candidates`."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.candidates(connection, listed=listed, source=source)

    def listed_ids(self, day: date) -> frozenset[str]:
        """Ids of the papers first listed on a day."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.listed_ids(connection, day)

    def list_sizes(self) -> dict[date, int]:
        """The days that have a list, newest first, and how many papers were first listed on each."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.list_sizes(connection)

    def list_days(self) -> tuple[date, ...]:
        """The days that have a list, newest first."""
        return tuple(self.list_sizes())

    def count(self) -> int:
        """How many papers are stored."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.count(connection)

    def find_papers(
        self, ids: Collection[str], title_keys: Collection[str] = ()
    ) -> dict[str, Paper]:
        """Stored papers by id and by title key (see `Paper.key`)."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.find_papers(connection, ids, title_keys)

    def last_look(self) -> tuple[int, datetime | None]:
        """How many papers there are and when a list was last read: equal while nothing is new."""
        with sentences(self._url), self._engine.connect() as connection:
            return papers.last_look(connection)

    def digest(self, digest_id: str) -> Digest | None:
        """The digest with this id."""
        with self.register() as register:
            return register.digests.get(digest_id)

    def link_keys(self, now: datetime) -> tuple[DatedKey, ...]:
        """The keys that links are signed and read with; the first is made on first use."""
        with sentences(self._url), self._engine.connect() as connection:
            if known := keys.all_keys(connection):
                return known
        with sentences(self._url), self._engine.begin() as connection:
            wait_for_turn(connection)
            return keys.all_keys(connection) or (keys.add_key(connection, now),)

    def add_link_key(self, now: datetime) -> DatedKey:
        """Makes a new key, which signs from now on."""
        with sentences(self._url), self._engine.begin() as connection:
            wait_for_turn(connection)
            return keys.add_key(connection, now)

    def drop_link_key(self, version: int) -> bool:
        """Links signed with this key are not ours any more; false if there is none."""
        with sentences(self._url), self._engine.begin() as connection:
            return keys.drop_key(connection, version)

    def figures(self, now: datetime, *, late: timedelta) -> Figures:
        """Counts and ages of everything; see `newsletter.store.figures.figures`."""
        with sentences(self._url), self._engine.connect() as connection:
            return figures(connection, now, late)

    def raise_alarms(
        self, current: Sequence[Alarm], now: datetime, *, but: Undecided = decided
    ) -> News:
        """What is wrong now stands; answers what the caller shall tell the operator (new, cleared).

        Nobody else is asked to tell the same for `newsletter.store.alarms.PATIENCE`; what was not
        said to be told by then (see `alarms_told`) is answered again.

        Args:
            but: tells which alarms do not end now.
        """
        if not current and self._nothing_stands():
            return News()
        with sentences(self._url), self._engine.begin() as connection:
            wait_for_turn(connection)
            return raise_alarms(connection, current, now, but)

    def hold_alarm(self, alarm: Alarm, now: datetime, *, until: datetime) -> None:
        """An alarm about something that happened: it stands until then, or longer if it happens again."""
        with sentences(self._url), self._engine.begin() as connection:
            wait_for_turn(connection)
            Alarms(connection).hold(alarm, now, until=until)

    def hold_alarms(self, current: Sequence[Alarm], now: datetime) -> None:
        """What is wrong now stands; whoever raises alarms next is asked to tell it."""
        with sentences(self._url), self._engine.begin() as connection:
            wait_for_turn(connection)
            hold_all(connection, current, now)

    def alarms_told(self, news: News, now: datetime) -> None:
        """The operator knows these, and hears of each no more until it changes."""
        with sentences(self._url), self._engine.begin() as connection:
            Alarms(connection).told(news, now)

    def standing_alarms(self) -> tuple[Standing, ...]:
        """What is wrong now, oldest first."""
        with sentences(self._url), self._engine.connect() as connection:
            return Alarms(connection).standing()

    def _nothing_stands(self) -> bool:
        with sentences(self._url), self._engine.connect() as connection:
            return Alarms(connection).quiet()

    @contextmanager
    def register(self) -> Iterator[Register]:
        """The subscribers, to be read; each look is as new as the database allows."""
        with sentences(self._url), self._engine.connect() as connection:
            yield Register(connection)

    @contextmanager
    def changing_register(self, *, together: bool = False) -> Iterator[Register]:
        """The subscribers, to be changed: one transaction, all or nothing, one writer at a time.

        Args:
            together: on PostgreSQL others may write meanwhile; for changes that lock their rows.
        """
        with sentences(self._url), self._engine.begin() as connection:
            if not together or connection.dialect.name == "sqlite":
                wait_for_turn(connection)
            yield Register(connection)

    @contextmanager
    def overview(self) -> Iterator[Overview]:
        """What the operator asks about everything; reading only."""
        with sentences(self._url), self._engine.connect() as connection:
            yield Overview(connection)

    @property
    def is_shared(self) -> bool:
        """Whether other processes may work on this database, too: on PostgreSQL they may."""
        return self._engine.dialect.name == "postgresql"

    def clock(self) -> datetime | None:
        """The clock that all who share this database can see; `None` where nobody shares it."""
        if not self.is_shared:
            return None
        with sentences(self._url), self._engine.connect() as connection:
            return tenants.clock_of(connection)

    def take_part(self, name: str, *, one_only: bool) -> float:
        """Which part of all rates `name` may use now; see `newsletter.store.crew.take_part`."""
        if not self.is_shared:
            return 1.0
        with sentences(self._url), self._engine.begin() as connection:
            return crew.take_part(connection, name, one_only=one_only)

    def give_up_part(self, name: str) -> None:
        """Its part of the rates is free for others."""
        if self.is_shared:
            with sentences(self._url), self._engine.begin() as connection:
                crew.give_up(connection, name)

    def connection_arguments(self) -> dict[str, Any]:
        """What psycopg needs to connect to this PostgreSQL as we do; the password is among it."""
        return tenants.connection_arguments(self._engine)

    def take_in(self, table: str, script: str) -> None:
        """Runs the SQL that makes somebody else's tables here, unless `table` is there already."""
        with sentences(self._url), self._engine.begin() as connection:
            tenants.take_in(connection, table, script)

    def back_up(self, file: Path, *, force: bool = False) -> Copied:
        """Writes a consistent copy of a SQLite store; see `newsletter.store.backup.back_up`."""
        return back_up(self._engine, file, force=force)

    def close(self) -> None:
        """Gives the connections back; the store cannot be used afterwards."""
        self._engine.dispose()


@dataclass(frozen=True, slots=True)
class _InTurn:
    engine: Engine
    url: str
    newest: int

    def __iter__(self) -> Iterator[Paper]:
        with sentences(self.url), self.engine.connect() as connection:
            yield from papers.in_turn(connection, newest=self.newest)


def open_store(url: str) -> Store:
    """Opens the database at an SQLAlchemy address and brings it to the newest shape.

    Raises:
        StoreError: with a sentence for the operator, the password hidden.
    """
    return Store(open_engine(url))
