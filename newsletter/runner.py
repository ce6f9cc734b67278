"""The scheduled container: pages, postman and the jobs of APScheduler in one process."""

from __future__ import annotations

import fcntl
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from newsletter.app import App, utc_now
from newsletter.errors import NewsletterError, SourceError, StoreError, harmless
from newsletter.journal import Journal
from newsletter.model import Tier
from newsletter.pipeline import LONGEST_GAP, Ingested, Pool, compose_due, ingest
from newsletter.sources.ladder import Sources
from newsletter.sources.spec import SourceKind, SourceSpec, parse_source
from newsletter.watch import Reading
from newsletter.watchman import Teller, Watchman
from newsletter.web.server import SiteServer, make_lookout

_log = logging.getLogger(__name__)

_BEST = {
    SourceKind.TRENDING: Tier.API,
    SourceKind.DAILY: Tier.API,
    SourceKind.ARXIV: Tier.RSS,
}
_FIRST_LOOK = timedelta(minutes=5)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


class Runner:
    """Does everything at its time, until told to stop.

    Each job is a method that tests and commands may call themselves; it is safe to repeat.

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
        self.journal = Journal(app.now(), jobs=[job.__name__ for job, _ in self._jobs()])
        self.lookout = make_lookout(app, self.journal, whole=whole)
        self._watchman = Watchman(self.lookout, app.store, _teller(app), now=app.now)
        self._server = SiteServer(
            app,
            on_ready=on_ready,
            alarm=self._watchman.hear,
            lookout=self.lookout,
            on_stopping=self._end_begins,
            chore=self._mind_the_clock,
        )
        self._pool: tuple[object, Pool] | None = None
        self._stopping = Event()
        self._looked = Event()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            # A job that was missed or still runs is done once more later, never twice at once.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def run(self, listening: socket.socket) -> None:
        """Runs until Ctrl-C, SIGTERM or `stop`; a job in hand is finished."""
        self._take_over()
        for job, trigger in self._jobs():
            self._scheduler.add_job(
                self.guarded(job), trigger, id=job.__name__, next_run_time=utc_now()
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

    # -- the jobs

    def ingest(self) -> None:
        """Reads the configured lists; one that fails is noted and does not stop the others."""
        specs = [parse_source(text) for text in self._app.settings.sources.default]
        try:
            with self._app.reading(specs) as sources:
                for spec in specs:
                    if not self._stopping.is_set():
                        self._read(sources, spec)
        finally:
            self._looked.set()

    def compose(self) -> None:
        """Makes the digests that are due; the postman carries them."""
        app = self._app
        if self._awaits_papers() or not app.has_papers:
            return
        while not self._stopping.is_set():
            done = compose_due(
                app.store,
                self._present_pool(),
                now=app.now(),
                days=app.settings.sources.days_back,
                min_papers=app.settings.digest.min_papers,
            )
            if done.made:
                _log.info("%d digests composed", done.made, extra={"digests": done.made})
                self._server.wake_postman()
            if not done.due:
                return

    def house(self) -> None:
        """Forgets who did not confirm in time."""
        gone = self._app.subscriptions.purge_unconfirmed(now=self._app.now())
        if gone:
            _log.info("%d who did not confirm are forgotten", gone)

    def reports(self) -> None:
        """Reads what came back: bounces, complaints, mails that ask to be let go."""
        box = self._app.report_box()
        if box is None:
            return
        with closing(box):
            done = self._app.returns.take_back(box, now=self._app.now())
        if done:
            told = ", ".join(f"{count} {what}" for what, count in sorted(done.items()))
            _log.info("reports: %s", told)

    def resume(self) -> None:
        """Ends the pauses whose day has come somewhere."""
        back = self._app.subscriptions.resume_due(now=self._app.now())
        if back:
            _log.info("%d pauses are over", len(back))

    def watch(self) -> None:
        """Looks whether the operator must hear of something."""
        self._watchman.look()

    def guarded(self, job: Callable[[], None]) -> Callable[[], None]:
        """A job whose trouble is told and ends with it."""

        def run() -> None:
            error = ""
            try:
                job()
            except NewsletterError as trouble:
                error = str(trouble)
                _log.error("the job %s: %s", job.__name__, error)
            except Exception as trouble:  # noqa: BLE001 - the top of a loop that must go on
                error = f"{type(trouble).__name__}; the log shows where"
                _log.exception("the job %s stumbled", job.__name__)
            self.journal.job_ended(job.__name__, self._app.now(), error)

        return run

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

    def _read(self, sources: Sources, spec: SourceSpec) -> None:
        now = self._app.now()
        reading = Reading(name=spec.name, at=now, best=_BEST.get(spec.kind))
        try:
            done = ingest(sources, self._app.store, spec, now=now)
        except SourceError as error:
            _log.warning("%s", harmless(str(error)), extra={"source": spec.name})
            self.journal.source_read(_failed(reading, error))
            return
        self.journal.source_read(_read_well(reading, done))
        for sentence in done.listing.notes:
            _log.warning("%s", harmless(sentence), extra={"source": spec.name})
        new = len(done.recorded.new)
        _log.info("%d new papers", new, extra={"source": spec.name, "tier": done.listing.tier})

    def _awaits_papers(self) -> bool:
        """After a standstill the lists are read first, so that nobody gets yesterday's papers."""
        if self._looked.is_set():
            return False
        now = self._app.now()
        last = self._app.store.last_look()[1]
        period = timedelta(minutes=self._app.settings.schedule.ingest_minutes)
        is_fresh = last is not None and now - last <= 2 * period
        return not is_fresh and now - self.journal.started_at < _FIRST_LOOK

    def _present_pool(self) -> Pool:
        look = self._app.store.last_look()
        if self._pool is None or self._pool[0] != look:
            days = LONGEST_GAP + self._app.settings.sources.days_back
            self._pool = (look, self._app.look_back(days))
        return self._pool[1]

    def _mind_the_clock(self) -> None:
        """A clock that was put back would hold up the jobs for as long; they are called anew."""
        now = utc_now()
        for job in self._scheduler.get_jobs():
            if _is_far_off(job, now):
                _log.warning("the clock was put back; the job %s is called anew", job.id)
                job.modify(next_run_time=now)

    def _end_begins(self) -> None:
        self._stopping.set()
        self._app.stopping.set()
        self._on_stopping()


