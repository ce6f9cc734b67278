"""An ordeal for the real service: killed, its relay misbehaving, its clock jumping, its disk full.

Everything happens from outside: settings, the database, the relay (`rough_relay.py`), signals.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Condition, Thread
from time import monotonic

import house_settings

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.delivery import DeliveryState
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Tier
from newsletter.pipeline import record
from newsletter.sources.lines import lines_of

HERE = Path(__file__).parent
OPERATOR = "operator@papers.example"
WAIT_SECONDS = 120
LOOK_SECONDS = 0.2  # how often the database is looked into when the relay tells nothing
REST_SECONDS = 3  # a service that does nothing for longer lets its relay rest
QUIET_SECONDS = 24  # for longer: it waits for a lease to run out
RELAY_PATIENCE = 2  # seconds that the service waits for an answer of the relay
STEP = timedelta(minutes=10)
NUDGE = timedelta(minutes=1)
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done to the service.

    Attributes:
        kills: SIGKILLs (or what `RoughRelay.at_moment` does instead) at moments of the SMTP
            dialogue, drawn from all of them.
        blind: SIGKILLs at random times after a start, beside those.
        rates, once: see `rough_relay.py`; at a rate, or once each.
        connections: `smtp.connections`, where it is above 0.
    """

    readers: int
    kills: int = 0
    blind: int = 0
    seed: int = 1
    rates: Mapping[str, float] = field(default_factory=dict)
    once: Sequence[str] = ()
    connections: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What remained of it all, counted at the relay.

    Attributes:
        lost: readers who neither have their mail nor were refused for good.
        duplicates: mails that came more than once, each further copy counted.
        unanswered: mails that the relay kept without saying so: one more copy each is owed.
        in_hand: connections open at these moments, in all: so many mails may come twice.
        changed: mails whose copies differ.
        repeated: attempts for somebody who was refused for good before.
        starts: of the service.
        faults: what the relay did, and how often.
    """

    readers: int
    kills: int
    starts: int
    arrived: int
    refused: int
    lost: int
    duplicates: int
    unanswered: int
    in_hand: int
    changed: int
    repeated: int
    faults: Mapping[str, int]


class Clock:
    """The machine's clock, ahead or behind by what stands in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.ahead = timedelta()
        self._write()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def moves(self, by: timedelta) -> None:
        """Jumps, forward or back."""
        self.ahead += by
        self._write()

    def _write(self) -> None:
        beside = self.file.with_suffix(".new")
        beside.write_text(f"{self.ahead.total_seconds():+.0f}", encoding="ascii")
        beside.replace(self.file)


