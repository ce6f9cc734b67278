"""A relay that takes everything and keeps nothing, with the manners and the distance it is told.

    python bench/wire_sink.py [chunking|pipelining|none] [MILLISECONDS]

Prints its port. Each batch of replies leaves so many milliseconds after what it answers: the round
trip of a far relay.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

OFFERS = {
    "none": b"250 sink\r\n",
    "pipelining": b"250-sink\r\n250 PIPELINING\r\n",
    "chunking": b"250-sink\r\n250-PIPELINING\r\n250 CHUNKING\r\n",
}
_END = b"\r\n.\r\n"


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, hello: bytes, seconds: float) -> None:
        self._hello = hello
        self._seconds = seconds
        self._unread = bytearray()
        self._in_data = False
        self._to_swallow = 0
        self._looked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets."""
        self._out = transport
        self._say(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answers all that is complete in one piece (RFC 2920 section 3.2)."""
        self._unread += data
        answers = []
        while (answer := self._answer()) is not None:
            answers.append(answer)
        if said := b"".join(answers):
            self._say(said)

    def taken(self, mail: bytearray) -> None:
        """A mail has come; it is the first of these octets, or a part of it is."""

    def _say(self, words: bytes) -> None:
        if self._seconds:
            asyncio.get_running_loop().call_later(self._seconds, self._out.write, words)
        else:
            self._out.write(words)

    def _answer(self) -> bytes | None:
        """The reply to what comes first in the unread; nothing where that is incomplete."""
        if self._in_data:
            return self._after_dot()
        if self._to_swallow:
            return self._after_chunk()
        end = self._unread.find(b"\n")
        if end < 0:
            return None
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return self._obey(line)

    def _after_dot(self) -> bytes | None:
        end = self._unread.find(_END, self._looked)
        if end < 0:
            self._looked = max(0, len(self._unread) - len(_END))
            return None
        self.taken(self._unread)
        del self._unread[: end + len(_END)]
        self._in_data, self._looked = False, 0
        return b"250 2.0.0 taken\r\n"

    def _after_chunk(self) -> bytes | None:
        if len(self._unread) < self._to_swallow:
            return None
        self.taken(self._unread)
        del self._unread[: self._to_swallow]
        self._to_swallow = 0
        return b"250 2.0.0 taken\r\n"

    def _obey(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"EHLO":
            return self._hello
        if verb == b"DATA":
            self._in_data = True
            return b"354 go on\r\n"
        if verb == b"BDAT":
            self._to_swallow = int(line.split()[1])
            return b""
        return b"221 bye\r\n" if verb == b"QUIT" else b"250 2.1.0 fine\r\n"


async def main(manner: str = "chunking", milliseconds: str = "0") -> None:
    """Serves until it is killed, or whoever started it is gone."""
    loop = asyncio.get_running_loop()
    hello, seconds = OFFERS[manner], float(milliseconds) / 1000
    server = await loop.create_server(lambda: Sink(hello, seconds), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1)
    server.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
