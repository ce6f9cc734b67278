"""The real scheduler: every job runs, none overlaps with itself, none stops another, all ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

import requests
from runner_world import House

from newsletter.listen import bind, url_of
from newsletter.runner import Runner

WAIT_SECONDS = 30


@contextmanager
def running(house: House) -> Iterator[str]:
    """The runner at work in a thread; its address."""
    runner = house.runner
    with bind("127.0.0.1", 0) as listening:
        url = url_of(listening)
        thread = Thread(target=runner.run, args=(listening,))
        thread.start()
        try:
            assert house.ready.wait(WAIT_SECONDS)
            yield url
        finally:
            runner.stop()
            thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


def eventually(holds: Callable[[], bool]) -> None:
    """Waits for something that other threads do."""
    tick = Event()
    for _ in range(WAIT_SECONDS * 50):
        if holds():
            return
        tick.wait(0.02)
    raise AssertionError("it never came to that")


def runs(runner: Runner) -> dict[str, int]:
    return {job.name: job.runs for job in runner.journal.jobs}


def test_every_job_runs_at_the_start_and_the_end_comes_when_asked_for(tmp_path):
    house = House(tmp_path)
    with running(house) as url:
        eventually(lambda: all(runs(house.runner).values()))
        assert requests.get(f"{url}/readyz", timeout=WAIT_SECONDS).text == "ready\n"
        text = requests.get(f"{url}/metrics", timeout=WAIT_SECONDS).text
        assert 'newsletter_job_runs_total{job="ingest"} 1' in text
        assert "newsletter_papers 8" in text
    house.close()


def test_a_digest_that_is_due_is_made_and_leaves(tmp_path):
    house = House(tmp_path, compose_seconds=0.05)
    house.reader()
    house.later(minutes=31)
    with running(house):
        eventually(lambda: len(house.mails()) == 1)
        eventually(lambda: dict(house.runner.journal.mails)["accepted"] == 1)
    house.close()


def test_a_job_that_always_fails_stops_no_other(tmp_path, monkeypatch):
    house = House(tmp_path, ingest_minutes=0.001, compose_seconds=0.05)

    def broken(**_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(house.app, "reading", broken)
    with running(house):
        eventually(lambda: runs(house.runner)["ingest"] >= 4)
        before = runs(house.runner)["compose"]
        eventually(lambda: runs(house.runner)["compose"] >= before + 3)
    failures = {job.name: job.failures for job in house.runner.journal.jobs}
    assert failures["ingest"] >= 4
    assert failures["compose"] == failures["house"] == 0
    house.close()


def test_a_slow_job_never_overlaps_with_itself(tmp_path, monkeypatch, caplog):
    house = House(tmp_path, ingest_minutes=0.001, compose_seconds=0.02)
    inside, most, lock, go_on = 0, 0, Lock(), Event()

    def slow(**_: object) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        go_on.wait(WAIT_SECONDS)
        with lock:
            inside -= 1

    slow.__name__ = "ingest"
    monkeypatch.setattr(house.runner, "ingest", slow)
    with running(house):
        # Ten times the other job's period, so the slow one was due many times over.
        eventually(lambda: runs(house.runner)["compose"] >= 10)
        go_on.set()
        eventually(lambda: runs(house.runner)["ingest"] >= 3)
    assert most == 1
    assert any('job "ingest (' in said for said in caplog.messages)  # told by its name
    house.close()
