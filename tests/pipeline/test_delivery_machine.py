"""Whatever happens between composing and recording: nothing is lost, nothing sent to who left."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter, deque
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Event

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from newsletter.app import App
from newsletter.carrying import Carrier, Office
from newsletter.config import load_settings
from newsletter.delivery import DeliveryState, Outcome, Result
from newsletter.errors import StoreError
from newsletter.mail.pace import Limits, Pace
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Status, Tier
from newsletter.notebook import Notebook, read_after_death
from newsletter.pipeline import compose_due, look_back
from newsletter.posting import Post
from newsletter.store import Store, open_store
from newsletter.subscriptions import Subscriptions

START = datetime(2026, 4, 3, 7, 59, tzinfo=UTC)
YES = Consent(at=START, origin="form", wording="yes")
ENDS = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CANCELLED)
MOODS = (
    "accepts",
    "accepts",
    "defers",
    "rejects",
    "unserved",
    "dies before",
    "dies after",
    "another connection works meanwhile",
    "the clock jumps and another connection works",
    "the disk is full",
    "the house closes",
)


class KilledError(BaseException):
    """The process is gone: nothing after this moment happens."""


@cache
def post() -> Post:
    """Templates compiled once for all runs."""
    return App(load_settings(), now=lambda: START).post("https://papers.example")


class MortalStore:
    """The store as one process sees it: with the process gone it is out of reach."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_dead = False
        self.is_full = False

    def register(self):
        return self._store.register()

    def changing_register(self, *, together=False):
        if self.is_dead:
            raise KilledError
        if self.is_full:
            raise StoreError("the disk is full")
        return self._store.changing_register(together=together)


class Process:
    """One life of the service, with two connections to the relay."""

    def __init__(self, machine: Deliveries) -> None:
        self.store = MortalStore(machine.store)
        self.notebook = Notebook(self.store, now=lambda: machine.now, folder=machine.notes)
        self.stopping = Event()
        self.office = Office(
            store=self.store,
            post=post(),
            notebook=self.notebook,
            pace=machine.pace,
            now=lambda: machine.now,
            stopping=self.stopping,
        )
        self.connections = [Connection(machine, ahead) for ahead in (machine.ahead, 1)]

    def carry(self, number: int) -> None:
        Carrier(self.office, self.connections[number]).round(most=4)

    def dies(self) -> None:
        """Nothing after this moment happens; what the system holds for it (locks) is gone."""
        self.store.is_dead = True
        if self.notebook._pages:
            for descriptor, _ in self.notebook._pages._pages:
                os.close(descriptor)


class Connection:
    """Takes some mails before it tells what became of the first."""

    def __init__(self, machine: Deliveries, ahead: int) -> None:
        self._machine = machine
        self._ahead = ahead
        self.untold: deque[tuple[str, Outcome]] = deque()

    def carry(self, mails):
        self.untold.clear()
        for mail in mails:
            name = mail.raw.partition(b"Message-ID: <")[2].partition(b"@")[0].decode()
            self.untold.append((name, self._machine.hears(name, mail.recipient)))
            if len(self.untold) >= self._ahead:
                yield self._tell()
        while self.untold:
            yield self._tell()

    def close(self) -> None:
        """Nothing to give back."""

    def _tell(self) -> Outcome:
        return self.untold.popleft()[1]


