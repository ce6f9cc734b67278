"""An installation on a fresh PostgreSQL, with the tasks of one worker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from house_settings import write_settings
from procrastinate.schema import SchemaManager

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.fleet.tasks import Tasks
from newsletter.jobs import Jobs
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Tier
from newsletter.pipeline import record
from newsletter.sources.lines import lines_of

NOON = datetime(2026, 4, 8, 12, tzinfo=UTC)


class Crew:
    """The installation, and what one of its workers may do."""

    def __init__(self, folder: Path, url: str) -> None:
        self.at = NOON
        self._list = folder / "list.jsonl"
        more = f'[sources]\ndefault = ["{self._list}"]\n[store]\nurl = "{url}"\n'
        file = write_settings(folder, more=more)
        self.app = App(load_settings(file), now=lambda: self.at)
        self.app.store.take_in("procrastinate_jobs", SchemaManager.get_schema())
        self.woken = 0
        self.jobs = Jobs(self.app, wake=self._wake, names=["compose"])
        self.tasks = Tasks(self.app, self.jobs, wake=self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def papers(self) -> None:
        """A list of today."""
        entries = tuple(
            Entry(
                paper=Paper(
                    id=f"2604.{number:05}",
                    title=f"Sparse attention study {number}",
                    abstract="All about sparse attention. It is fast.",
                    listed_on=NOON.date(),
                ),
                rank=number,
            )
            for number in range(1, 6)
        )
        listing = Listing(source="daily", tier=Tier.API, entries=entries, listed_on=NOON.date())
        self._list.write_text(lines_of(listing), encoding="utf-8")
        record(self.app.store, listing, now=self.at)

    def readers(self, number: int) -> None:
        """So many whose digest is due."""
        wishes = Wishes(
            profile=Profile(topics=("sparse attention",), surprise=False),
            cadence=Cadence.DAILY,
        )
        yes = Consent(at=NOON, origin="test", wording="yes")
        for one in range(number):
            self.app.subscriptions.enrol(
                f"r{one}@reader.example", wishes, yes, now=NOON - timedelta(days=1)
            )

    def waiting(self) -> int:
        """Mails in the outbox."""
        with self.app.store.register() as register:
            return register.outbox.waiting()

    def ask(self, query: str) -> list[tuple]:
        """What the database says."""
        with self.app.store._engine.begin() as connection:
            answer = connection.exec_driver_sql(query)
            return [tuple(row) for row in answer] if answer.returns_rows else []

    async def works(self) -> None:
        """Everything that waits in the queues is done, by this worker alone."""
        async with self.tasks.queue.open_async():
            await self.tasks.queue.run_worker_async(
                wait=False, delete_jobs="successful", install_signal_handlers=False
            )


@pytest.fixture
def crew(tmp_path, postgres) -> Iterator[Crew]:
    """One worker of an installation."""
    made = Crew(tmp_path, postgres.fresh())
    yield made
    made.app.store.close()
    postgres.drop(made.app.settings.store_url)
