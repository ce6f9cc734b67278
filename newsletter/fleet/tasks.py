"""The jobs as tasks of Procrastinate: each tick is one worker's business, whoever comes first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued, ProcrastinateException, UniqueViolation
from procrastinate.jobs import Status

from newsletter.app import App
from newsletter.errors import StoreError
from newsletter.fleet.ticks import cron
from newsletter.jobs import Jobs
from newsletter.model import Digest
from newsletter.store import Register
from newsletter.store.tenants import root_cause

_log = logging.getLogger(__name__)

CHORES = "newsletter-chores"
COMPOSING = "newsletter-composing"

HEARTBEAT_SECONDS = 5.0
DEAD_AFTER_SECONDS = 20.0

_FEW = 1000  # digests due that one worker makes; more are shared out
_SHARDS = "0123456789abcdef"  # how ids of subscribers begin
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


class Tasks:
    """Everything that is done at its time by one worker of many.

    A tick is written down once (unique by task and time), waits once (`queueing_lock`) and is worked
    on once at a time (`lock`). That is for economy: each job may be repeated without harm.

    Args:
        wake: called when mail was written down.
        before: called before each job, which is not begun where this raises an error.
    """

    def __init__(
        self,
        app: App,
        jobs: Jobs,
        *,
        wake: Callable[[], None],
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self._before = before
        self._jobs = jobs
        connector = procrastinate.PsycopgConnector(
            kwargs=app.store.connection_arguments(), min_size=1, max_size=4
        )
        # Whatever has not had a tick for a day has one at the start.
        self.queue = procrastinate.App(
            connector=connector, periodic_defaults={"max_delay": timedelta(days=1).total_seconds()}
        )
        # Only ever used on connections of the store.
        self._within = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
        self._add_ticks()
        self.queue.task(name="deliver", queue=CHORES)(wake)
        self.queue.task(name="compose_shard", queue=COMPOSING)(self._compose_shard)

    def _add_ticks(self) -> None:
        given, reported = self._app.settings.schedule, self._app.settings.bounces
        jobs = self._jobs
        self._tick(jobs.ingest, cron(timedelta(minutes=given.ingest_minutes)))
        self._tick(self.compose, cron(timedelta(seconds=given.compose_seconds)), queue=COMPOSING)
        self._tick(jobs.house, cron(_HOUR))
        # It becomes midnight somewhere at every quarter of an hour.
        self._tick(jobs.resume, "*/15 * * * * 1")
        self._tick(jobs.watch, cron(_MINUTE))
        if reported.maildir or reported.host:
            self._tick(jobs.reports, cron(timedelta(minutes=reported.poll_minutes)))
        take_over = self.queue.task(name="take_over", queue=CHORES, queueing_lock="take_over")
        ten_seconds = cron(timedelta(seconds=DEAD_AFTER_SECONDS / 2))
        self.queue.periodic(cron=ten_seconds)(take_over(self._take_over))

    def _tick(self, job: Callable[[], None], at: str, queue: str = CHORES) -> None:
        guarded, name = self._guarded(job, job.__name__), job.__name__

        def tick(timestamp: int) -> None:
            del timestamp
            guarded()

        task = self.queue.task(name=name, queue=queue, lock=name, queueing_lock=name)
        self.queue.periodic(cron=at)(task(tick))

    def compose(self) -> None:
        """Makes the digests that are due; many are shared out by how the readers' ids begin."""
        with self._app.store.register() as register:
            due = register.calendar.count_due(self._app.now())
        if due <= _FEW:
            self._jobs.compose(also=self._deliver)
            return
        for shard in _SHARDS:
            with suppress(AlreadyEnqueued), self._app.store.changing_register() as register:
                name = f"compose {shard}"
                self._within.configure_task(
                    "compose_shard",
                    queue=COMPOSING,
                    lock=name,
                    queueing_lock=name,
                    connection=register.driver_connection,
                ).defer(shard=shard)

    def _compose_shard(self, shard: str) -> None:
        def compose() -> None:
            self._jobs.compose(shard, also=self._deliver)

        self._guarded(compose, "compose")()

    def _guarded(self, job: Callable[[], None], name: str) -> Callable[[], None]:
        def begun() -> None:
            self._before()
            job()

        begun.__name__ = name
        return self._jobs.guarded(begun)

    def _deliver(self, register: Register, digests: Sequence[Digest]) -> None:
        """Wakes a postman, if and only if the transaction that wrote the mails down is committed.

        Raises:
            StoreError: the queue does not take it; that is no fault of any reader's digest.
        """
        if not digests:
            return
        waking = self._within.configure_task(
            "deliver", queue=CHORES, connection=register.driver_connection
        )
        try:
            waking.defer()
        except ProcrastinateException as error:
            said = root_cause(error)
            raise StoreError(f"the queues in the database take no job ({said})") from error

    async def _take_over(self, timestamp: int) -> None:
        """Jobs of workers that are gone are done by others. No lock: it would be among them."""
        del timestamp
        manager = self.queue.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_SECONDS):
            _log.warning("a worker is gone; its job %s is taken over", job.task_name)
            try:
                await manager.retry_job(job)
            except UniqueViolation:  # the next of its kind waits already
                await manager.finish_job(job, status=Status.FAILED, delete_job=True)
