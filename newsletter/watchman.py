"""Looks after the whole: gathers the facts, keeps the alarms, tells the operator by mail and webhook."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from newsletter.config import Settings
from newsletter.delivery import Result
from newsletter.errors import NewsletterError, StoreError
from newsletter.journal import Journal
from newsletter.mail.alarm_letter import alarm_letter
from newsletter.mail.transport import Transport, send
from newsletter.model import Publication
from newsletter.patience import within
from newsletter.store import News, Store
from newsletter.watch import Alarm, Disk, Facts, RelayStanding, Rules, alarms, discreet, undecided

if TYPE_CHECKING:  # who does not sign needs no cryptography in memory
    from newsletter.mail.dkim import Signer

_log = logging.getLogger(__name__)

_WEBHOOK_SECONDS = 5
_EVENT_HOLDS = timedelta(hours=1)
_REMINDER = timedelta(minutes=1)
_STORE_PATIENCE = 2  # rounds in a row; a database may be locked for a moment
_EVENT_REMEDY = "The log and `docs/operations.md` of newsletter say more."


def rules_of(settings: Settings) -> Rules:
    """From when on something is worth an alarm in this installation."""
    usual = Rules()
    return replace(
        usual,
        late=timedelta(minutes=settings.operator.late_minutes),
        unread=max(usual.unread, 3 * timedelta(minutes=settings.schedule.ingest_minutes)),
    )


class Lookout:
    """Gathers the facts of this moment from the store, the journal and the disk.

    Args:
        whole: see `Facts`.
        place: a directory on the disk to keep an eye on.
        relays: tells how they stand.
        sources: names of the lists that are read.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        rules: Rules,
        *,
        now: Callable[[], datetime],
        place: Path,
        relays: Callable[[], tuple[RelayStanding, ...]] = tuple,
        sources: Sequence[str] = (),
        whole: bool,
    ) -> None:
        self.journal = journal
        self.rules = rules
        self._store = store
        self._now = now
        self._place = place
        self._relays = relays
        self._sources = tuple(sources)
        self._whole = whole

    def facts(self) -> Facts:
        """Everything known now.

        Raises:
            StoreError: the database does not answer.
        """
        now = self._now()
        figures = self._store.figures(now, late=self.rules.late)
        # A list may honestly be empty: then it was read, and the store shows no trace of it.
        looks = [reading.at for reading in self.journal.readings if not reading.failed]
        looks += [figures.last_look_at] if figures.last_look_at else []
        figures = replace(figures, last_look_at=max(looks, default=None))
        return replace(self.own_facts(), now=now, whole=self._whole, figures=figures)

    def try_to_write(self) -> None:
        """Makes sure that the database takes changes; none is made.

        Raises:
            StoreError: it is read-only, full, or locked for long.
        """
        with self._store.changing_register():
            pass

    def own_facts(self) -> Facts:
        """What this process alone knows; the database is not asked."""
        return Facts(
            now=self._now(),
            started_at=self.journal.started_at,
            whole=False,
            readings=self.journal.readings,
            jobs=self.journal.jobs,
            relay=self.journal.relay,
            relays=self._relays(),
            sources=self._sources,
            proofs=self.journal.proofs,
            disk=_disk(self._place),
        )


class Teller:
    """Tells the operator in every way that is set up, and the log in any case; never raises.

    Mails do not pass the outbox: what is wrong may be the outbox.

    Args:
        address, webhook_url: empty for none.
        make_transport: a way out for the one mail; closed after it.
        signer: adds DKIM signatures, where this installation does.
    """

    def __init__(
        self,
        publication: Publication,
        *,
        address: str,
        webhook_url: str,
        make_transport: Callable[[], Transport],
        signer: Signer | None = None,
    ) -> None:
        self._publication = publication
        self._address = address
        self._webhook_url = webhook_url
        self._make_transport = make_transport
        self._signer = signer

    def tell(self, raised: Sequence[Alarm], cleared: Sequence[Alarm], at: datetime) -> bool:
        """Tells all of it at once; false if there are ways to tell and none of them worked."""
        for alarm in raised:
            _log.error("alarm: %s", alarm.sentence, extra={"alarm": alarm.name})
        for alarm in cleared:
            _log.warning("alarm is over: %s", alarm.name, extra={"alarm": alarm.name})
        if not self._address and not self._webhook_url:
            return True
        # Both are tried, whatever becomes of the other.
        heard = [self._by_mail(raised, cleared, at), self._by_webhook(raised, cleared)]
        return any(heard)

    def _by_mail(self, raised: Sequence[Alarm], cleared: Sequence[Alarm], at: datetime) -> bool:
        if not self._address:
            return False
        try:
            raw = alarm_letter(
                self._publication, to=self._address, raised=raised, cleared=cleared, at=at
            )
            raw = self._signer.sign(raw, at=at) if self._signer else raw
            with closing(self._make_transport()) as transport:
                outcome = send(
                    transport,
                    raw,
                    sender=self._publication.from_address,
                    recipient=self._address,
                )
        except Exception as error:  # noqa: BLE001 - an alarm must not become the trouble itself
            _log.warning("the operator could not be mailed: %s", _words(error))
            return False
        if outcome.result is not Result.ACCEPTED:
            _log.warning("the operator could not be mailed: %s", outcome.detail)
        return outcome.result is Result.ACCEPTED

    def _by_webhook(self, raised: Sequence[Alarm], cleared: Sequence[Alarm]) -> bool:
        if not self._webhook_url:
            return False
        posts = [("raised", alarm) for alarm in raised] + [("cleared", alarm) for alarm in cleared]
        return all(self._posted(state, alarm) for state, alarm in posts)

    def _posted(self, state: str, alarm: Alarm) -> bool:
        said = {
            "name": alarm.name,
            "sentence": alarm.sentence,
            "remedy": alarm.remedy,
            "state": state,
        }
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy and no password file of the environment
                # The body of the answer is of no interest, and may never end.
                post = partial(
                    session.post,
                    self._webhook_url,
                    json=said,
                    timeout=_WEBHOOK_SECONDS,
                    allow_redirects=False,
                    stream=True,
                )
                answer = within(2 * _WEBHOOK_SECONDS, post)
                answer.close()
        except Exception as error:  # noqa: BLE001 - see above; its words hold the secret address
            _log.warning("the webhook does not answer (%s)", type(error).__name__)
            return False
        taken = 200 <= answer.status_code < 300  # a redirection is not followed
        if not taken:
            _log.warning("the webhook answers HTTP %d", answer.status_code)
        return taken


