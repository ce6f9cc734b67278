"""A server whose headers never end, for whatever asks somebody over HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread


@contextmanager
def dripping_headers() -> Iterator[str]:
    """Its address; letter after letter comes, each well in time, until the test is over."""
    over = Event()

    def drip() -> None:
        plug, _ = listener.accept()
        with plug, suppress(OSError):
            plug.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not over.wait(0.01):
                plug.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=drip)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join(10)
