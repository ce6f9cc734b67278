"""Carries mails to the relays beside the pages: threads that are woken when mail waits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event, Thread

from newsletter.delivery import Delivery, Outcome, Result
from newsletter.errors import NewsletterError
from newsletter.journal import Journal

_log = logging.getLogger(__name__)


class Postman:
    """Calls rounds of work, each in a thread of its own: when woken, and when its time has come.

    Args:
        rounds: each answers after how many seconds it has something to do again.
        stopping: set when no further mail is to be begun.
        pause_seconds: the longest pause of each.
    """

    def __init__(
        self,
        rounds: Sequence[Callable[[], float]],
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

    def _work(self, round_: Callable[[], float], wake: Event) -> None:
        while not self._stopping.is_set():
            # Cleared before the round: who calls during it is heard after it.
            wake.clear()
            seconds = self._once(round_)
            if not self._stopping.is_set():
                wake.wait(min(seconds, self._pause))

    def _once(self, round_: Callable[[], float]) -> float:
        try:
            return round_()
        except NewsletterError as error:
            _log.error("the postman: %s", error)
        except Exception:  # noqa: BLE001 - the top of a loop that must go on
            _log.exception("the postman stumbled")
        return self._pause


def listener(journal: Journal, now: Callable[[], datetime]) -> Callable[[Delivery, Outcome], None]:
    """Counts every outcome and tells it to the log, by the id of the mail alone."""

    def heard(delivery: Delivery, outcome: Outcome) -> None:
        journal.mail_ended(outcome, now())
        level = logging.INFO if outcome.result is Result.ACCEPTED else logging.WARNING
        about = {"delivery": delivery.id, "reply": outcome.reply, "status": outcome.status}
        said = outcome.detail or "without a word"
        _log.log(level, "mail %s: %s", outcome.result, said, extra=about)

    return heard
