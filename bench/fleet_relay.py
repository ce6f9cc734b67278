"""The relay of `fleet.py`: a process that takes everything and keeps the Message-IDs.

Each line it reads is answered with the number of mails that have come; at the end of its input it
tells all and ends.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import Any

from wire_sink import Sink

_WELCOME = b"250-sink\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n"
_HEADERS = 16_384  # octets at most
_NAME = b"Message-ID: "


class Counting(Sink):
    """One connection that looks at each mail's name."""

    ids: list[bytes]
    times: list[float]

    def __init__(self) -> None:
        super().__init__(_WELCOME, 0)

    def taken(self, mail: bytearray) -> None:
        """Keeps its Message-ID."""
        start = mail.find(_NAME, 0, _HEADERS)
        if start >= 0:
            self.ids.append(bytes(mail[start + len(_NAME) : mail.find(b"\r\n", start)]))
            self.times.append(time.monotonic())


class Relay:
    """Its process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._process.stdout.readline())

    def count(self) -> int:
        """Digests that have arrived."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> dict[str, Any]:
        """What has arrived, and when."""
        said, _ = self._process.communicate("")
        return json.loads(said)

    def close(self) -> None:
        """Ends, whatever has arrived."""
        self._process.kill()
        self._process.wait()


async def serve() -> None:
    """Until the input ends."""
    Counting.ids, Counting.times = [], []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Counting, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while await orders.readline():
        print(len(set(Counting.ids)), flush=True)
    ids, times = [one.decode() for one in Counting.ids], Counting.times or [0.0]
    print(json.dumps({"ids": ids, "first": times[0], "last": times[-1]}), flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
