"""Carries mails to the relays beside all else: threads that are woken when mail waits."""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Event, Thread

from newsletter.app import App
from newsletter.carrying import Carrier
from newsletter.delivery import Delivery, Outcome, Result
from newsletter.errors import NewsletterError, StoreError
from newsletter.journal import Journal
from newsletter.store.crew import PATIENCE

_log = logging.getLogger(__name__)

_LAST_MAIL_SECONDS = 8
_SHORTEST_PAUSE = 0.05  # seconds; mails that become due within it are claimed together
_LONGEST_PAUSE = 5.0
_BEFORE_A_PART = 0.5  # until the others have made room for a newcomer
_CLOCKS_DIFFER = timedelta(minutes=1)  # a tenth of a lease
_MARGIN = timedelta(seconds=5)  # the mail begun last has left before others take the part over


class Postman:
    """Calls rounds of work, each in a thread of its own: when woken, and when its time has come.

    Args:
        rounds: each answers after how many seconds it has something to do again, or `None` where it
            had to stand by, and nobody knows whether it could have done anything.
        stopping: set when no further mail is to be begun.
        pause_seconds: the longest pause of each.
    """

    def __init__(
        self,
        rounds: Sequence[Callable[[], float | None]],
        *,
        stopping: Event,
        pause_seconds: float = 5.0,
    ) -> None:
        self._stopping = stopping
        self._pause = pause_seconds
        self._wakes = [Event() for _ in rounds]
        # A relay that hangs must not hold up the end of the process; the ledger stands any end.
        self._threads = [
            Thread(target=self._work, args=pair, name="postman", daemon=True)
            for pair in zip(rounds, self._wakes, strict=True)
        ]

    def start(self) -> None:
        """Begins to work."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """There is mail."""
        for wake in self._wakes:
            wake.set()

    def stop_soon(self) -> None:
        """Finishes the mails in hand and begins no other."""
        self._stopping.set()
        self.wake()

    def stop(self, *, seconds: float | None = None) -> bool:
        """Ends after the mails in hand; false if that takes longer than `seconds`."""
        self.stop_soon()
        end = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            if thread.is_alive():
                thread.join(None if end is None else max(end - time.monotonic(), 0.0))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, round_: Callable[[], float | None], wake: Event) -> None:
        trouble = ""
        while not self._stopping.is_set():
            # Cleared before the round: who calls during it is heard after it.
            wake.clear()
            seconds, trouble = self._once(round_, trouble)
            if not self._stopping.is_set():
                wake.wait(min(seconds, self._pause))

    def _once(self, round_: Callable[[], float | None], before: str) -> tuple[float, str]:
        """One round, and the words of what stopped it; the same words are told once, not for hours."""
        try:
            seconds = round_()
        except NewsletterError as error:
            if str(error) != before:
                _log.error("the postman: %s", error)
            return self._pause, str(error)
        except Exception:  # noqa: BLE001 - the top of a loop that must go on
            _log.exception("the postman stumbled")
            return self._pause, before
        if seconds is None:
            return _BEFORE_A_PART, before
        if before:
            _log.warning("the postman goes on")
        return seconds, ""


def listener(journal: Journal, now: Callable[[], datetime]) -> Callable[[Delivery, Outcome], None]:
    """Counts every outcome and tells it to the log, by the id of the mail alone."""

    def heard(delivery: Delivery, outcome: Outcome) -> None:
        if not outcome.let_go:  # it tells nothing of the relay
            journal.mail_ended(outcome, now())
        level = logging.INFO if outcome.result is Result.ACCEPTED else logging.WARNING
        about = {"delivery": delivery.id, "reply": outcome.reply, "status": outcome.status}
        said = outcome.detail or "without a word"
        _log.log(level, "mail %s: %s", outcome.result, said, extra=about)

    return heard


class PostOffice:
    """The postman of a process with its connections, and what is done beside the mail.

    Where others carry mails over the same database, it takes part in the rates they share.

    Args:
        alarm: hears a name and a sentence when the operator should know something.
        chores: done every few seconds beside the mail.
        name: what this process is called among those that share the rates.

    Raises:
        MailError: a relay cannot be used as it is configured.
    """

    def __init__(
        self,
        app: App,
        journal: Journal,
        *,
        alarm: Callable[[str, str], None],
        chores: Sequence[Callable[[], None]] = (),
        name: str = "",
    ) -> None:
        stopping = Event()
        self._part = PartOfRates(app, name)
        self._office = app.office(stopping=stopping, heard=listener(journal, app.now))
        count = app.settings.smtp.connections if app.settings.smtp.host else 1
        self._transports = [app.transport(app.relays) for _ in range(count)]
        self.rounds = [
            Round(app, Carrier(self._office, transport), alarm) for transport in self._transports
        ]
        self._chores = chores
        self._postman = Postman(
            [self.chores, *(one.go for one in self.rounds)],
            stopping=stopping,
            pause_seconds=_LONGEST_PAUSE,
        )
        self.start = self._postman.start
        self.wake = self._postman.wake
        self.stop_soon = self._postman.stop_soon

    def stop(self) -> None:
        """Ends after the mails in hand; one that hangs keeps its connection till the process ends."""
        if not self._postman.stop(seconds=_LAST_MAIL_SECONDS):
            return
        for transport in self._transports:
            transport.close()
        with contextlib.suppress(StoreError):  # its files wait for the next start
            self._office.notebook.close()
            self._part.give_up()

    def chores(self) -> float:
        """All of them once; answers after how many seconds they are to be done again."""
        has_part = self._part.renew()
        for chore in self._chores:
            chore()
        return _LONGEST_PAUSE if has_part else _BEFORE_A_PART


def mind_the_clock(app: App) -> None:
    """Makes sure that our clock agrees with the one that all who share our database can see.

    Leases are kept by the clock: with a wrong one we would send what others have in hand, or they
    what we have.

    Raises:
        StoreError: it is more than a minute off.
    """
    before = app.now()
    common = app.store.clock()
    if common is None:
        return
    ahead, behind = before - common, common - app.now()
    if max(ahead, behind) > _CLOCKS_DIFFER:
        way = "ahead of" if ahead > behind else "behind"
        minutes = round(max(ahead, behind) / timedelta(minutes=1))
        raise StoreError(
            f"the clock of this machine is {minutes} minutes {way} that of the database; nothing is "
            "sent and no job is done here until it is right (set it by NTP)"
        )


class PartOfRates:
    """What this process may use of the rates that all who carry mails over one database share.

    Args:
        name: of this process; it is made unique.
    """

    def __init__(self, app: App, name: str = "") -> None:
        self._app = app
        self._name = f"{name or socket.gethostname()}-{secrets.token_hex(4)}"[-120:]
        if self._is_shared:
            app.pace.take_part(0.0)

    def renew(self) -> bool:
        """Makes sure of it, in time for the next renewal; false while there is none to be had.

        Raises:
            StoreError: what there is ends when its time is over.
        """
        app, now = self._app, self._app.now()
        if not self._is_shared:
            app.pace.take_part(1.0)
            return True
        part = app.store.take_part(self._name, one_only=app.pace.warms_up(now))
        # Who had none does not know how many mails of the warm-up others have sent.
        warm_up = app.warm_up() if part and not app.pace.has_part(now) else None
        app.pace.take_part(part, until=now + PATIENCE - _MARGIN, warm_up=warm_up)
        return part > 0

    def give_up(self) -> None:
        """Leaves it to the others.

        Raises:
            StoreError: they get it when its time is over.
        """
        if self._is_shared:
            self._app.store.give_up_part(self._name)

    @property
    def _is_shared(self) -> bool:
        return self._app.store.is_shared and self._app.pace.limits(self._app.now())


class Round:
    """What one connection does again and again: mail that is due, and what follows from it."""

    def __init__(self, app: App, carrier: Carrier, alarm: Callable[[str, str], None]) -> None:
        self._app = app
        self._carrier = carrier
        self._alarm = alarm

    def go(self) -> float | None:
        """One round; answers in how many seconds there is something to do again.

        `None` while others have all of the rates, or the database cannot tell our part of them.
        """
        app = self._app
        if not app.pace.has_part(app.now()):
            return None
        mind_the_clock(app)
        done = self._carrier.round()
        app.returns.refused(done.refused, now=app.now())
        if done.crowded_out:
            self._alarm(
                "pace",
                "Mails were given up, because the pace of [smtp] left no room for them in time.",
            )
        return 0.0 if done.claimed else self._pause()

    def _pause(self) -> float:
        at = self._carrier.free_at()
        seconds = (at - self._app.now()).total_seconds() if at else _LONGEST_PAUSE
        return max(seconds, _SHORTEST_PAUSE)
