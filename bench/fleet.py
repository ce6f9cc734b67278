"""Workers of a fleet over one PostgreSQL: mails a second, claimed rows a second, and the speed-up.

    python bench/fleet.py [MAILS] [--rows N] [--workers 1 2 4] [--kills K] [--cuts C] [--json FILE]

PostgreSQL comes from pip as in the tests, with its usual durability, over a Unix socket. The digests
(two or three papers each) are made beforehand; all workers begin at the same instant. The relay is a
process that keeps the Message-IDs and nothing else. Every digest must arrive; with kills, one for
each open connection of the killed may come twice, and the leases of the dead are ended at once
instead of after minutes.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from typing import TYPE_CHECKING

import kit
from fleet_rows import claimed_a_second
from fleet_workers import CONNECTIONS, fleet

if TYPE_CHECKING:
    from real_postgres import Postgres

Run = dict[str, float]


def measured(server: Postgres, workers: int, asked: argparse.Namespace) -> Run:
    """One line of the table."""
    mails = asked.mails
    with fleet(server, mails, workers) as made:
        end = made.delivers(asked.kills, asked.cuts)
        copies = Counter(end["ids"])
        assert len(copies) == mails, f"{mails - len(copies)} digests are lost"
        more = copies.total() - mails
        assert more <= made.kills * CONNECTIONS, f"{more} came twice"
        return {
            "workers": workers,
            "mails": mails,
            "mails_per_second": round(mails / (end["last"] - end["first"]), 1),
            "claimed_rows_per_second": round(claimed_a_second(server, asked.rows, workers)),
            "kills": made.kills,
            "cuts": made.cuts,
            "came_twice": more,
        }


def show(runs: list[Run]) -> None:
    """One table."""
    print("| workers | mails/s | speed-up | claimed and marked rows/s | kills | cuts | twice |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for run in runs:
        print(
            f"| {run['workers']} | {run['mails_per_second']:,} | {run['speed_up']} "
            f"| {run['claimed_rows_per_second']:,} | {run['kills']} | {run['cuts']} "
            f"| {run['came_twice']} |"
        )


def figures(run: Run) -> dict[str, float]:
    """Of so many workers, by name."""
    names = ("mails_per_second", "claimed_rows_per_second", "speed_up", "rows_speed_up")
    return {f"{run['workers']}_{name}": run[name] for name in names}


def main(asked: argparse.Namespace) -> None:
    """Measures, prints, and writes the figures down."""
    with kit.postgres() as server:
        runs = [measured(server, workers, asked) for workers in asked.workers]
    facts = {"mails": asked.mails, "rows": asked.rows, "cores": os.cpu_count() or 0}
    found = kit.Figures(facts=facts)
    for run in runs:
        for speed_up, name in (
            ("speed_up", "mails_per_second"),
            ("rows_speed_up", "claimed_rows_per_second"),
        ):
            run[speed_up] = round(run[name] / runs[0][name], 2)
        found.figures |= figures(run)
    show(runs)
    found.write(asked.json)


if __name__ == "__main__":
    parser = kit.parser(__doc__)
    parser.add_argument("mails", type=int, nargs="?", default=20_000)
    parser.add_argument("--rows", type=int, default=20_000, help="claimed and marked, unsent")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--cuts", type=int, default=0)
    main(parser.parse_args())
