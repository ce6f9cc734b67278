"""How many mails of 56 KB a second reach a relay 20 ms away over 10 connections.

    python bench/rtt.py [MAILS] [--repeat N] [--json FILE]      # 500, ten times as many with CHUNKING

Goals: 400 a second with PIPELINING, 3,000 with CHUNKING and a window. Each batch of replies is kept
back for 20 ms; the octets themselves travel at the speed of this machine.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor

import kit
from wire import REPEATS, Send, by_ours, by_smtplib, compared

FAR_MS = 20
CONNECTIONS = 10
WINDOWS = (8, 32)


def together(one: Send) -> Send:
    """The mails shared out to connections, a thread each."""

    def send(port: int, mails: int) -> None:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda _: one(port, mails // CONNECTIONS), range(CONNECTIONS)))

    return send


def main(asked: argparse.Namespace) -> None:
    """Measures, prints, and writes the figures down."""
    far, mails = f"{FAR_MS} ms away, {CONNECTIONS} connections", asked.mails
    with kit.our_sink("pipelining", FAR_MS) as port:
        ways = {"smtplib.sendmail": together(by_smtplib), "ours, PIPELINING": together(by_ours())}
        near = compared(f"{far}, PIPELINING", port, mails, ways, asked.repeat)
    with kit.our_sink("chunking", FAR_MS) as port:
        ways = {f"ours, window {window}": together(by_ours(window=window)) for window in WINDOWS}
        chunks = compared(f"{far}, CHUNKING", port, 10 * mails, ways, asked.repeat)
    found = kit.Figures(facts={"mails": mails, "ms": FAR_MS, "connections": CONNECTIONS})
    smtplib, ours = (round(row["rate"]) for row in near)
    found.figures = {"smtplib_per_second": smtplib, "pipelining_per_second": ours}
    for window, row in zip(WINDOWS, chunks, strict=True):
        found.figures[f"chunking_{window}_per_second"] = round(row["rate"])
    print(json.dumps(near + chunks, indent=1))
    found.write(asked.json)


if __name__ == "__main__":
    parser = kit.parser(__doc__)
    parser.add_argument("mails", type=int, nargs="?", default=500)
    parser.add_argument("--repeat", type=int, default=REPEATS)
    main(parser.parse_args())
