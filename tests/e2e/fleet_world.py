"""A fleet under an ordeal: worker processes over one PostgreSQL, a relay, and what is done to them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from time import monotonic

from chaos import LOOK_SECONDS, WAIT_SECONDS, Plan, RoughRelay, enrol, stock, write_settings
from real_postgres import Postgres
from sqlalchemy import text

from newsletter.app import App
from newsletter.config import load_settings

_CALM_SECONDS = 6  # with nobody heard for so long, mails in hand are those of the dead


class Worker:
    """`newsletter fleet worker` as a process, started again under the same name."""

    def __init__(self, name: str, settings: Path) -> None:
        self.name = name
        self.starts = 0
        self.log = settings.with_name(f"{name}.log")
        self._settings = settings
        self._begins = 0  # octets of the log before this start
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts it; it needs a second or two before it works."""
        self.starts += 1
        environment = {k: v for k, v in os.environ.items() if not k.startswith("NEWSLETTER_")}
        command = [sys.executable, "-m", "newsletter", "fleet", "worker", "--name", self.name]
        command += ["--config", str(self._settings)]
        with self.log.open("ab") as said:
            self._begins = said.tell()
            self._process = subprocess.Popen(command, stderr=said, env=environment)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process:
            self._process.kill()
            self._process.wait(WAIT_SECONDS)

    def waits_to_be_at_work(self) -> None:
        """Until it has said so since this start; who was killed may never have come so far."""
        end = monotonic() + WAIT_SECONDS
        while b"is at work" not in self.log.read_bytes()[self._begins :]:
            assert monotonic() < end, f"{self.name} never said that it is at work"
            Event().wait(LOOK_SECONDS)

    def terminate(self) -> None:
        """SIGTERM."""
        assert self._process
        self._process.terminate()

    def wait(self) -> int:
        """Until it has ended; the exit code."""
        assert self._process
        return self._process.wait(WAIT_SECONDS)


class Fleet:
    """Readers whose digest is due, workers, and the relay that they share."""

    def __init__(self, folder: Path, postgres: Postgres, plan: Plan, more: str = "") -> None:
        self.relay = RoughRelay(plan)
        self.plan = plan
        self._postgres = postgres
        self.url = postgres.fresh()
        self.settings = write_settings(folder, self.relay.port, plan.connections)
        with self.settings.open("a", encoding="utf-8") as file:
            file.write(f'{more}\n[store]\nurl = "{self.url}"\n')
        self.app = App(load_settings(self.settings))
        stock(self.app, folder / "list.jsonl")
        enrol(self.app, plan.readers)
        self.workers = [Worker(name, self.settings) for name in ("ada", "bob")]

    def close(self) -> None:
        """Ends everything."""
        for worker in self.workers:
            worker.kill()
        self.relay.close()
        self.app.store.close()
        self._postgres.drop(self.url)

    def start(self) -> None:
        """Starts whoever is not at work."""
        for worker in self.workers:
            if not worker.is_alive:
                worker.start()

    def runs_until(self, is_so: Callable[[], bool]) -> None:
        """Who was killed is started again; mails in the hands of the dead become free."""
        began = heard = monotonic()
        while not is_so():
            assert monotonic() < began + WAIT_SECONDS, f"{self.waiting()} mails wait"
            self.start()
            if self.relay.wait_for_news(LOOK_SECONDS):
                heard = monotonic()
            elif monotonic() - heard > _CALM_SECONDS:
                self._leases_run_out()
                heard = monotonic()

    def is_done(self) -> bool:
        """Whether everybody's mail was taken and is written down as at its end."""
        return len(self.relay.readers) == self.plan.readers and not self.waiting()

    def waiting(self) -> int:
        """Mails that have not come to an end."""
        with self.app.store.register() as register:
            return register.outbox.waiting()

    def undone(self) -> int:
        """Digests that are due and not made."""
        return self.app.store.figures(self.app.now(), late=timedelta()).undone

    def cut_connections(self) -> int:
        """Everybody's connections to the database end; how many there were."""
        name = self.url.partition("?")[0].rpartition("/")[2]
        ended = self._postgres.run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        return len(ended)

    def ask(self, query: str) -> list[tuple]:
        """What the database says."""
        with self.app.store._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def ends(self) -> list[int]:
        """SIGTERM to everybody, once they are at work; their exit codes."""
        for worker in self.workers:
            worker.waits_to_be_at_work()
            worker.terminate()
        return [worker.wait() for worker in self.workers]

    def _leases_run_out(self) -> None:
        """The ten minutes for which the mails of the dead are theirs are over."""
        with self.app.store._engine.begin() as connection:
            connection.execute(
                text("UPDATE deliveries SET leased_until = created_at WHERE state = 'sending'")
            )


@contextmanager
def fleet(folder: Path, postgres: Postgres, plan: Plan, more: str = "") -> Iterator[Fleet]:
    """A fleet that was not started; everything ends with it."""
    made = Fleet(folder, postgres, plan, more)
    try:
        yield made
    finally:
        made.close()
