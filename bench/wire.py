"""Measures how mails of 56 KB leave: CPU per mail and mails a second, beside smtplib and smtp-source.

    python bench/wire.py [MAILS]

One table of one run, medians of interleaved repeats; ratios count, not times. Debian's `postfix`
package brings smtp-sink and smtp-source; what is not installed is left out and said so.
"""

from __future__ import annotations

import os
import shutil
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from newsletter.delivery import Result
from newsletter.mail.dial import Relay, Security
from newsletter.mail.smtp import SmtpTransport
from newsletter.mail.transport import Envelope

SIZE = 56_000
REPEATS = 5
FAR_MS = 20
CONNECTIONS = 10
LINE = b"The quick attention layer jumps over the lazy gradient =E2=80=94 a line of a mail.\r\n"
BODY = LINE * (SIZE // len(LINE))
Send = Callable[[int, int], None]  # port, mails


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a number of mails took."""

    micros: float
    rate: float


def envelopes(mails: int, *, dotless: bool) -> Iterator[Envelope]:
    """Mails that differ, each made as it is asked for."""
    for number in range(mails):
        yield Envelope(
            raw=b"Subject: digest %d\r\n\r\n%b" % (number, BODY),
            sender=f"b+{number}@newsletter.example",
            recipient=f"reader{number}@reader.example",
            dotless=dotless,
        )


def by_smtplib(port: int, mails: int) -> None:
    """The standard library, octets given, one connection."""
    with smtplib.SMTP("127.0.0.1", port, "bench.example") as client:
        for mail in envelopes(mails, dotless=True):
            client.sendmail(mail.sender, [mail.recipient], mail.raw)


def by_ours(*, window: int = 1, dotless: bool = True, connections: int = 1) -> Send:
    """Our transport; several connections are threads."""

    def one(port: int, mails: int) -> None:
        relay = Relay(
            host="127.0.0.1",
            port=port,
            security=Security.NONE,
            local_hostname="bench.example",
            window=window,
            mails_per_connection=1000,
        )
        transport = SmtpTransport(relay)
        for outcome in transport.carry(envelopes(mails, dotless=dotless)):
            if outcome.result is not Result.ACCEPTED:
                raise SystemExit(f"a mail was not taken: {outcome}")
        transport.close()

    return one if connections == 1 else in_threads(one, connections)


def in_threads(one: Send, connections: int) -> Send:
    """The mails shared out to connections."""

    def send(port: int, mails: int) -> None:
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(lambda _: one(port, mails // connections), range(connections)))

    return send


def by_nobody(_port: int, mails: int) -> None:
    """What making the mails costs here; taken off the other figures."""
    for _ in envelopes(mails, dotless=True):
        pass


def by_smtp_source(port: int, mails: int) -> None:
    """Postfix's generator: one canned text."""
    command = ["smtp-source", "-d", "-s", "1", "-m", str(mails), "-l", str(SIZE)]
    command += ["-f", "b@newsletter.example", "-t", "reader@reader.example"]
    subprocess.run([*command, f"inet:127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL)


def measured(send: Send, port: int, mails: int) -> Cost:
    """CPU of this process and its children, and the rate."""
    cpu, begun = sum(os.times()[:4]), time.perf_counter()
    fine = time.process_time()
    send(port, mails)
    seconds, own = time.perf_counter() - begun, time.process_time() - fine
    spent = own if send is not by_smtp_source else sum(os.times()[:4]) - cpu
    return Cost(micros=spent / mails * 1e6, rate=mails / seconds)


@contextmanager
def our_sink(manner: str, milliseconds: int = 0) -> Iterator[int]:
    """Our own sink in a process of its own."""
    script = str(Path(__file__).with_name("wire_sink.py"))
    command = [sys.executable, script, manner, str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def smtp_sink(*options: str) -> Iterator[int]:
    """Postfix's sink; it takes PIPELINING and no CHUNKING."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["smtp-sink", *options, f"inet:127.0.0.1:{port}", "100"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                if socket.socket().connect_ex(("127.0.0.1", port)) == 0:
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.kill()


def table(title: str, port: int, mails: int, rows: dict[str, Send]) -> None:
    """Measures each row as often, in turns, and prints the medians."""
    costs: dict[str, list[Cost]] = {name: [] for name in rows}
    for turn in range(REPEATS):
        for name, send in rows.items():
            print(f"\r{title}: {turn + 1}/{REPEATS} {name:<40}", end="", file=sys.stderr)
            costs[name].append(measured(send, port, mails))
    print("\r" + " " * 100 + "\r", end="", file=sys.stderr)
    print(f"\n{title}\n{'':<44}{'us CPU/mail':>12}{'mails/s':>10}{'rate x first':>14}")
    first = median(cost.rate for cost in costs[next(iter(rows))])
    making = median(cost.micros for cost in (measured(by_nobody, 0, mails) for _ in range(3)))
    for name, found in costs.items():
        micros, rate = median(c.micros for c in found), median(c.rate for c in found)
        micros -= 0 if name.startswith("smtp-source") else making
        print(f"{name:<44}{micros:>12.1f}{rate:>10,.0f}{rate / first:>14.2f}", flush=True)


def near(mails: int) -> None:
    """On this machine: what the octets cost."""
    with ExitStack() as stack:
        table(
            "our own sink (PIPELINING, CHUNKING)",
            stack.enter_context(our_sink("chunking")),
            mails,
            {
                "smtplib.sendmail": by_smtplib,
                "ours, CHUNKING": by_ours(),
                "ours, CHUNKING, window 8": by_ours(window=8),
            },
        )
    with our_sink("none") as port:
        table("our own sink (nothing)", port, mails, {"ours, lock-step": by_ours()})
    with our_sink("pipelining") as port:
        rows = {"smtplib.sendmail": by_smtplib, "ours, PIPELINING": by_ours()}
        table("our own sink (PIPELINING)", port, mails, rows)
    if not shutil.which("smtp-sink"):
        print("\nsmtp-sink is not installed: no comparison with smtp-source")
        return
    with smtp_sink() as port:
        rows = {
            "smtp-source -d -s 1": by_smtp_source,
            "smtplib.sendmail": by_smtplib,
            "ours, PIPELINING": by_ours(),
            "ours, PIPELINING, dots looked for": by_ours(dotless=False),
        }
        table("smtp-sink (PIPELINING)", port, mails, rows)


def far(mails: int) -> None:
    """Over a round trip: what waiting costs."""
    slow = max(CONNECTIONS * 5, mails // 20)
    with our_sink("pipelining", FAR_MS) as port:
        rows = {
            "smtplib.sendmail": in_threads(by_smtplib, CONNECTIONS),
            "ours, PIPELINING": by_ours(connections=CONNECTIONS),
        }
        table(f"{FAR_MS} ms away, {CONNECTIONS} connections", port, slow, rows)
    with our_sink("chunking", FAR_MS) as port:
        rows = {
            f"ours, CHUNKING, window {window}": by_ours(window=window, connections=CONNECTIONS)
            for window in (1, 8, 32)
        }
        table(f"{FAR_MS} ms away, {CONNECTIONS} connections, CHUNKING", port, mails, rows)


def main() -> None:
    """Measures and prints."""
    mails = int((*sys.argv[1:], "2000")[0])
    near(mails)
    far(mails)


if __name__ == "__main__":
    main()
