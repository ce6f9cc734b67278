"""The scheduled container: pages, postman and the jobs of APScheduler in one process."""

from __future__ import annotations

import fcntl
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from newsletter.app import App, utc_now
from newsletter.errors import StoreError
from newsletter.jobs import Jobs
from newsletter.store import file_of
from newsletter.web.server import SiteServer

LOCK = "newsletter.lock"
"""The file in a state directory that whoever is at work there holds."""

_log = logging.getLogger(__name__)

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


class Runner(Jobs):
    """Does everything at its time, until told to stop.

    Args:
        on_ready: called once the pages answer.
        on_stopping: called when the end begins.
        whole: false leaves the lists and the making of digests to others (`newsletter serve`).

    Raises:
        ConfigError, MailError: a setting of the operator's or of the relay cannot be used.
    """

    def __init__(
        self,
        app: App,
        *,
        on_ready: Callable[[], None],
        on_stopping: Callable[[], None] = lambda: None,
        whole: bool = True,
    ) -> None:
        self._app = app
        self._whole = whole
        self._on_stopping = on_stopping
        super().__init__(
            app,
            wake=lambda: self._server.post_office.wake(),
            names=[job.__name__ for job, _ in self._jobs()],
            whole=whole,
        )
        self._server = SiteServer(
            app,
            on_ready=on_ready,
            alarm=self.alarm,
            lookout=self.lookout,
            on_stopping=self._end_begins,
            chore=self._mind_the_clock,
        )
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            # One that was missed is done once; one that still runs is left out, never twice at once.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def run(self, listening: socket.socket) -> None:
        """Runs until Ctrl-C, SIGTERM or `stop`; a job in hand is finished."""
        self._take_over()
        for job, trigger in self._jobs():
            self._scheduler.add_job(
                self.guarded(job),
                trigger,
                id=job.__name__,
                name=job.__name__,
                next_run_time=utc_now(),
            )
        self._scheduler.start()
        try:
            self._server.run(listening)
        finally:
            self._stopping.set()
            self._scheduler.shutdown(wait=True)

    def _take_over(self) -> None:
        """What a killed process had in hand leaves at once: on SQLite nobody else can hold it."""
        self._app.take_over()
        if _holds_alone(self._app):
            with self._app.store.changing_register() as register:
                left = register.outbox.free_all(self._app.now())
            if left:
                _log.warning("%d mails were in hand when the last process ended", left)

    def stop(self) -> None:
        """Ends `run` from another thread."""
        self._server.stop()

    # -- hands

    def _jobs(self) -> list[tuple[Callable[[], None], BaseTrigger]]:
        """Every job with its time; all of them run once at the start."""
        given = self._app.settings.schedule
        jobs: list[tuple[Callable[[], None], BaseTrigger]] = [
            (self.house, _every(_HOUR)),
            # It becomes midnight somewhere at every quarter of an hour.
            (self.resume, CronTrigger(minute="*/15", second=1, timezone=UTC)),
            (self.watch, _every(_MINUTE)),
        ]
        reported = self._app.settings.bounces
        if self._whole and (reported.maildir or reported.host):
            jobs.append((self.reports, _every(timedelta(minutes=reported.poll_minutes))))
        if self._whole:
            jobs += [
                (self.ingest, _every(timedelta(minutes=given.ingest_minutes))),
                (self.compose, _every(timedelta(seconds=given.compose_seconds))),
            ]
        return jobs

    def _mind_the_clock(self) -> None:
        """A clock that was put back would hold up the jobs for as long; they are called anew."""
        now = utc_now()
        for job in self._scheduler.get_jobs():
            if _is_far_off(job, now):
                _log.warning("the clock was put back; the job %s is called anew", job.id)
                job.modify(next_run_time=now)

    def _end_begins(self) -> None:
        self.stop_soon()
        self._on_stopping()


def _every(period: timedelta) -> IntervalTrigger:
    return IntervalTrigger(seconds=period.total_seconds(), timezone=UTC)


def _is_far_off(job: Job, now: datetime) -> bool:
    """Whether the next run is further ahead than the clock, put right, would ever have it."""
    longest: timedelta = getattr(job.trigger, "interval", _HOUR)
    following: Any = job.next_run_time
    return following is not None and following - now > longest + _MINUTE


def _holds_alone(app: App) -> bool:
    """Whether `only_instance` keeps all others away from this store."""
    return app.settings.store_url.startswith("sqlite")


@contextmanager
def only_instance(app: App) -> Iterator[None]:
    """Keeps a second process away from the same SQLite file, and from our notes beside it.

    Raises:
        StoreError: another process holds it, or its directory cannot be written.
    """
    with ExitStack() as locks:
        for lock in sorted(locks_of(app)):
            locks.enter_context(held(lock))
        yield


def locks_of(app: App) -> frozenset[Path]:
    """What whoever is at work here holds: two files where the database lies by itself."""
    if not _holds_alone(app):
        return frozenset()
    found = ((app.settings.state_dir / LOCK).resolve(), lock_beside(app.settings.store_url))
    return frozenset(filter(None, found))


def lock_beside(url: str) -> Path | None:
    """The lock of a database that is a SQLite file, whatever installation names it."""
    file = file_of(url)
    return file.with_suffix(".lock").resolve() if file else None


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Keeps every other process away from what a file stands for.

    Raises:
        StoreError: another process holds it, or it cannot be written.
    """
    with _opened(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(
                f"another newsletter runs on {lock.parent} already; one process holds one SQLite "
                "file (several need PostgreSQL: store.url)"
            ) from None
        yield


def _opened(lock: Path) -> TextIO:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock.open("w")
    except OSError as error:
        raise StoreError(
            f"the directory {lock.parent} cannot be written: {error.strerror}; "
            "give it to the user who runs newsletter, or set paths.state or store.url"
        ) from None
