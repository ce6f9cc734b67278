"""A store with readers whose digests wait, and transports that do what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Event, Lock
from typing import NoReturn

from blank_store import blank_store

from newsletter.app import App
from newsletter.carrying import Carrier, Office
from newsletter.config import load_settings
from newsletter.delivery import Delivery, DeliveryState, Errand, Outcome, Result
from newsletter.errors import StoreError
from newsletter.mail.pace import Pace
from newsletter.mail.transport import Envelope
from newsletter.membership import Consent, Wishes
from newsletter.model import Digest, Entry, Listing, Paper, Pick, Reason, Tier, Why
from newsletter.notebook import Notebook
from newsletter.posting import Post
from newsletter.store import Store, open_store
from newsletter.subscriptions import Subscriptions

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
YES = Consent(at=NOON, origin="form", wording="yes")
PAPER = Paper(id="2604.00001", title="Sparse attention", listed_on=date(2026, 4, 3))
TAKEN = Outcome(result=Result.ACCEPTED, reply=250)


@cache
def post() -> Post:
    """Templates compiled once for all tests."""
    return App(load_settings(), now=lambda: NOON).post("https://papers.example")


@dataclass
class Clock:
    """Goes on by itself, as slowly as a test wants."""

    at: datetime = NOON
    step: timedelta = timedelta()

    def __call__(self) -> datetime:
        self.at += self.step
        return self.at


@dataclass
class Relay:
    """Answers by what `says` makes of a recipient; takes `ahead` mails before the first answer."""

    says: Callable[[str], Outcome] = lambda _: TAKEN
    ahead: int = 1
    asked: list[str] = field(default_factory=list)
    got: dict[str, bytes] = field(default_factory=dict)

    def carry(self, mails: Iterable[Envelope]) -> Iterator[Outcome]:
        flight: list[str] = []
        for mail in mails:
            self.asked.append(mail.recipient)
            self.got[mail.recipient] = mail.raw
            flight.append(mail.recipient)
            if len(flight) >= self.ahead:
                yield self.says(flight.pop(0))
        while flight:
            yield self.says(flight.pop(0))

    def close(self) -> None:
        """Nothing is held open."""


class World:
    """One installation; every part of it can be exchanged before the first round."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        self.store: Store = open_store(blank_store(folder / "n.db"))
        self.desk = Subscriptions(self.store)
        self.clock = Clock()
        self.pace = Pace()
        self.stopping = Event()
        self.post = post()
        self.heard: list[tuple[str, Outcome]] = []
        self._lock = Lock()
        entry = Entry(paper=PAPER, rank=1)
        self.store.record(Listing(source="daily", tier=Tier.API, entries=(entry,)), NOON)

    def office(self, notebook: Notebook | None = None) -> Office:
        return Office(
            store=self.store,
            post=self.post,
            notebook=notebook or Notebook(self.store, now=self.clock, folder=None),
            pace=self.pace,
            now=self.clock,
            stopping=self.stopping,
            heard=self._hear,
        )

    def carrier(self, relay: object, notebook: Notebook | None = None) -> Carrier:
        return Carrier(self.office(notebook), relay)

    def notebook(self) -> Notebook:
        return Notebook(self.store, now=self.clock, folder=self.notes)

    @contextmanager
    def without_store(self) -> Iterator[None]:
        """Meanwhile nothing can be changed in it."""
        change = self.store.changing_register

        def fails(**_: object) -> NoReturn:
            raise StoreError("full")

        self.store.changing_register = fails
        try:
            yield
        finally:
            self.store.changing_register = change

    def reader(self, address: str) -> str:
        """Somebody new with a digest that waits; the id of both is made of the address."""
        reader = self.desk.enrol(address, Wishes(), YES, now=NOON)
        digest = Digest(
            id=f"d-{address.replace('@', '-')}",
            subscriber_id=reader.id,
            edition="2026-04-03",
            subject="Sparse attention",
            preheader="",
            picks=(Pick(paper=PAPER, score=0.5, reasons=(Reason(why=Why.TOPIC, detail="x"),)),),
            considered=1,
            created_at=NOON,
        )
        with self.store.changing_register() as register:
            register.digests.keep_all([digest])
            register.outbox.add(
                Delivery(
                    id=digest.id,
                    errand=Errand.DIGEST,
                    subscriber_id=reader.id,
                    created_at=self.clock(),
                    next_attempt_at=self.clock(),
                )
            )
        return digest.id

    def readers(self, count: int, domain: str = "a.example") -> list[str]:
        return [self.reader(f"r{number:03}@{domain}") for number in range(count)]

    def change(self, address: str, **facts: str) -> None:
        """A reader is somebody else from now on."""
        reader = self.desk.find(address)
        with self.store.changing_register() as register:
            kept = register.by_id(reader.id)
            register.update(replace(kept, subscriber=replace(reader, **facts)))

    def get(self, delivery_id: str) -> Delivery:
        with self.store.register() as register:
            found = register.outbox.get(delivery_id)
        assert found
        return found

    def states(self, ids: Iterable[str]) -> set[DeliveryState]:
        return {self.get(one).state for one in ids}

    def _hear(self, delivery: Delivery, outcome: Outcome) -> None:
        with self._lock:
            self.heard.append((delivery.id, outcome))
