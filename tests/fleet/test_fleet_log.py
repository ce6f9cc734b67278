"""What a worker says while its database is gone: one sentence, not the pages of its library."""

from __future__ import annotations

import asyncio
import logging

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException

from newsletter.fleet import worker as worker_module
from newsletter.fleet.worker import Worker

GONE = 'connection to server on socket "/run/s" failed: Connection refused\n\tIs it running?'


@pytest.fixture
def worker(crew, monkeypatch) -> Worker:
    """One that asks again at once, and whose database is gone three times."""
    monkeypatch.setattr(worker_module, "_PAUSE_SECONDS", 0)
    crew.at = crew.app.store.clock()
    made = Worker(crew.app, name="ada")
    times = iter(range(3))

    async def breaks() -> None:
        if next(times, None) is None:
            made.stop()
        else:
            raise ConnectorException from psycopg.OperationalError(GONE)

    monkeypatch.setattr(made, "_work_on_queues", breaks)
    return made


def test_a_database_that_is_gone_is_told_once_with_what_to_do(worker, caplog):
    asyncio.run(worker._work())

    (told,) = caplog.records
    words = "no server listens there; is it running? (Connection refused)"
    assert told.getMessage() == f"the queues cannot be worked on: {words}"


@pytest.mark.parametrize("teller", ["asyncio", "procrastinate.utils", "procrastinate.worker.ada"])
@pytest.mark.usefixtures("worker")
def test_the_library_tells_of_it_no_more_but_of_all_else(teller, caplog):
    for error in (ConnectorException(), KeyError("x")):
        logging.getLogger(teller).error("listener error", exc_info=error)

    (told,) = caplog.records
    assert told.exc_info[0] is KeyError
