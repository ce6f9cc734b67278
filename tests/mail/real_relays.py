"""Postfix, Exim and OpenSMTPD as Debian packs them, each with a small life of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from threading import Event

import pytest
from relay_server import relay_running

NOBODY = "nobody@reader.example"  # 550 5.1.1 at RCPT
BUSY = "busy@reader.example"  # 450 4.2.1 at RCPT
PATIENCE_SECONDS = 30

_POSTFIX = """
compatibility_level = 3.6
maillog_file = /dev/stdout
queue_directory = {folder}/queue
data_directory = {folder}/data
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example
mydestination =
local_recipient_maps =
alias_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
    check_recipient_access inline:{{{{{nobody} = 550 5.1.1 who}}, {{{busy} = 450 4.2.1 busy}}}},
    check_recipient_access static:hold
"""
_POSTFIX_SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""
_EXIM = """
spool_directory = {folder}/spool
log_file_path = {folder}/log-%slog
pid_file_path = {folder}/pid
primary_hostname = relay.example
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
queue_only = true
host_lookup =
rfc1413_hosts =
acl_smtp_rcpt = judge
begin acl
judge:
  deny recipients = {nobody}
       message = 5.1.1 who
  defer recipients = {busy}
       message = 4.2.1 busy
  accept
begin routers
begin transports
begin retry
"""
_OPENSMTPD = """
listen on 127.0.0.1 port {port}
action onwards relay host smtp://127.0.0.1:{onwards}
match from any for rcpt-to {{ "{nobody}", "{busy}" }} reject
match from any for any action onwards
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealRelay:
    """A running relay.

    Attributes:
        kept: the recipients of all it took, once so many are there.
    """

    port: int
    kept: Callable[[int], list[str]]


@contextmanager
def running(start: Callable[[Path], AbstractContextManager[RealRelay]]) -> Iterator[RealRelay]:
    """One of those below, in a folder that its own users may enter; pytest's is root's alone."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with start(Path(folder)) as relay:
            yield relay


def _program(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if not found:
        pytest.skip(f"{name} (Debian's {package}) is not installed")
    if os.geteuid() != 0:
        pytest.skip(f"{name} wants to be started by root")
    return found


@contextmanager
def postfix(folder: Path) -> Iterator[RealRelay]:
    """Postfix that holds what it took."""
    program = _program("postfix", "postfix")
    port = _free_port()
    for name in ("etc", "queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    (folder / "etc" / "main.cf").write_text(_POSTFIX.format(folder=folder, **_refused()))
    (folder / "etc" / "master.cf").write_text(_POSTFIX_SERVICES.format(port=port))

    def kept(count: int) -> list[str]:
        files = _counted(lambda: [*(folder / "queue" / "hold").glob("*")], count)
        return [_recipient(path.read_bytes(), rb"R.(r\d+@reader\.example)") for path in files]

    settings = ["-c", str(folder / "etc")]
    subprocess.run([program, *settings, "check"], check=True, capture_output=True)  # makes folders
    # not by `postfix start`, whose children leave our process group and outlive us
    with _running(["/usr/lib/postfix/sbin/master", *settings, "-d"], port):
        yield RealRelay(port=port, kept=kept)


@contextmanager
def exim(folder: Path) -> Iterator[RealRelay]:
    """Exim that only queues."""
    program = _program("exim4", "exim4-daemon-light")
    port = _free_port()
    (folder / "spool").mkdir()
    shutil.chown(folder / "spool", "Debian-exim", "Debian-exim")
    shutil.chown(folder, "Debian-exim", "Debian-exim")
    settings = folder / "exim.conf"
    settings.write_text(_EXIM.format(folder=folder, port=port, **_refused()))

    def kept(count: int) -> list[str]:
        files = _counted(lambda: [*(folder / "spool" / "input").rglob("*-H")], count)
        return [_recipient(path.read_bytes(), rb"\n([^\n]+@reader\.example)\n") for path in files]

    with _running([program, "-C", str(settings), "-bdf"], port):
        yield RealRelay(port=port, kept=kept)


@contextmanager
def opensmtpd(folder: Path) -> Iterator[RealRelay]:
    """OpenSMTPD that hands on what it took to a relay of ours; a hundred mails a connection."""
    program = _program("smtpd", "opensmtpd")
    if Path("/run/smtpd.sock").exists():
        pytest.skip("this machine's own OpenSMTPD is running, and its spool has a fixed place")
    port = _free_port()
    with relay_running() as onwards:
        settings = folder / "smtpd.conf"
        text = _OPENSMTPD.format(port=port, onwards=onwards.port, **_refused())
        settings.write_text(text)

        def kept(count: int) -> list[str]:
            mails = _counted(lambda: list(onwards.desk.mails), count)
            return [recipient for mail in mails for recipient in mail.rcpt_tos]

        with _running([program, "-d", "-f", str(settings)], port):
            yield RealRelay(port=port, kept=kept)


def _refused() -> dict[str, str]:
    return {"nobody": NOBODY, "busy": BUSY}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[None]:
    with (
        NamedTemporaryFile() as said,
        subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        ) as process,
    ):
        try:
            _until(lambda: process.poll() is not None or _listens(port))
            if not _listens(port):
                said.seek(0)
                pytest.fail(f"{command[0]} does not start: {said.read().decode()}")
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not reached() and time.monotonic() < end:
        Event().wait(0.02)  # what it waits for happens in another program


def _counted(look: Callable[[], list], count: int) -> list:
    _until(lambda: len(look()) >= count)
    return look()


def _recipient(file: bytes, pattern: bytes) -> str:
    found = re.search(pattern, file)
    return found[1].decode() if found else ""
