"""What the benchmarks share: figures as JSON, settings, relays, PostgreSQL, a look at oneself."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))  # some of which is used here

from house_settings import write_settings

if TYPE_CHECKING:
    from real_postgres import Postgres

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
POSTFIX = "{} is not installed (Debian: apt install postfix)"


class Missing(SystemExit):
    """Something that a benchmark needs is not on this machine; the sentence says what."""


@dataclass(slots=True, kw_only=True)
class Figures:
    """What a benchmark found out.

    Attributes:
        figures: numbers by name; `goals.py` knows their units and goals.
        facts: of what size, beside what.
        missing: why a figure could not be measured here.
    """

    figures: dict[str, float] = field(default_factory=dict)
    facts: dict[str, str | int] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def write(self, file: Path | None) -> None:
        """As JSON, where a file is given."""
        if file:
            file.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A command line with `--json FILE`. SIGTERM ends what was begun, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    made = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    made.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return made


def program(name: str) -> str | None:
    """Where a program lies; Debian keeps Postfix's out of people's PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def settings(folder: Path, port: int, smtp: str = "", more: str = "") -> Path:
    """A file of settings for a relay on this machine, with further lines and tables."""
    return write_settings(folder, smtp_port=port, smtp=smtp, more=more)


@contextmanager
def our_sink(manner: str, milliseconds: int = 0) -> Iterator[int]:
    """The port of our own sink, a process of its own."""
    command = [sys.executable, str(BENCH / "wire_sink.py"), manner, str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def smtp_sink() -> Iterator[int]:
    """The port of Postfix's sink; it takes PIPELINING and no CHUNKING.

    Raises:
        Missing: it is not installed, or does not answer.
    """
    sink = program("smtp-sink")
    if not sink:
        raise Missing(POSTFIX.format("smtp-sink"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = [sink, *user, f"inet:127.0.0.1:{port}", "100"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _answers(port)
            yield port
        finally:
            process.kill()


def _answers(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Missing("smtp-sink does not answer")


@contextmanager
def best_sink() -> Iterator[tuple[str, int]]:
    """Postfix's sink where there is one, else ours: its name and port."""
    is_theirs = program("smtp-sink") is not None
    with smtp_sink() if is_theirs else our_sink("pipelining") as port:
        yield ("smtp-sink" if is_theirs else "our own sink"), port


@contextmanager
def postgres() -> Iterator[Postgres]:
    """PostgreSQL from pip as in the tests, yet with its usual durability.

    Raises:
        Missing: it is not installed, or does not start.
    """
    with ExitStack() as stack:
        try:
            from real_postgres import postgres_running

            server = stack.enter_context(postgres_running())
        except ImportError as error:
            raise Missing(f"no {error.name}; pip install 'newsletter[test]'") from error
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            raise Missing(f"PostgreSQL does not start: {error}") from error
        server.run("ALTER SYSTEM RESET fsync")  # the tests do without
        server.run("SELECT pg_reload_conf()")
        yield server


def measured(step: Callable[[], object]) -> tuple[float, float]:
    """Seconds of this process's CPU, and of the clock."""
    spent, begun = time.process_time(), time.perf_counter()
    step()
    return time.process_time() - spent, time.perf_counter() - begun


def resident(what: str = "VmRSS") -> float:
    """Memory of this process in MB (Linux); the most it ever held is `VmHWM`."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024
