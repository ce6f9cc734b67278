"""One worker of a fleet: it carries mails as every process of ours, and takes its turn at the jobs."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

from procrastinate.exceptions import ConnectorException
from procrastinate.schema import SchemaManager
from procrastinate.worker import Worker as QueueWorker

from newsletter.app import App
from newsletter.fleet.tasks import (
    CHORES,
    COMPOSING,
    DEAD_AFTER_SECONDS,
    HEARTBEAT_SECONDS,
    Tasks,
)
from newsletter.jobs import Jobs
from newsletter.postman import PostOffice, mind_the_clock
from newsletter.store.tenants import root_cause

_log = logging.getLogger(__name__)

_JOBS = ("ingest", "compose", "house", "resume", "watch")
# Composing keeps a core busy; the others mostly wait for somebody.
_TOGETHER = {COMPOSING: 1, CHORES: 3}
_LAST_JOB_SECONDS = 5.0
_PAUSE_SECONDS = 2.0  # until a database that was gone is asked again


class Worker:
    """A worker, from its start to SIGTERM.

    Args:
        app: its store must be PostgreSQL.
        name: told in the log and among those that share the rates.
        on_stopping: called when the end begins.

    Raises:
        ConfigError, MailError: a setting of the operator's or of the relay cannot be used.
    """

    def __init__(
        self, app: App, *, name: str, on_stopping: Callable[[], None] = lambda: None
    ) -> None:
        app.store.take_in("procrastinate_jobs", SchemaManager.get_schema())
        self._app = app
        self._name = name
        self._on_stopping = on_stopping
        reported = app.settings.bounces
        names = (*_JOBS, "reports") if reported.maildir or reported.host else _JOBS
        self._jobs = Jobs(app, wake=lambda: self._office.wake(), names=names)
        self._office = PostOffice(
            app,
            self._jobs.journal,
            alarm=self._jobs.alarm,
            # What a dead neighbour on this machine had noted need not wait for its next start.
            chores=[app.renew_keys, app.take_over, self._remind],
            name=name,
        )
        self._tasks = Tasks(
            app, self._jobs, wake=self._office.wake, before=lambda: mind_the_clock(app)
        )
        self._workers: list[QueueWorker] = []
        self._stopping = False
        for teller in ("asyncio", "procrastinate.utils", f"procrastinate.worker.{name}"):
            logging.getLogger(teller).addFilter(_is_no_lost_database)

    def run(self) -> None:
        """Works until SIGTERM or Ctrl-C; the mails and the job in hand are finished."""
        self._app.take_over()
        self._office.start()
        try:
            asyncio.run(self._work())
        finally:
            self._office.stop()

    def stop(self) -> None:
        """Ends `run`; from within its loop."""
        self._stopping = True
        self._jobs.stop_soon()
        self._office.stop_soon()
        for worker in self._workers:
            worker.stop()  # type: ignore[no-untyped-call]
        self._on_stopping()

    def _remind(self) -> None:
        mind_the_clock(self._app)  # alarms of a wrong clock would stand as long as it is ahead
        self._jobs.remind()

    async def _work(self) -> None:
        """The queues are opened anew whenever the database was gone; the postman goes on meanwhile."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        told = ""
        while not self._stopping:
            try:
                # Not even a tick is written down by a clock that is wrong.
                await asyncio.to_thread(mind_the_clock, self._app)
                await self._work_on_queues()
            except Exception as error:  # noqa: BLE001 - the top of a loop that must go on
                told = _told(root_cause(error), told)
            if not self._stopping:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _work_on_queues(self) -> None:
        queue = self._tasks.queue
        async with queue.open_async():
            self._workers = [
                QueueWorker(
                    queue,
                    queues=[name],
                    name=self._name,
                    concurrency=together,
                    shutdown_graceful_timeout=_LAST_JOB_SECONDS,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    update_heartbeat_interval=HEARTBEAT_SECONDS,
                    stalled_worker_timeout=DEAD_AFTER_SECONDS,
                )
                for name, together in _TOGETHER.items()
            ]
            working = [
                asyncio.create_task(worker.run())  # type: ignore[no-untyped-call]
                for worker in self._workers
            ]
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for worker in self._workers:
                worker.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait(working)
            await asyncio.gather(*working)  # what went wrong is raised


def _told(words: str, before: str) -> str:
    """Tells why the queues cannot be worked on; the same words once, not every few seconds."""
    if words != before:
        _log.warning("the queues cannot be worked on: %s", words)
    return words


def _is_no_lost_database(record: logging.LogRecord) -> bool:
    """What Procrastinate says of it in forty lines, and again in as many, is told by us in one.

    By asyncio it tells of a job that somebody took over while we stood still; they have told that.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectorException))
