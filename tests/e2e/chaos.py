"""Kills the real service at the worst moments while it delivers to a real SMTP server."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email import message_from_bytes
from pathlib import Path
from threading import Event

from aiosmtpd.controller import Controller

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.listen import bind
from newsletter.membership import Consent, Wishes
from newsletter.model import Entry, Listing, Paper, Profile, Tier
from newsletter.pipeline import compose, record

WAIT_SECONDS = 120
DAY = date(2026, 4, 3)


@dataclass
class Sink:
    """Takes mails, and kills who sends them when a number of mails is reached."""

    seed: int
    every: tuple[int, int] = (2, 9)
    kills_left: int = 0
    kills: int = 0
    mails: Counter[str] = field(default_factory=Counter)
    octets: dict[str, set[bytes]] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._until = self._chance.randint(*self.every)
        self.killed = Event()

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keeps the mail; then it may be the sender's last."""
        name = message_from_bytes(envelope.content)["Message-ID"]
        self.mails[name] += 1
        self.octets.setdefault(name, set()).add(envelope.content)
        self._until -= 1
        if self._until <= 0 and self.kills_left:
            self._kill()
        return "250 2.0.0 taken"

    def _kill(self) -> None:
        """Before our 250 leaves: the sender will never know that we have it (RFC 1047)."""
        self._until = self._chance.randint(*self.every)
        self.kills_left -= 1
        self.kills += 1
        if self.process:
            self.process.send_signal(signal.SIGKILL)
        self.killed.set()


@dataclass(frozen=True)
class Outcome:
    """What remained of it all."""

    kills: int
    wanted: int
    arrived: int
    duplicates: int
    changed: int
    waiting: int


def ordeal(folder: Path, *, readers: int, kills: int, seed: int = 1) -> Outcome:
    """So many digests, so many kills; runs until nothing waits any more."""
    sink = Sink(seed, kills_left=kills, every=(1, max(2, 2 * readers // (kills + 1))))
    with _listening(sink) as smtp_port:
        settings = _settings(folder, smtp_port)
        app = App(load_settings(settings))
        try:
            wanted = _queue(app, readers)
            while _waiting(app):
                _live_until_killed_or_done(app, settings, sink)
            return Outcome(
                kills=sink.kills,
                wanted=wanted,
                arrived=len(sink.mails),
                duplicates=sum(sink.mails.values()) - len(sink.mails),
                changed=sum(len(copies) > 1 for copies in sink.octets.values()),
                waiting=_waiting(app),
            )
        finally:
            app.store.close()


def _live_until_killed_or_done(app: App, settings: Path, sink: Sink) -> None:
    sink.killed.clear()
    command = [sys.executable, "-m", "newsletter", "serve", "--port", "0", "--config", settings]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ) as process:
        sink.process = process
        try:
            while process.poll() is None and _waiting(app):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(WAIT_SECONDS)


def _waiting(app: App) -> int:
    with app.store.register() as register:
        return register.outbox.waiting()


def _queue(app: App, readers: int) -> int:
    """A digest for each reader, waiting to be sent."""
    now = datetime.now(UTC)
    paper = Paper(id="2604.00001", title="Sparse attention", listed_on=DAY)
    entry = Entry(paper=paper, rank=1)
    record(
        app.store, Listing(source="daily", tier=Tier.API, entries=(entry,), listed_on=DAY), now=now
    )
    pool = app.pool()
    consent = Consent(at=now, origin="form", wording="yes")
    wishes = Wishes(profile=Profile(topics=("sparse attention",)))
    made = 0
    for number in range(readers):
        reader = app.subscriptions.enrol(f"r{number}@reader.example", wishes, consent, now=now)
        made += compose(app.store, reader, pool, edition=str(DAY), now=now) is not None
    return made


@contextlib.contextmanager
def _listening(sink: Sink) -> Iterator[int]:
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def _settings(folder: Path, smtp_port: int) -> Path:
    file = folder / "settings.toml"
    file.write_text(
        f"""
[publication]
base_url = "https://papers.example"
from_address = "digest@papers.example"
reply_to = "hello@papers.example"
postal_address = "1 Example Street, Example City"
[paths]
state = "{folder / "state"}"
cache = "{folder / "cache"}"
[smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
""",
        encoding="utf-8",
    )
    return file
