"""A real rspamd on a free port, whose names come from a name server of the test."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any

# What would ask the network, a Redis or the past.
_QUIET = (
    "asn dkim_signing fuzzy_check greylist history_redis mx_check neural phishing ratelimit rbl "
    "replies reputation surbl"
)
_OFF = ("worker-controller", "worker-proxy")


@contextmanager
def judging(folder: Path, dns: int) -> Iterator[int]:
    """The port of a server that judges mails until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folders = [f"--var={name}={folder}" for name in ("DBDIR", "RUNDIR", "LOGDIR", "LOCAL_CONFDIR")]
    _configure(folder, port, dns)
    asked = ["rspamd", "-f", "-i", "-u", "root", "-g", "root", *folders]
    server = subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(server, port)
        yield port
    finally:
        server.terminate()
        server.wait()


def judged(port: int, mail: bytes, envelope: dict[str, str]) -> dict[str, Any]:
    """What it says of a mail that came in this envelope (headers of its HTTP protocol)."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/checkv2", body=mail, headers=envelope)
    told: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return told


def _configure(folder: Path, port: int, dns: int) -> None:
    local = folder / "local.d"
    local.mkdir()
    for name in _QUIET.split():
        (local / f"{name}.conf").write_text("enabled = false;\n")
    for name in _OFF:
        (local / f"{name}.inc").write_text("enabled = false;\n")
    (local / "worker-normal.inc").write_text(f'bind_socket = "127.0.0.1:{port}";\ncount = 1;\n')
    (local / "options.inc").write_text(
        f'dns {{ nameserver = ["127.0.0.1:{dns}"]; }}\nlocal_addrs = [];\n'
    )


def _await(server: subprocess.Popen[bytes], port: int) -> None:
    pause = Event()
    for _ in range(6_000):  # its start compiles all rules, which takes a busy machine minutes
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert server.poll() is None, "rspamd ended"
            pause.wait(0.05)
        else:
            return
    raise AssertionError("rspamd does not answer")