class RoughRelay:
    """The relay's process, and what it told.

    Attributes:
        at_moment: called at each moment, while the relay stands still; true where the mails in hand
            may come twice because of it.
    """

    def __init__(self, plan: Plan) -> None:
        moments = random.Random(plan.seed).sample(range(1, 4 * plan.readers), plan.kills)
        orders = {
            "seed": plan.seed,
            "rates": dict(plan.rates),
            "once": list(plan.once),
            "moments": moments,
            "late_seconds": RELAY_PATIENCE + 1,
        }
        self.news = Condition()
        self.copies: dict[str, list[str]] = {}
        self.alarms: list[str] = []
        self.readers: set[str] = set()
        self.refused: set[str] = set()
        self.faults: Counter[str] = Counter()
        self.unanswered = self.repeated = self.in_hand = 0
        self.at_moment: Callable[[], bool] = lambda: False
        self._process = subprocess.Popen(
            [sys.executable, HERE / "rough_relay.py", json.dumps(orders)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.port: int = self._told()["port"]
        self._thread = Thread(target=self._listen)
        self._thread.start()

    def close(self) -> None:
        """Ends the relay."""
        self._process.terminate()
        self._thread.join()
        self._process.communicate()

    def wait_for_news(self, seconds: float) -> bool:
        """Until the relay tells something; false if it does not."""
        with self.news:
            return self.news.wait(seconds)

    def _told(self) -> dict:
        assert self._process.stdout
        line = self._process.stdout.readline()
        return json.loads(line) if line else {}

    def _listen(self) -> None:
        while event := self._told():
            if "moment" in event:
                self._moment(event["moment"])
            with self.news:
                self._take(event)
                self.news.notify_all()

    def _take(self, event: dict) -> None:
        if "taken" in event:
            self._keep(event)
        elif "refused" in event:
            self.refused.add(event["refused"])
        elif "fault" in event:
            self.faults[event["fault"]] += 1
        self.repeated += "again" in event

    def _keep(self, event: dict) -> None:
        if event["to"] == OPERATOR:
            self.alarms.append(event["subject"])
            return
        self.copies.setdefault(event["taken"], []).append(event["octets"])
        self.readers.add(event["to"])
        self.unanswered += not event["answered"]

    def _moment(self, connections: int) -> None:
        assert self._process.stdin
        if self.at_moment():
            self.in_hand += connections
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()


class Service:
    """The process of the service, started again whenever it is gone."""

    def __init__(self, settings: Path, clock: Clock, *, machine_clock: bool = False) -> None:
        self.starts = self.kills = 0
        self.log = settings.with_name("service.log")
        self._settings = settings
        self._clock = clock
        self._machine_clock = machine_clock
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Starts it."""
        self.starts += 1
        rest = ["run", "--port", "0", "--config", str(self._settings)]
        environment = dict(os.environ)
        if self._machine_clock:
            environment |= {
                "LD_PRELOAD": str(FAKETIME),
                "FAKETIME_TIMESTAMP_FILE": str(self._clock.file),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1",
            }
            command = [sys.executable, "-m", "newsletter", *rest]
        else:
            command = [sys.executable, str(HERE / "clocked.py"), str(self._clock.file), *rest]
        with self.log.open("ab") as said:
            self.process = subprocess.Popen(command, stderr=said, env=environment)

    def waits_to_say(self, words: str) -> None:
        """Until its log has these words."""
        with self.log.open(encoding="utf-8") as said:
            end = monotonic() + WAIT_SECONDS
            while words not in said.readline():
                assert monotonic() < end, f"it never said {words!r}"

    def kill(self) -> bool:
        """SIGKILL; false if it was gone already."""
        if not self.is_alive:
            return False
        assert self.process
        self.process.kill()
        self.process.wait(WAIT_SECONDS)
        self.kills += 1
        return True

    def end(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process
        self.process.terminate()
        return self.process.wait(WAIT_SECONDS)


class Ordeal:
    """Readers whose digest is due, the service, the relay and the clock."""

    def __init__(self, folder: Path, plan: Plan, *, machine_clock: bool = False) -> None:
        self.plan = plan
        self.clock = Clock(folder / "clock")
        self.relay = RoughRelay(plan)
        self.settings = write_settings(folder, self.relay.port, plan.connections)
        self.app = App(load_settings(self.settings), now=self.clock)
        self.service = Service(self.settings, self.clock, machine_clock=machine_clock)
        self.relay.at_moment = self.service.kill
        self._chance = random.Random(plan.seed)
        self._later: list[tuple[float, Callable[[], object]]] = []
        stock(self.app, folder / "list.jsonl")

    def close(self) -> None:
        """Ends everything."""
        self.service.kill()
        self.relay.close()
        self.app.store.close()

    def runs_until_all_is_done(self) -> Outcome:
        """Lives through the plan."""
        while not self.is_done():
            if not self.service.is_alive:
                self.service.start()
            self._lives()
        kills = self.service.kills
        if self.service.is_alive:
            assert self.service.end() == 0
        return self._outcome(kills)

    def is_done(self) -> bool:
        """Whether every digest was made and no mail waits."""
        return self.undone() == 0 and self.waiting() == 0

    def waiting(self) -> int:
        """Mails that have not come to an end."""
        with self.app.store.register() as register:
            return register.outbox.waiting()

    def undone(self) -> int:
        """Digests that are due and not made."""
        return self.app.store.figures(self.clock(), late=timedelta()).undone

    def rests(self) -> bool:
        """Whether nothing can happen at this time of the clock."""
        figures = self.app.store.figures(self.clock(), late=timedelta())
        sending = dict(figures.deliveries).get(DeliveryState.SENDING, 0)
        return figures.undone == figures.overdue == sending == 0

    def fills(self, disk: SmallDisk, *, seconds: float) -> None:
        """The disk is full for so long; the service is killed and started again meanwhile."""
        disk.fill()
        now = monotonic()
        self._later += [(now + seconds / 2, self.service.kill), (now + seconds, disk.empty)]

    def _lives(self) -> None:
        blind = self.service.starts <= self.plan.blind
        end = monotonic() + self._chance.uniform(0.2, 6.0) if blind else None
        heard = nudged = monotonic()
        while self.service.is_alive and not self.is_done():
            self._does_what_was_put_off()
            if self.relay.wait_for_news(LOOK_SECONDS):
                heard = nudged = monotonic()
            if end and monotonic() > end:
                self.service.kill()
                self.relay.in_hand += max(1, self.plan.connections)
            elif self.rests() or monotonic() - heard > QUIET_SECONDS:
                self.clock.moves(STEP)
                heard = nudged = monotonic()
            elif monotonic() - nudged > REST_SECONDS:
                self.clock.moves(NUDGE)
                nudged = monotonic()

    def _does_what_was_put_off(self) -> None:
        for planned in [planned for planned in self._later if planned[0] < monotonic()]:
            self._later.remove(planned)
            planned[1]()

    def _outcome(self, kills: int) -> Outcome:
        relay = self.relay
        served = relay.readers | relay.refused
        return Outcome(
            readers=self.plan.readers,
            kills=kills,
            starts=self.service.starts,
            arrived=len(relay.readers),
            refused=len(relay.refused - relay.readers),
            lost=self.plan.readers - len(served),
            duplicates=sum(len(copies) - 1 for copies in relay.copies.values()),
            unanswered=relay.unanswered,
            in_hand=relay.in_hand,
            changed=sum(len(set(copies)) > 1 for copies in relay.copies.values()),
            repeated=relay.repeated,
            faults=dict(relay.faults),
        )


def enrol(app: App, readers: int) -> None:
    """So many readers whose weekly digest was due an hour ago."""
    now = app.now()
    due = now - timedelta(hours=1)
    asked = due - timedelta(days=1)
    wishes = Wishes(
        profile=Profile(topics=("sparse attention",)),
        cadence=Cadence.WEEKLY,  # so a mail has its two days to arrive
        weekday=due.weekday(),
        send_at=due.time().replace(second=0, microsecond=0),
    )
    consent = Consent(at=asked, origin="form", wording="yes")
    for number in range(readers):
        app.subscriptions.enrol(f"r{number}@reader.example", wishes, consent, now=asked)


class SmallDisk:
    """A disk of a few megabytes at a folder, which can be filled to its last octet."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Nothing can be written any more."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size):
                        """Until nothing fits."""

    def empty(self) -> None:
        """There is room again."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk | None]:
    """Mounts one at the folder; `None` where that is not allowed."""
    folder.mkdir(parents=True)
    kind = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(kind, capture_output=True).returncode:
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def ordeal(folder: Path, plan: Plan, *, machine_clock: bool = False) -> Iterator[Ordeal]:
    """The ordeal, ready to begin; everything ends with it."""
    made = Ordeal(folder, plan, machine_clock=machine_clock)
    try:
        enrol(made.app, plan.readers)
        yield made
    finally:
        made.close()


def stock(app: App, file: Path) -> None:
    """Five papers in the store, and the list of them in a file."""
    now = app.now()
    entries = tuple(
        Entry(
            paper=Paper(
                id=f"2604.0000{number}",
                title=f"Sparse attention, part {number}",
                abstract="All about sparse attention. It is fast. " * 5,
                listed_on=now.date(),
            ),
            rank=number,
        )
        for number in range(1, 6)
    )
    listing = Listing(source="daily", tier=Tier.API, entries=entries, listed_on=now.date())
    record(app.store, listing, now=now)
    file.write_text(lines_of(listing), encoding="utf-8")


def write_settings(folder: Path, smtp_port: int, connections: int = 0) -> Path:
    """Settings that read `list.jsonl` in the folder and mail by that relay."""
    sources = f'[sources]\ndefault = ["{folder / "list.jsonl"}"]\n'
    relay = f"timeout_seconds = {RELAY_PATIENCE}\n"
    relay += f"connections = {connections}\n" if connections else ""
    operator = f'[operator]\naddress = "{OPERATOR}"\n'
    return house_settings.write_settings(
        folder, smtp_port=smtp_port, smtp=relay, more=sources + operator
    )
