"""What it costs to hand over mails of 56 KB on this machine: ours beside smtplib and smtp-source.

    python bench/wire.py [MAILS] [--repeat N]     # 2,000, 5; tables on stderr, JSON on stdout

Medians of repeats in turns; ratios count, not times. smtp-sink and smtp-source are in Debian's
`postfix`; without them that table is left out. `bench/rtt.py` asks the same of a relay far away.
"""

from __future__ import annotations

import json
import resource
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import kit

from newsletter.delivery import Result
from newsletter.mail.servers.dial import Relay, Security
from newsletter.mail.servers.smtp import SmtpTransport
from newsletter.mail.transport import Envelope

SIZE = 56_000
REPEATS = 5
LINE = b"The quick attention layer jumps over the lazy gradient =E2=80=94 a line of a mail.\r\n"
BODY = LINE * (SIZE // len(LINE))
Send = Callable[[int, int], None]  # port, mails
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a number of mails took, each: microseconds of CPU; and how many a second."""

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


def by_ours(*, window: int = 1, dotless: bool = True) -> Send:
    """Our transport, one connection."""

    def send(port: int, mails: int) -> None:
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

    return send


def by_nobody(_port: int, mails: int) -> None:
    """What making the mails costs here; taken off the other figures."""
    for _ in envelopes(mails, dotless=True):
        pass


def by_smtp_source(port: int, mails: int) -> None:
    """Postfix's generator: one canned text."""
    program = kit.program("smtp-source") or "smtp-source"
    command = [program, "-d", "-s", "1", "-m", str(mails), "-l", str(SIZE)]
    command += ["-f", "b@newsletter.example", "-t", "reader@reader.example"]
    subprocess.run([*command, f"inet:127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL)


def cpu() -> float:
    """Seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def measured(send: Send, port: int, mails: int) -> Cost:
    """What so many mails took."""
    spent, begun = cpu(), time.perf_counter()
    send(port, mails)
    seconds, spent = time.perf_counter() - begun, cpu() - spent
    return Cost(micros=spent / mails * 1e6, rate=mails / seconds)


def compared(
    title: str, port: int, mails: int, ways: Mapping[str, Send], repeats: int = REPEATS
) -> list[Row]:
    """Measures each way as often, in turns; the medians, and their ratios to the first way's."""
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    making = []
    for turn in range(repeats):
        making.append(measured(by_nobody, 0, mails).micros)
        for name, send in ways.items():
            if sys.stderr.isatty():
                print(f"\r{title}: {turn + 1}/{repeats} {name:<40}", end="", file=sys.stderr)
            costs[name].append(measured(send, port, mails))
    blank = f"\r{'':<100}\r" if sys.stderr.isatty() else ""
    print(f"{blank}\n{title}", file=sys.stderr)
    rows: list[Row] = []
    for name, found in costs.items():
        micros = median(cost.micros for cost in found)
        micros -= 0 if ways[name] is by_smtp_source else median(making)
        rate = median(cost.rate for cost in found)
        first = rows[0] if rows else {"cpu_us": micros, "rate": rate}
        ratios = {"cpu_x": first["cpu_us"] / micros, "rate_x": rate / first["rate"]}
        rows.append({"sink": title, "way": name, "cpu_us": micros, "rate": rate, **ratios})
    show(rows)
    return rows


def show(rows: list[Row]) -> None:
    """One table."""
    print(
        f"{'':<44}{'us CPU/mail':>12}{'mails/s':>10}{'CPU less x':>12}{'rate x':>8}",
        file=sys.stderr,
    )
    for row in rows:
        print(
            f"{row['way']:<44}{row['cpu_us']:>12.1f}{row['rate']:>10,.0f}"
            f"{row['cpu_x']:>12.1f}{row['rate_x']:>8.1f}",
            file=sys.stderr,
        )


def main(mails: int, repeats: int) -> str:
    """Measures and prints; the JSON."""
    rows = []
    with kit.our_sink("chunking") as port:
        ways = {
            "smtplib.sendmail": by_smtplib,
            "ours, CHUNKING": by_ours(),
            "ours, CHUNKING, window 8": by_ours(window=8),
        }
        rows += compared("our sink, CHUNKING", port, mails, ways, repeats)
    for manner in ("pipelining", "none"):
        with kit.our_sink(manner) as port:
            ways = {"smtplib.sendmail": by_smtplib, f"ours, {manner}": by_ours()}
            rows += compared(f"our sink, {manner}", port, mails, ways, repeats)
    if kit.program("smtp-sink") and kit.program("smtp-source"):
        with kit.smtp_sink() as port:
            ways = {
                "smtp-source -d -s 1": by_smtp_source,
                "smtplib.sendmail": by_smtplib,
                "ours, PIPELINING": by_ours(),
                "ours, PIPELINING, dots looked for": by_ours(dotless=False),
            }
            rows += compared("smtp-sink, PIPELINING", port, mails, ways, repeats)
    text = json.dumps(rows, indent=1)
    print(text)
    return text


if __name__ == "__main__":
    parser = kit.parser(__doc__)
    parser.add_argument("mails", type=int, nargs="?", default=2000)
    parser.add_argument("--repeat", type=int, default=REPEATS)
    asked = parser.parse_args()
    said = main(asked.mails, asked.repeat)
    if asked.json:
        asked.json.write_text(said, encoding="utf-8")