class Deliveries(RuleBasedStateMachine):
    """A relay of many moods, readers who come and go, processes that die."""

    url = "sqlite://"

    @initialize(ahead=st.sampled_from([1, 1, 3]))
    def opens(self, ahead: int) -> None:
        self.store = open_store(self.url)
        self.notes = Path(tempfile.mkdtemp())
        self.desk = Subscriptions(self.store)
        self.now = START
        self.ahead = ahead
        self.pace = Pace()
        self.accepted: Counter[str] = Counter()
        self.deaths_after: Counter[str] = Counter()
        self.moods: list[str] = []
        self.number = 0
        self.process = Process(self)
        for _ in range(3):
            self.somebody_comes()
        self.the_hour_comes_and_digests_are_made()

    @rule()
    def somebody_comes(self) -> None:
        self.number += 1
        profile = Profile(topics=("sparse attention",), max_papers=1, surprise=False)
        wishes = Wishes(profile=profile, cadence=Cadence.DAILY)
        self.desk.enrol(f"r{self.number}@x.org", wishes, YES, now=self.now)

    @rule(minutes=st.sampled_from([1, 11, 31, 130]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def the_hour_comes_and_digests_are_made(self) -> None:
        tomorrow = self.now.replace(hour=8, minute=0) + timedelta(days=1)
        self.now = tomorrow
        self._list()
        compose_due(self.store, look_back(self.store, days=5), now=self.now, days=3)

    @rule(moods=st.lists(st.sampled_from(MOODS), min_size=1, max_size=6))
    def mails_are_carried(self, moods: list[str]) -> None:
        self.moods = list(moods)
        try:
            self.process.carry(0)
        except StoreError:
            """It is told, and the next round tries again."""
        except KilledError:
            self._process_dies()

    @rule()
    def the_process_is_killed_between_two_rounds(self) -> None:
        self._process_dies()

    @rule()
    def there_is_room_on_the_disk_again(self) -> None:
        self.process.store.is_full = False

    @precondition(lambda self: self.process.stopping.is_set() and not self.process.store.is_full)
    @rule()
    def who_closed_opens_again(self) -> None:
        self.process.notebook.close()
        assert list(self.notes.iterdir()) == []
        self.process = Process(self)

    @rule(rate=st.sampled_from([0.0, 0.002, 1.0]))
    def the_pace_is_another(self, rate: float) -> None:
        self.pace = Pace(usual=Limits(rate=rate))
        self._process_dies()

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def somebody_leaves(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.number))
        self.desk.unsubscribe(self.desk.find(f"r{number}@x.org").id, now=self.now)

    # -- the relay

    def hears(self, name: str, recipient: str) -> Outcome:
        """What the relay makes of a mail; then much may happen before we hear of it."""
        assert self.desk.find(recipient).status is Status.ACTIVE, "a mail to somebody who left"
        mood = self.moods.pop(0) if self.moods else "accepts"
        if mood == "dies before":
            raise KilledError
        if mood == "defers":
            return Outcome(result=Result.DEFERRED, reply=451)
        if mood == "unserved":
            return Outcome(result=Result.DEFERRED, unserved=True)
        if mood == "rejects":
            return Outcome(result=Result.REJECTED, reply=554, status="5.7.1")
        self.accepted[name] += 1
        if mood == "dies after":
            self.deaths_after[name] += 1
            raise KilledError
        self._meanwhile(mood, name)
        return Outcome(result=Result.ACCEPTED, reply=250)

    def _meanwhile(self, mood: str, name: str) -> None:
        if mood == "the disk is full":
            self.process.store.is_full = True
        if mood == "the house closes":
            self.process.stopping.set()
        if mood == "the clock jumps and another connection works":
            self.now += timedelta(hours=1)
        if "another connection works" in mood:
            try:
                self.process.carry(1)
            except StoreError:
                """It is told, and the next round tries again."""
            except KilledError:
                self.deaths_after[name] += 1
                raise

    def _process_dies(self) -> None:
        """And another one takes its place, which knows what the first had noted."""
        for connection in self.process.connections:
            for name, outcome in connection.untold:
                self.deaths_after[name] += outcome.result is Result.ACCEPTED
            connection.untold.clear()
        self.process.dies()
        read_after_death(self.store, self.notes)
        with self.store.changing_register() as register:
            register.outbox.free_all(self.now)
        self.process = Process(self)

    # -- what always holds

    @invariant()
    def no_mail_is_doubled_but_by_a_death_at_the_worst_moment(self) -> None:
        if hasattr(self, "accepted"):
            for name, times in self.accepted.items():
                assert times <= 1 + self.deaths_after[name]

    @invariant()
    def what_counts_as_sent_was_accepted(self) -> None:
        if hasattr(self, "store"):
            for delivery in self._all():
                if delivery.state is DeliveryState.SENT:
                    assert self.accepted[delivery.id] >= 1

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.moods, self.pace = [], Pace()
        self._process_dies()
        for _ in range(200):
            if all(delivery.state in ENDS for delivery in self._all()):
                break
            self.now += timedelta(minutes=30)
            self.process.carry(0)
            self.process.notebook.hand_over()
        for delivery in self._all():
            assert delivery.state in ENDS, "a mail was lost on its way"
            left = self.desk.get(delivery.subscriber_id).status is not Status.ACTIVE
            assert delivery.state is not DeliveryState.CANCELLED or left
        self.process.notebook.close()
        self.store.close()
        shutil.rmtree(self.notes)

    def _all(self):
        with self.store.register() as register:
            digests = [
                d for kept in register.all() for d in register.digests.of(kept.subscriber.id)
            ]
            return [register.outbox.get(digest.id) for digest in digests]

    def _list(self) -> None:
        day = date(self.now.year, self.now.month, self.now.day)
        paper = Paper(
            id=f"26{day:%m}.{day.day:05d}",
            title=f"Sparse attention {day}",
            abstract="All about sparse attention.",
            listed_on=day,
        )
        entry = Entry(paper=paper, rank=1)
        listing = Listing(source=f"daily:{day}", tier=Tier.API, entries=(entry,), listed_on=day)
        self.store.record(listing, self.now)


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)


def test_the_same_holds_on_postgresql(postgres):
    class Elsewhere(Deliveries):
        @initialize(ahead=st.sampled_from([1, 3]))
        def opens(self, ahead: int) -> None:
            self.url = postgres.fresh()
            super().opens(ahead)

        def teardown(self) -> None:
            super().teardown()
            postgres.drop(self.url)

    short = settings(max_examples=4, stateful_step_count=15, deadline=None)
    run_state_machine_as_test(Elsewhere, settings=short)
