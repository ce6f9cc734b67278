"""A day of the scheduled service at a clock moved by hand: memory and file descriptors stay flat.

    python bench/day.py               # 300 readers, 3 days
    python bench/day.py 1000 1

Every job at its minute, a list that changes each hour, mails to a relay in a process of its own.
"""

from __future__ import annotations

import gc
import resource
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from chaos import Plan, RoughRelay, write_settings

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Tier
from newsletter.runner import Runner
from newsletter.sources.lines import lines_of

START = datetime(2026, 4, 8, 0, 0, tzinfo=UTC)
PAPERS_A_DAY = 60
FIELDS = ("sparse attention", "robot hands", "protein folding", "weather maps")
PERIODS = {"ingest": 30, "compose": 1, "house": 60, "resume": 15, "watch": 1}
TOLD_HOURS = (1, 2, 6, 12, 18, 24)


class Day:
    """The installation, its readers and its clock."""

    def __init__(self, folder: Path, relay: RoughRelay, readers: int) -> None:
        self.at = START
        self._list = folder / "list.jsonl"
        settings = load_settings(write_settings(folder, relay.port))
        self.app = App(settings, now=lambda: self.at)
        self._runner = Runner(self.app, on_ready=lambda: None)
        self._jobs = [(PERIODS[job.__name__], self._runner.guarded(job)) for job in self._asked()]
        for number in range(readers):
            self._enrol(number)

    def passes(self, hours: int) -> None:
        """So many hours go by, minute for minute."""
        end = self.at + timedelta(hours=hours)
        while self.at < end:
            self._changes_its_list()
            minute = (self.at - START) // timedelta(minutes=1)
            for period, job in self._jobs:
                if minute % period == 0:
                    job()
            while not self._runner._server.post_office.rounds[0].go():
                """There may be more than one round can carry."""
            self.at += timedelta(minutes=1)

    def _asked(self) -> list:
        return [job for job, _ in self._runner._jobs()]

    def _enrol(self, number: int) -> None:
        minute = number * 1440 // 300 % 1440
        wishes = Wishes(
            profile=Profile(topics=(FIELDS[number % 4],), max_papers=10),
            cadence=Cadence.DAILY,
            send_at=time_of_day(minute // 60, minute % 60),
        )
        yes = Consent(at=self.at, origin="form", wording="yes")
        self.app.subscriptions.enrol(f"r{number}@reader.example", wishes, yes, now=self.at)

    def _changes_its_list(self) -> None:
        """Votes change, and papers are added, every hour."""
        if self.at.minute == 0:
            self._list.write_text(lines_of(_listing(self.at)), encoding="utf-8")


def _listing(at: datetime) -> Listing:
    shown = PAPERS_A_DAY * (at.hour + 1) // 24
    entries = tuple(
        Entry(paper=_paper(at.date(), number), rank=number, upvotes=number + at.hour)
        for number in range(1, shown + 1)
    )
    source = f"daily:{at.date()}"
    return Listing(source=source, tier=Tier.API, entries=entries, listed_on=at.date())


def _paper(day: date, number: int) -> Paper:
    name = FIELDS[number % len(FIELDS)]
    return Paper(
        id=f"{day:%y%m}.{day.day:02}{number:03}",
        title=f"{name.capitalize()} study {day.day}-{number}",
        abstract=f"We study {name} on day {day.day}, for the {number}th time. " * 10,
        listed_on=day,
    )


def main(readers: int, days: int) -> None:
    """Measures and prints."""
    begun = time.perf_counter()
    relay = RoughRelay(Plan(readers=readers))
    with tempfile.TemporaryDirectory() as folder:
        day = Day(Path(folder), relay, readers)
        print("| hour | mails | RSS MB | open files |\n|---:|---:|---:|---:|")
        passed = 0
        for hour in (*TOLD_HOURS, *(24 * n for n in range(2, days + 1))):
            day.passes(hour - passed)
            passed = hour
            print(f"| {hour} | {len(relay.copies)} | {_rss():.1f} | {_open_files()} |", flush=True)
        day.app.store.close()
    relay.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{readers} readers, highest RSS {peak:.0f} MB, {time.perf_counter() - begun:.0f} s")


def _rss() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1_048_576


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


if __name__ == "__main__":
    readers, days = (*(int(word) for word in sys.argv[1:]), *(300, 3)[len(sys.argv) - 1 :])
    main(readers, days)
