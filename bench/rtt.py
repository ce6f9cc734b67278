"""How many mails of 56 KB a second reach a relay 20 ms away over 10 connections.

    python bench/rtt.py [MAILS]      # 500, ten times as many with CHUNKING; JSON on stdout

Goals: 400 a second with PIPELINING, 3,000 with CHUNKING and a window. Each batch of replies is kept
back for 20 ms; the octets themselves travel at the speed of this machine.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from wire import Send, by_ours, by_smtplib, compared, our_sink

FAR_MS = 20
CONNECTIONS = 10
WINDOWS = (8, 32)


def together(one: Send) -> Send:
    """The mails shared out to connections, a thread each."""

    def send(port: int, mails: int) -> None:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda _: one(port, mails // CONNECTIONS), range(CONNECTIONS)))

    return send


def main(mails: int) -> None:
    """Measures and prints."""
    far = f"{FAR_MS} ms away, {CONNECTIONS} connections"
    with our_sink("pipelining", FAR_MS) as port:
        ways = {"smtplib.sendmail": together(by_smtplib), "ours, PIPELINING": together(by_ours())}
        rows = compared(f"{far}, PIPELINING", port, mails, ways)
    with our_sink("chunking", FAR_MS) as port:
        ways = {f"ours, window {window}": together(by_ours(window=window)) for window in WINDOWS}
        rows += compared(f"{far}, CHUNKING", port, 10 * mails, ways)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 500)
