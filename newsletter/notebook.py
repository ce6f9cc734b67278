"""What became of each mail, on disk the moment it is known, until the store has taken it over."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.errors import StoreError
from newsletter.store import Store

_log = logging.getLogger(__name__)

_AT_ONCE = 500  # ends are handed to the store in one transaction, or after
_OFTEN = timedelta(seconds=1)
_MOST = 500  # ids in one question to the store


class Notebook:
    """Ends of mails, written into a file at once and into the store in batches.

    A line in a file costs a hundredth of a transaction and outlives SIGKILL, for the operating
    system has it (no fsync: a machine that loses its power may forget the last second). All
    connections of a process share one notebook, and whoever claims mails hands it over first; so
    nobody takes a mail over whose end is known.

    Args:
        folder: where the files lie; without one the store is written at once.
    """

    def __init__(self, store: Store, *, now: Callable[[], datetime], folder: Path | None) -> None:
        self._store = store
        self._now = now
        self._pages = _Pages(folder) if folder else None
        self._ends: list[Delivery] = []
        self._handed_over_at = now()
        self._is_stuck = False
        self._lock = Lock()  # of what is noted
        self._turn = Lock()  # of handing over

    @property
    def is_stuck(self) -> bool:
        """Whether the store did not take over what is noted: nothing more is to be begun."""
        return self._is_stuck

    def note(self, end: Delivery) -> None:
        """Keeps an end, in memory alone while neither a file nor the store takes it."""
        with self._lock:
            self._ends.append(end)
            is_kept = self._pages is not None and self._pages.write(_line(end))
            is_time = len(self._ends) >= _AT_ONCE or self._now() - self._handed_over_at >= _OFTEN
        if self._pages and not is_kept:
            self._pages.tell_trouble()
        if is_time or not is_kept:
            with suppress(StoreError):  # it is kept, and told when it is handed over next
                self.hand_over()

    def hand_over(self, released: Sequence[Delivery] = ()) -> None:
        """Brings the store up to date, with claims that are given back unbegun.

        Raises:
            StoreError: everything stays noted, the claims that are given back in memory alone; they
                go with what is handed over next.
        """
        with self._turn:
            with self._lock:
                ends, self._ends = self._ends, []
                self._handed_over_at = self._now()
                if self._pages:
                    self._pages.turn()
            if not ends and not released:
                return
            try:
                record(self._store, [*ends, *released])
            except BaseException:
                with self._lock:
                    self._ends = [*ends, *released, *self._ends]
                self._is_stuck = True
                raise
            self._is_stuck = False
            if self._pages:
                self._pages.wipe()

    def close(self) -> None:
        """Hands everything over and leaves no file.

        Raises:
            StoreError: the files stay for the next start.
        """
        self.hand_over()
        if self._pages:
            self._pages.remove()


def record(store: Store, ends: Sequence[Delivery]) -> None:
    """Writes ends down; the papers of digests that were given up may stand in the next ones."""
    with store.changing_register(together=True) as register:
        register.outbox.record(ends)
        for end in ends:
            if end.state is DeliveryState.FAILED and end.errand is Errand.DIGEST:
                register.ledger.give_back(end.id)


def read_after_death(store: Store, folder: Path) -> tuple[Delivery, ...]:
    """Takes over what processes that are gone had noted, before anybody claims a mail.

    Returns:
        the ends that the store did not know.

    Raises:
        StoreError: what was noted cannot be read; without it mails would leave a second time.
    """
    news: list[Delivery] = []
    for file in sorted(folder.glob("*.page")):
        try:
            news += _read_page(store, file)
        except FileNotFoundError:
            pass  # a neighbour was faster
        except OSError as error:
            raise StoreError(
                f"what a process that is gone noted of its mails cannot be read: {file}: "
                f"{error.strerror}; it must belong to the user who runs newsletter"
            ) from None
    return tuple(news)


def _read_page(store: Store, file: Path) -> list[Delivery]:
    news: list[Delivery] = []
    with file.open("rb") as page:
        if _is_ours(page.fileno()):  # else its process lives
            lines = page.read().split(b"\n")
            for start in range(0, len(lines), _MOST):
                news += _taken_over(store, lines[start : start + _MOST])
            file.unlink()
    return news


class _Pages:
    """Two files: one is written while the other is handed over; ours for as long as we live.

    They are made when the first line is written, so a process without mail leaves none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._trouble = self._told = ""
        self._pages: list[tuple[int, Path]] = []  # the first is written

    def write(self, line: bytes) -> bool:
        """Whether the line is on disk; a part of one does no harm."""
        try:
            if len(self._pages) < 2:
                self._make()
            is_whole = os.write(self._pages[0][0], line) == len(line)
            self._trouble = "" if is_whole else "No space left on device"
        except OSError as error:
            self._trouble = error.strerror or type(error).__name__
        return not self._trouble

    def tell_trouble(self) -> None:
        """Tells why nothing could be written, once for each reason."""
        if self._trouble != self._told:
            self._told = self._trouble
            _log.warning(
                "%s cannot be written (%s): each mail is noted in the database alone, which is slow "
                "and fails with it; mend the disk or the rights, or set paths.state",
                self._folder,
                self._trouble,
            )

    def turn(self) -> None:
        """The other page is written from now on, unless it holds what could not be handed over."""
        if self._pages and not os.fstat(self._pages[1][0]).st_size:
            self._pages.reverse()

    def wipe(self) -> None:
        """The store has what the other page holds."""
        if self._pages:
            descriptor = self._pages[1][0]
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)  # else the next line leaves a hole before it

    def remove(self) -> None:
        """Leaves no file."""
        for descriptor, path in self._pages:
            path.unlink(missing_ok=True)
            os.close(descriptor)
        self._pages = []

    def _make(self) -> None:
        while len(self._pages) < 2:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._pages.append(_new_page(self._folder))


