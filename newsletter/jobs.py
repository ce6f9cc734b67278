"""What an installation does again and again beside the mail, each job safe to repeat."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING

from newsletter.app import App
from newsletter.composing import Also, Trouble, nothing_more
from newsletter.errors import NewsletterError, SourceError, harmless
from newsletter.journal import Journal
from newsletter.model import Tier
from newsletter.pipeline import Pool, compose_due, ingest
from newsletter.schedule import LONGEST_GAP
from newsletter.sources.spec import SourceKind, SourceSpec, parse_source
from newsletter.watch import Reading
from newsletter.watchman import Lookout, Teller, Watchman, rules_of

if TYPE_CHECKING:  # who reads no lists needs nothing of the web in memory
    from newsletter.sources.ladder import Sources

_log = logging.getLogger(__name__)

_BEST = {
    SourceKind.TRENDING: Tier.API,
    SourceKind.DAILY: Tier.API,
    SourceKind.ARXIV: Tier.RSS,
}
_FIRST_LOOK = timedelta(minutes=5)


class Jobs:
    """The jobs; when each is done is the business of others (`runner`, `fleet`).

    Args:
        wake: called when mail was written down.
        names: of the jobs that are going to be done, so that they are seen before their first end.
        whole: see `newsletter.watch.Facts`.

    Raises:
        ConfigError, MailError: a setting of the operator's or of the relay cannot be used.
    """

    def __init__(
        self, app: App, *, wake: Callable[[], None], names: Sequence[str], whole: bool = True
    ) -> None:
        # A model, a mailbox or a source that cannot be used is told at the start, not by night.
        _ = app.encoder
        app.report_box()  # which asks nobody yet
        self._specs = [parse_source(text) for text in app.settings.sources.default if whole]
        self._app = app
        self._wake = wake
        self.journal = Journal(app.now(), jobs=names)
        names_of_lists = [spec.name for spec in self._specs]
        self.lookout = make_lookout(app, self.journal, whole=whole, sources=names_of_lists)
        self._watchman = Watchman(self.lookout, app.store, _teller(app), now=app.now)
        self.alarm = self._watchman.hear
        self._pool: tuple[object, Pool] | None = None
        self._stopping = Event()
        self._looked = Event()

    def ingest(self) -> None:
        """Reads the configured lists; one that fails is noted and does not stop the others."""
        try:
            with self._app.reading(self._specs) as sources:
                for spec in self._specs:
                    if not self._stopping.is_set():
                        self._read(sources, spec)
        finally:
            self._looked.set()

    def compose(self, shard: str = "", also: Also = nothing_more) -> None:
        """Makes the digests that are due; the postman carries them.

        Args:
            shard, also: see `newsletter.pipeline.compose_due`.
        """
        app = self._app
        if self._awaits_papers() or not app.has_papers:
            return
        # The pool costs time and memory, so it waits for somebody who is due.
        while not self._stopping.is_set() and self._is_anybody_due():
            done = compose_due(
                app.store,
                self._present_pool(),
                now=app.now(),
                days=app.settings.sources.days_back,
                min_papers=app.settings.digest.min_papers,
                shard=shard,
                also=also,
            )
            self._tell_of_readers(done.troubles)
            if done.made:
                _log.info("%d digests composed", done.made, extra={"digests": done.made})
                self._wake()
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

    def remind(self) -> None:
        """Makes sure that whoever looks next knows of our own troubles; see `Watchman`."""
        self._watchman.remind()

    def stop_soon(self) -> None:
        """The job in hand ends as soon as it may."""
        self._stopping.set()
        self._app.stopping.set()

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

    def _is_anybody_due(self) -> bool:
        with self._app.store.register() as register:
            return register.calendar.count_due(self._app.now()) > 0

    def _read(self, sources: Sources, spec: SourceSpec) -> None:
        now = self._app.now()
        reading = Reading(name=spec.name, at=now, best=_BEST.get(spec.kind))
        try:
            done = ingest(sources, self._app.store, spec, now=now)
        except SourceError as error:
            self._tell_of(spec, str(error))
            if not self._stopping.is_set():
                self.journal.source_read(replace(reading, problem=error.problem))
            return
        listing, new = done.listing, len(done.new)
        self.journal.source_read(replace(reading, tier=listing.tier, notes=listing.notes))
        for sentence in listing.notes:
            self._tell_of(spec, sentence)
        _log.info("%d new papers", new, extra={"source": spec.name, "tier": listing.tier})

    def _tell_of(self, spec: SourceSpec, sentence: str) -> None:
        """Trouble with a list; not where the end of the service cuts a reading short."""
        level = logging.INFO if self._stopping.is_set() else logging.WARNING
        _log.log(level, "%s", harmless(sentence), extra={"source": spec.name})

    def _tell_of_readers(self, troubles: Sequence[Trouble]) -> None:
        for one in troubles:
            _log.error("the digest of the subscriber %s: %s", one.subscriber_id, one.said)
        if troubles:
            first, further = troubles[0], len(troubles) - 1
            others = f" ({further} more: see the log)" if further else ""
            self.alarm(
                "readers",
                f"The digest of the subscriber {first.subscriber_id}: {first.said}{others}.",
            )

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
            self._pool = None  # what was made ready for its papers goes before the next is made
            days = LONGEST_GAP + self._app.settings.sources.days_back
            self._pool = (look, self._app.look_back(days))
        return self._pool[1]


def make_lookout(
    app: App, journal: Journal, *, whole: bool, sources: Sequence[str] = ()
) -> Lookout:
    """What gathers the facts of an installation; `whole`, `sources` as in `newsletter.watch.Facts`."""
    return Lookout(
        app.store,
        journal,
        rules_of(app.settings),
        now=app.now,
        place=app.database_dir,
        relays=lambda: app.relays.standings,
        sources=sources,
        whole=whole,
    )


def _teller(app: App) -> Teller:
    given = app.settings.operator
    return Teller(
        app.settings.publication.value(),
        address=given.address,
        webhook_url=given.webhook_url.get_secret_value(),
        make_transport=app.transport,
        signer=app.signer,
    )