def _every(period: timedelta) -> IntervalTrigger:
    return IntervalTrigger(seconds=period.total_seconds(), timezone=UTC)


def _is_far_off(job: Job, now: datetime) -> bool:
    """Whether the next run is further ahead than the clock, put right, would ever have it."""
    longest: timedelta = getattr(job.trigger, "interval", _HOUR)
    following: Any = job.next_run_time
    return following is not None and following - now > longest + _MINUTE


def _teller(app: App) -> Teller:
    given = app.settings.operator
    return Teller(
        app.settings.publication.value(),
        address=given.address,
        webhook_url=given.webhook_url.get_secret_value(),
        make_transport=app.transport,
        signer=app.signer,
    )


def _failed(reading: Reading, error: SourceError) -> Reading:
    return Reading(name=reading.name, at=reading.at, best=reading.best, problem=error.problem)


def _read_well(reading: Reading, done: Ingested) -> Reading:
    return Reading(
        name=reading.name,
        at=reading.at,
        best=reading.best,
        tier=done.listing.tier,
        notes=done.listing.notes,
    )


def _holds_alone(app: App) -> bool:
    """Whether `only_instance` keeps all others away from this store."""
    return app.settings.store_url.startswith("sqlite")


@contextmanager
def only_instance(app: App) -> Iterator[None]:
    """Keeps a second process away from the same SQLite file.

    Raises:
        StoreError: another process holds it.
    """
    if not _holds_alone(app):
        yield
        return
    folder = app.settings.state_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "newsletter.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(
                f"another newsletter runs on {folder} already; one process holds one SQLite file "
                "(several need PostgreSQL: store.url)"
            ) from None
        yield
