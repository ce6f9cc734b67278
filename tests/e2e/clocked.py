"""The real service, whose clock a test moves: `python clocked.py FILE run --config ...`.

FILE holds the seconds that its clock is ahead, or behind. What APScheduler reads is the clock of the
machine all the same; that one is moved by libfaketime, which understands the same file.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path

from newsletter import cli
from newsletter.app import App


def main() -> None:
    """Runs the command line with that clock."""
    file = Path(sys.argv.pop(1))

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(file.read_text()))

    # By name: `newsletter.cli.serve` is the command of that module.
    vars(import_module("newsletter.cli.serve"))["App"] = partial(App, now=now)
    cli.main()


if __name__ == "__main__":
    main()