class Watchman:
    """Keeps the alarms: raised once, told once, told once more when they are over."""

    def __init__(
        self, lookout: Lookout, store: Store, teller: Teller, *, now: Callable[[], datetime]
    ) -> None:
        self._lookout = lookout
        self._store = store
        self._teller = teller
        self._now = now
        self._store_failures = 0
        self._store_alarm: Alarm | None = None
        self._reminded_at: datetime | None = None

    def look(self) -> None:
        """One round: what is wrong now, and who must hear of it; never raises."""
        now = self._now()
        try:
            facts = self._lookout.facts()
            current = alarms(facts, self._lookout.rules)
            news = self._store.raise_alarms(current, now, but=undecided(facts, self._lookout.rules))
            self._store_answers(now)
            self._tell(news, now)
        except StoreError as error:
            self._store_fails(error, now)

    def remind(self) -> None:
        """Writes down what is wrong with this process, once a minute, for whoever looks next.

        For one of many that take turns to look: an alarm of ours would be called over meanwhile.

        Raises:
            StoreError: it is not written down.
        """
        now = self._now()
        if self._reminded_at and timedelta() <= now - self._reminded_at < _REMINDER:
            return
        self._reminded_at = now
        if ours := alarms(self._lookout.own_facts(), self._lookout.rules):
            self._store.hold_alarms(ours, now)

    def hear(self, name: str, sentence: str) -> None:
        """Something happened that the operator should know, told in the next round; never raises."""
        alarm = Alarm(name=name, sentence=discreet(sentence), remedy=_EVENT_REMEDY)
        now = self._now()
        try:
            self._store.hold_alarm(alarm, now, until=now + _EVENT_HOLDS)
        except StoreError as error:
            _log.error("alarm: %s (and it could not be kept: %s)", alarm.sentence, error)

    def _tell(self, news: News, now: datetime) -> None:
        """What nobody could be told stays untold, and the store asks to tell it again later."""
        raised = [standing.alarm for standing in news.new]
        cleared = [standing.alarm for standing in news.cleared]
        if any(news) and self._teller.tell(raised, cleared, now):
            self._store.alarms_told(news, now)

    def _store_fails(self, error: StoreError, now: datetime) -> None:
        """Without the store nothing can be kept, so this one alarm is remembered here."""
        self._store_failures += 1
        _log.warning("the watch cannot look: %s", error)
        if self._store_failures >= _STORE_PATIENCE and self._store_alarm is None:
            alarm = _database_alarm(error)
            if self._teller.tell([alarm], [], now):
                self._store_alarm = alarm

    def _store_answers(self, now: datetime) -> None:
        self._store_failures = 0
        if self._store_alarm and self._teller.tell([], [self._store_alarm], now):
            self._store_alarm = None


def _database_alarm(error: StoreError) -> Alarm:
    return Alarm(
        name="database",
        sentence=discreet(f"The database cannot be used: {error}"),
        remedy="Look for a full disk, wrong rights of the state directory or a second process. "
        "Nothing is sent until it answers; what was written down stays.",
    )


def _disk(place: Path) -> Disk | None:
    try:
        usage = shutil.disk_usage(place)
    except OSError:
        return None
    return Disk(free=usage.free, total=usage.total)


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, NewsletterError) else type(error).__name__
