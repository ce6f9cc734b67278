"""The installation that `fleet.py` measures: its readers, their digests, and the workers' processes."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import kit
from fleet_relay import Relay
from rich.progress import Progress, track
from sqlalchemy import text

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.jobs import Jobs
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Subscriber, Tier
from newsletter.pipeline import record
from newsletter.store import Newcomer, Store

if TYPE_CHECKING:
    from real_postgres import Postgres

CONNECTIONS = 2
BATCH = 500
HEAD_START = timedelta(seconds=12)
WORDS = ("sparse attention", "robot touch", "protein folding", "speech of birds", "video models")
_SMTP = f"timeout_seconds = 2\nconnections = {CONNECTIONS}"
_MORE = """
[sources]
default = ["{list}"]
[operator]
address = "operator@papers.example"
[schedule]
ingest_minutes = 1440
[store]
url = "{url}"
"""


class Fleet:
    """So many workers, and everything they work on."""

    def __init__(self, folder: Path, server: Postgres, mails: int, workers: int) -> None:
        self.mails = mails
        self.server = server
        self.relay = Relay()
        self.url = server.fresh()
        more = _MORE.format(list=folder / "list.jsonl", url=self.url)
        self.settings = kit.settings(folder, self.relay.port, _SMTP, more)
        self.app = App(load_settings(self.settings))
        _stock(self.app)
        people = enrol(self.app.store, mails)
        Jobs(self.app, wake=lambda: None, names=[]).compose()
        _copy_digests(self.app.store, people)
        self.kills = self.cuts = 0
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.names = [f"w{number}" for number in range(workers)]

    def start(self, name: str) -> None:
        """Starts a worker."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("NEWSLETTER_")}
        command = [sys.executable, "-m", "newsletter", "fleet", "worker", "--name", name]
        with self.settings.with_name(f"{name}.log").open("ab") as said:
            self.workers[name] = subprocess.Popen(
                [*command, "--config", str(self.settings)], stderr=said, env=environment
            )

    def delivers(self, kills: int, cuts: int) -> dict[str, Any]:
        """Until every digest has arrived."""
        self._sql("UPDATE deliveries SET next_attempt_at = next_attempt_at + interval '1 day'")
        for name in self.names:
            self.start(name)
        while any("at work" not in self._log(name) for name in self.names):
            time.sleep(0.2)
        due = (datetime.now(UTC) + HEAD_START).replace(tzinfo=None)
        self._sql(f"UPDATE deliveries SET next_attempt_at = '{due}'")
        faults = [self._kill] * kills + [self._cut] * cuts
        random.Random(1).shuffle(faults)
        self._watch(faults)
        for process in self.workers.values():
            process.terminate()
        # Who was started again may be so young that the signal still has its usual meaning.
        assert {process.wait(60) for process in self.workers.values()} <= {0, -signal.SIGTERM}
        return self.relay.end()

    def _watch(self, faults: list) -> None:
        arrived, calm, every = 0, 0, self.mails // (len(faults) + 1)
        done = 0
        with Progress(transient=True) as progress:
            task = progress.add_task(f"{len(self.names)} workers", total=self.mails)
            while arrived < self.mails:
                time.sleep(0.3)
                before, arrived = arrived, self.relay.count()
                progress.update(task, completed=arrived)
                calm = calm + 1 if arrived == before else 0
                if done < len(faults) and arrived >= (done + 1) * every:
                    faults[done]()
                    done += 1
                if arrived and calm > 25:  # only the dead have mails in hand
                    self._sql(
                        "UPDATE deliveries SET leased_until = created_at WHERE state = 'sending'"
                    )
                    calm = 0

    def _kill(self) -> None:
        name = random.choice(self.names)
        self.workers[name].kill()
        self.workers[name].wait()
        self.kills += 1
        self.start(name)

    def _cut(self) -> None:
        name = self.url.partition("?")[0].rpartition("/")[2]
        self.server.run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        self.cuts += 1

    def _log(self, name: str) -> str:
        return self.settings.with_name(f"{name}.log").read_text(encoding="utf-8")

    def _sql(self, statement: str) -> None:
        with self.app.store._engine.begin() as connection:
            connection.execute(text(statement))

    def close(self) -> None:
        """Everything ends."""
        for process in self.workers.values():
            process.kill()
            process.wait()
        self.relay.close()
        self.app.store.close()
        self.server.drop(self.url)


def _stock(app: App) -> None:
    now = app.now()
    entries = tuple(
        Entry(
            paper=Paper(
                id=f"2604.{number:05}",
                title=f"On {WORDS[number % 5]}, part {number}",
                abstract=f"All about {WORDS[number % 5]}. It is fast and it is good. " * 12,
                authors=("Ada Byron", "B. Author"),
                listed_on=now.date(),
            ),
            rank=number,
            upvotes=number,
        )
        for number in range(1, 51)
    )
    listing = Listing(source="daily", tier=Tier.API, entries=entries, listed_on=now.date())
    record(app.store, listing, now=now)


def enrol(store: Store, number: int) -> list[Subscriber]:
    """So many readers with five kinds of interests; the digests of the first few are due."""
    now = datetime.now(UTC)
    profiles = [Profile(topics=(word,), max_papers=10, surprise=False) for word in WORDS]
    people = [
        Subscriber(
            id=token_hex(16),
            email=f"r{one}@reader{one % 997}.example",
            profile=profiles[one % len(WORDS)],
            cadence=Cadence.DAILY,
            next_due_at=now + timedelta(days=-1 if one < len(WORDS) else 1),
            since=now - timedelta(days=2),
        )
        for one in range(number)
    ]
    for some in track(_portions(people), description="enrolling", transient=True):
        with store.changing_register() as register:
            register.insert([Newcomer(subscriber=one, key=one.email) for one in some], now)
    return people


def _copy_digests(store: Store, people: list[Subscriber]) -> None:
    """Everybody has the digest of the first reader with their interests: composing is not measured."""
    few = len(WORDS)
    with store.register() as register:
        made = [register.digests.last_of(one.id) for one in people[:few]]
        queued = register.outbox.among([digest.id for digest in made])
    copied = [
        replace(made[number % few], id=token_hex(16), subscriber_id=one.id)
        for number, one in enumerate(people)
        if number >= few
    ]
    for some in track(_portions(copied), description="digests", transient=True):
        with store.changing_register() as register:
            register.digests.keep_all(some)
            mail = queued[made[0].id]
            register.outbox.add_all(
                [replace(mail, id=one.id, subscriber_id=one.subscriber_id) for one in some]
            )


def _portions(all_of_them: list) -> list[list]:
    return [all_of_them[first : first + BATCH] for first in range(0, len(all_of_them), BATCH)]


@contextlib.contextmanager
def fleet(server: Postgres, mails: int, workers: int) -> Iterator[Fleet]:
    """A fleet whose digests are made and not yet due to leave."""
    with tempfile.TemporaryDirectory() as folder:
        made = Fleet(Path(folder), server, mails, workers)
        try:
            yield made
        finally:
            made.close()
