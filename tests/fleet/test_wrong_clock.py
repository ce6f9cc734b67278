"""A process whose clock is wrong leaves the work to those whose clocks agree with the database."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from newsletter.errors import StoreError
from newsletter.fleet import worker as worker_module
from newsletter.fleet.tasks import Tasks
from newsletter.fleet.worker import Worker
from newsletter.postman import Round, mind_the_clock

MINUTE = timedelta(minutes=1)


@pytest.fixture
def common(crew) -> datetime:
    """What the clock of the database says; that of the crew agrees at first."""
    crew.at = crew.app.store.clock()
    return crew.at


@pytest.mark.parametrize(
    ("off", "words"), [(15, "15 minutes ahead of"), (-15, "15 minutes behind")]
)
def test_with_a_wrong_clock_no_mail_is_claimed_and_it_is_told_why(crew, common, off, words):
    crew.at = common + off * MINUTE

    with pytest.raises(StoreError, match=words):
        Round(crew.app, carrier=None, alarm=None).go()

    assert crew.waiting() == 0


def test_a_clock_that_is_some_seconds_off_is_right_enough(crew, common):
    for seconds in (-50, 0, 50):
        crew.at = common + timedelta(seconds=seconds)
        mind_the_clock(crew.app)


def test_with_a_wrong_clock_no_job_is_done(crew, common):
    tasks = Tasks(crew.app, crew.jobs, wake=lambda: None, before=lambda: mind_the_clock(crew.app))
    crew.tasks = tasks
    crew.papers()
    crew.readers(1)
    crew.at = common + timedelta(days=1)
    crew.ask(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args) "
        """VALUES ('newsletter-composing', 'compose', '{"timestamp": 0}')"""
    )

    asyncio.run(crew.works())

    assert crew.waiting() == 0
    compose = crew.jobs.journal.jobs[0]
    assert "1440 minutes ahead" in compose.last_error


def test_with_a_wrong_clock_not_even_a_tick_is_written_down(crew, common, monkeypatch, caplog):
    monkeypatch.setattr(worker_module, "_PAUSE_SECONDS", 0)
    crew.at = common + timedelta(days=1)
    worker = Worker(crew.app, name="ada")
    times = iter([None, None, worker.stop])
    check = worker_module.mind_the_clock

    def checks(app) -> None:
        if stop := next(times):
            stop()
        check(app)

    monkeypatch.setattr(worker_module, "mind_the_clock", checks)
    asyncio.run(worker._work())

    assert crew.ask("SELECT count(*) FROM procrastinate_periodic_defers") == [(0,)]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "1440 minutes ahead of that of the database" in caplog.text


def test_a_store_of_one_process_has_no_other_clock(tmp_path):
    from newsletter.store import open_store

    store = open_store(f"sqlite:///{tmp_path / 'n.db'}")
    assert store.clock() is None
    store.close()
