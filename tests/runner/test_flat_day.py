"""A day of the scheduler at an accelerated clock: memory and file descriptors stay flat."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import time, timedelta
from pathlib import Path

from runner_world import START, TODAY, House

from newsletter.delivery import DeliveryState

MINUTES = 24 * 60


def test_a_day_of_jobs_leaves_memory_and_file_descriptors_as_they_were(tmp_path):
    """Every job at its minute, with readers at six hours, a relay (a folder) and a watch."""
    house = House(tmp_path, '[store]\nurl = "sqlite://"\n')
    (tmp_path / "second.jsonl").write_bytes(house.list.read_bytes())
    readers = [
        house.reader(f"r{n}@reader.example", send_at=time(hour))
        for n, hour in enumerate((8, 12, 16, 20, 23, 4))
    ]
    jobs = _jobs(house)
    _pass(house, jobs, 0, 60)  # caches fill, modules load
    files, objects = _open_files(), _objects()
    _pass(house, jobs, 60, MINUTES - 120)
    assert _open_files() <= files
    # What the store in memory has kept (papers, digests) is rows of SQLite, not objects of ours.
    assert _objects() - objects < 3_000

    tracemalloc.start()  # it is slow, so the last two hours stand for the day
    _pass(house, jobs, MINUTES - 120, MINUTES - 60)
    before = _traced()
    _pass(house, jobs, MINUTES - 60, MINUTES)
    grown = _traced() - before
    tracemalloc.stop()

    assert grown < 100_000
    assert all(house.digests(reader) == 1 for reader in readers)
    assert dict(house.figures().deliveries) == {DeliveryState.SENT: 6}
    assert {job.failures for job in house.runner.journal.jobs} == {0}
    assert [job.runs for job in house.runner.journal.jobs if job.name == "watch"] == [MINUTES]
    house.close()


def _jobs(house: House) -> list[tuple[int, object]]:
    runner = house.runner
    periods = {"ingest": 30, "compose": 1, "house": 60, "resume": 15, "watch": 1}
    return [(periods[job.__name__], runner.guarded(job)) for job, _ in runner._jobs()]


def _pass(house: House, jobs: list[tuple[int, object]], first: int, last: int) -> None:
    """These minutes of the day pass."""
    for minute in range(first, last):
        house.at = START + timedelta(minutes=minute)
        if minute == 16 * 60:  # half an hour before midnight in UTC the next list opens
            house.lists(TODAY + timedelta(days=1))
        for period, job in jobs:
            if minute % period == 0:
                job()
        if minute % 5 == 1:
            house.runner._server._chores()
            house.runner._server._rounds[0].go()


def _open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def _objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