def _new_page(folder: Path) -> tuple[int, Path]:
    while True:
        descriptor, path = tempfile.mkstemp(suffix=".page", dir=folder)
        # Who takes over after the dead may have met it in the moment before it was ours.
        if _is_ours(descriptor) and os.fstat(descriptor).st_nlink:
            return descriptor, Path(path)
        os.close(descriptor)


def _is_ours(descriptor: int) -> bool:
    """Whether no living process holds the file; it is held from now on."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _taken_over(store: Store, lines: Sequence[bytes]) -> list[Delivery]:
    noted = [facts for line in lines if (facts := _facts(line))]
    with store.register() as register:
        known = register.outbox.among([delivery_id for delivery_id, _ in noted])
    ends = [replace(known[key], **facts) for key, facts in noted if key in known]
    news = [end for end in ends if _is_news(end, known[end.id])]
    record(store, news)
    return news


def _is_news(end: Delivery, known: Delivery) -> bool:
    """The same rule as of `Outbox.record`: what was handed over before is no news."""
    is_sent = end.state is DeliveryState.SENT and known.state is not DeliveryState.SENT
    is_claimed = known.state is DeliveryState.SENDING and known.leased_until == end.leased_until
    return is_sent or is_claimed


def _line(end: Delivery) -> bytes:
    """It begins with the line end, so that a torn one before it stays alone."""
    facts = [
        end.id,
        end.state,
        end.attempts,
        end.next_attempt_at,
        end.sent_at,
        end.leased_until,
        end.last_error,
        end.fingerprint,
    ]
    return b"\n" + orjson.dumps(facts)


def _facts(line: bytes) -> tuple[str, dict[str, Any]] | None:
    """What a line says; `None` for one that is torn."""
    try:
        key, state, attempts, again_at, sent_at, lease, last_error, fingerprint = orjson.loads(line)
        return key, {
            "state": DeliveryState(state),
            "attempts": attempts,
            "next_attempt_at": datetime.fromisoformat(again_at),
            "sent_at": sent_at and datetime.fromisoformat(sent_at),
            "leased_until": lease and datetime.fromisoformat(lease),
            "last_error": last_error,
            "fingerprint": fingerprint,
        }
    except (ValueError, TypeError):
        return None
