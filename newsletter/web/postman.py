"""Carries mails to the relay beside the pages: one thread, woken when mail waits."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread

from newsletter.delivery import Outcome, Result
from newsletter.errors import NewsletterError
from newsletter.journal import Journal
from newsletter.mail.transport import Transport

_log = logging.getLogger(__name__)
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^@>]+)@", re.IGNORECASE | re.MULTILINE)


class StoppedError(Exception):
    """The house closes: mails in hand stay claimed, and leave when the claim runs out."""


class Postman:
    """Runs `round_` whenever it is woken, and at least every `pause_seconds`.

    Args:
        round_: one round of work; true when there is more to do at once.
    """

    def __init__(self, round_: Callable[[], bool], *, pause_seconds: float = 5.0) -> None:
        self._round = round_
        self._pause = pause_seconds
        self._wake = Event()
        self._stopping = Event()
        # A relay that hangs must not hold up the end of the process; the ledger stands any end.
        self._thread = Thread(target=self._work, name="postman", daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def wake(self) -> None:
        """There is mail."""
        self._wake.set()

    @property
    def is_stopping(self) -> bool:
        """Whether no further mail is to be begun."""
        return self._stopping.is_set()

    def stop_soon(self) -> None:
        """Finishes the mail in hand and begins no other."""
        self._stopping.set()
        self._wake.set()

    def stop(self, *, seconds: float | None = None) -> bool:
        """Ends after the mail in hand; false if that takes longer than `seconds`."""
        self.stop_soon()
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while not self._stopping.is_set():
            # Cleared before the round: who calls during it is heard after it.
            self._wake.clear()
            if not self._once() and not self._stopping.is_set():
                self._wake.wait(self._pause)

    def _once(self) -> bool:
        try:
            return self._round()
        except StoppedError:
            return False
        except NewsletterError as error:
            _log.error("the postman: %s", error)
        except Exception:  # noqa: BLE001 - the top of a loop that must go on
            _log.exception("the postman stumbled")
        return False


class NotedTransport:
    """A transport whose every outcome is counted and told to the log, by the id of the mail alone.

    Args:
        may_go_on: asked before each mail; when it says no, `StoppedError` ends the round.
    """

    def __init__(
        self,
        inner: Transport,
        journal: Journal,
        *,
        now: Callable[[], datetime],
        may_go_on: Callable[[], bool],
    ) -> None:
        self._inner = inner
        self._journal = journal
        self._now = now
        self._may_go_on = may_go_on

    def send(self, raw: bytes, *, sender: str, recipient: str) -> Outcome:
        """Hands the mail on.

        Raises:
            StoppedError: the process is ending.
            MailError: as the transport itself.
        """
        if not self._may_go_on():
            raise StoppedError
        outcome = self._inner.send(raw, sender=sender, recipient=recipient)
        self._journal.mail_ended(outcome, self._now())
        _tell(raw, outcome)
        return outcome

    def close(self) -> None:
        """Lets go of what is held open."""
        self._inner.close()


def _tell(raw: bytes, outcome: Outcome) -> None:
    level = logging.INFO if outcome.result is Result.ACCEPTED else logging.WARNING
    about = {"delivery": mail_id(raw), "reply": outcome.reply, "status": outcome.status}
    _log.log(level, "mail %s: %s", outcome.result, outcome.detail or "without a word", extra=about)


def mail_id(raw: bytes) -> str:
    """The id of the digest or delivery, which the Message-ID is made of; empty if it has none."""
    found = _MESSAGE_ID.search(raw, 0, raw.find(b"\r\n\r\n") + 2)
    return found[1].decode("ascii", "replace") if found else ""
