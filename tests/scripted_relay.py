"""A relay that says what it was told to say, line by line."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread


@contextmanager
def scripted_relay(*script: bytes) -> Iterator[int]:
    """A port whose server says these pieces: one on connecting, then one for each line it hears.

    The script over, it hangs up. A second connection hears the script from the start.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=_recite, args=(listener, script), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _recite(listener: socket.socket, script: Sequence[bytes]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as heard:
            for number, piece in enumerate(script):
                if number and not heard.readline():
                    break
                connection.sendall(piece)
