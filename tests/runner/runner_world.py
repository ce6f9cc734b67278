"""A whole installation whose lists are files and whose mails become files; the clock is moved by hand."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from threading import Event

from blank_store import blank_store
from house_settings import write_settings

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Subscriber, Tier
from newsletter.runner import Runner
from newsletter.sources.lines import lines_of
from newsletter.watch import Figures

# A Wednesday, half an hour before the digests.
START = datetime(2026, 4, 8, 7, 30, tzinfo=UTC)
TODAY = date(2026, 4, 8)
YES = Consent(at=START, origin="test", wording="yes")


def listing(day: date, number: int = 8) -> Listing:
    """A day's list of papers about one field."""
    entries = tuple(
        Entry(
            paper=Paper(
                id=f"{day:%y%m}.{day.day:02}{n:03}",
                title=f"Sparse attention study {day:%d} {n}",
                abstract="All about sparse attention. It is fast.",
                url=f"https://papers.example/{n}",
                listed_on=day,
            ),
            rank=n,
            upvotes=n,
        )
        for n in range(1, number + 1)
    )
    return Listing(source=f"daily:{day}", tier=Tier.API, entries=entries, listed_on=day)


class House:
    """The installation and its runner; each job can be called at any simulated time."""

    def __init__(self, folder: Path, settings: str = "", **schedule: float) -> None:
        self.folder = folder
        self.ready = Event()
        self.at = START
        self.list = folder / "today.jsonl"
        self.lists(TODAY)
        lists = f'["{self.list}", "{folder / "second.jsonl"}"]'
        operator = '[operator]\naddress = "op@papers.example"\n'
        file = write_settings(folder, more=f"[sources]\ndefault = {lists}\n{operator}{settings}")
        given = load_settings(file)
        # A test has no time for the shortest periods that an operator may set.
        hasty = {"schedule": given.schedule.model_copy(update=schedule)}
        if "[store]" not in settings:
            blank_store(folder / "state" / "newsletter.db")
        self.app = App(given.model_copy(update=hasty), now=lambda: self.at)
        self.runner = Runner(self.app, on_ready=self.ready.set)

    def lists(self, day: date) -> None:
        """The list of a day lies where it is read."""
        self.list.write_text(lines_of(listing(day)), encoding="utf-8")

    def later(self, **passed: float) -> None:
        """Time passes."""
        self.at += timedelta(**passed)

    def reader(self, address: str = "ines@reader.example", **wishes: object) -> Subscriber:
        """Somebody who gets a daily digest at eight."""
        profile = Profile(topics=("sparse attention",), max_papers=3, surprise=False)
        asked = Wishes(profile=profile, **({"cadence": Cadence.DAILY} | wishes))
        return self.app.subscriptions.enrol(address, asked, YES, now=self.at)

    def digests(self, reader: Subscriber) -> int:
        """How many digests were made for somebody."""
        with self.app.store.register() as register:
            return len(register.digests.of(reader.id))

    def figures(self) -> Figures:
        """What the store says of the whole."""
        return self.runner.lookout.facts().figures

    def mails(self) -> list[EmailMessage]:
        """Every mail that left, in order."""
        files = sorted((self.folder / "state" / "outbox").glob("*.eml"))
        return [
            email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            for file in files
        ]

    def close(self) -> None:
        self.app.store.close()
