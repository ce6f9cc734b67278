"""The line to a relay: writes and reads at once, so that neither side waits for the other for ever."""

from __future__ import annotations

import math
import select
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress

_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_PIECES = 500  # in one call; systems take 1,024 (IOV_MAX)
_READ, _READ_AND_WRITE = select.POLLIN, select.POLLIN | select.POLLOUT
_AT_ONCE = 1 << 16


class Line:
    """A connected socket, with TLS or without; for one thread.

    A relay may stop reading until its replies are read. So what cannot be written at once is kept
    and goes out while we listen.

    Attributes:
        offers: the keywords of EHLO in lower case with their parameters (RFC 5321 4.1.1.1).
        said: octets that have left us; what is not counted cannot have arrived.
    """

    def __init__(
        self, sock: socket.socket, *, offers: Mapping[str, str], timeout_seconds: float
    ) -> None:
        sock.settimeout(0)
        # several mails may be on their way: Nagle's algorithm would hold back the end of each
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.offers = offers
        self.said = 0
        self._sock = sock
        self._wait = math.ceil(timeout_seconds * 1000)
        self._events = select.poll()
        self._expected = 0  # which of them
        self._has_tls = isinstance(sock, ssl.SSLSocket)
        self._unsaid: list[bytes | memoryview] = []
        self._broken: OSError | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._unsaid)

    def say(self, words: Sequence[bytes]) -> None:
        """Writes what can be written now; the rest goes out while listening."""
        self._unsaid += [b"".join(words)] if self._has_tls else words
        self._write()

    def hear(self) -> bytes:
        """The next octets from the relay, at least one.

        Raises:
            OSError: the relay hung up, the connection broke, or nothing came or went in time.
        """
        while True:
            self._pause()
            if self._unsaid:
                self._write()
            try:
                heard = self._sock.recv(_AT_ONCE)
            except _NOT_NOW:
                continue
            except OSError as error:
                raise self._broken or error from None
            if heard:
                return heard
            raise self._broken or ConnectionAbortedError("the relay hung up")

    def close(self) -> None:
        """Hangs up; never raises."""
        with suppress(OSError):
            self._sock.close()

    def _write(self) -> None:
        """A failure is told when all that was answered before it is heard."""
        while self._unsaid:
            try:
                count = self._send()
            except _NOT_NOW:
                return
            except OSError as error:
                self._broken = error
                self._unsaid = []
                return
            self.said += count
            self._unsaid = _beyond(count, self._unsaid)

    def _send(self) -> int:
        """Hands as much over as is taken; TLS takes one piece at a time."""
        if self._has_tls:
            return self._sock.send(self._unsaid[0])
        return self._sock.sendmsg(self._unsaid[:_PIECES])

    def _pause(self) -> None:
        wanted = _READ_AND_WRITE if self._unsaid else _READ
        if wanted != self._expected:
            self._events.register(self._sock, wanted)
            self._expected = wanted
        # Who stood still and is woken by a signal (SIGTERM after SIGCONT) is told that the time is over,
        # whatever has come meanwhile: Python looks at the clock alone then.
        if not (self._events.poll(self._wait) or self._events.poll(0)):
            raise TimeoutError


def _beyond(count: int, words: list[bytes | memoryview]) -> list[bytes | memoryview]:
    """What is left of the pieces behind so many octets."""
    if count == sum(map(len, words)):
        return []
    for at, piece in enumerate(words):
        if count < len(piece):
            return [memoryview(piece)[count:], *words[at + 1 :]]
        count -= len(piece)
    return []
