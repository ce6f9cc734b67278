"""Peak memory of a whole run, profiles to recorded deliveries, for more and more readers.

    python bench/memory.py [READERS ...] [--slow MS] [--json FILE]     # 1,000 and 10,000

Each run is a process of its own; papers and readers are written down by another one before. There
are as many stored papers as are ever measured against, and readers like up to ten of them each,
which takes the most there is to take. What counts is that the peak does not grow with the readers,
nor when the relay is slower than we are; that is asked for the fewest readers only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import assemble
import kit
from rich.progress import track
from selecting import made_up
from send import House

from newsletter.memory import settle_in
from newsletter.pipeline import BACKGROUND_PAPERS

STEPS = ("found", "run")


def main(asked: argparse.Namespace) -> None:
    """Measures, prints, and writes the figures down."""
    fewest, most = min(asked.readers), max(asked.readers)
    runs = [(number, 0) for number in sorted(asked.readers)]
    runs += [(fewest, asked.slow)] if asked.slow else []
    peaks = {run: peak(*run) for run in track(runs, description="runs", transient=True)}
    print("| readers | relay answers after ms | peak memory, MB |\n|---|---|---|")
    for (number, late), megabytes in peaks.items():
        print(f"| {number:,} | {late} | {megabytes} |")
    found = kit.Figures(facts={"fewest": fewest, "most": most, "slow": asked.slow})
    found.figures = {"most_mb": peaks[most, 0], "fewest_mb": peaks[fewest, 0]}
    if asked.slow:
        found.figures["slow_mb"] = peaks[fewest, asked.slow]
    found.write(asked.json)


def peak(readers: int, late: int) -> int:
    """Of one run, in megabytes."""
    with kit.our_sink("pipelining", late) as port, tempfile.TemporaryDirectory() as folder:
        said = ""
        for step in STEPS:
            command = [sys.executable, __file__, "--step", step, folder, str(port), str(readers)]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return int(said)


def one(step: str, folder: Path, port: int, readers: int) -> None:
    """One step, in this process."""
    house = House(folder, port)
    if step == "found":
        stored = made_up(BACKGROUND_PAPERS - assemble.PAPERS)
        house.remember(stored)
        house.found(readers, likeable=stored)
    else:
        settle_in()  # as every process does at its start that delivers
        made = house.compose()
        house.deliver()
        assert house.sent() == made > readers / 2
        print(round(kit.resident("VmHWM")))
    house.app.store.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        one(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        parser = kit.parser(__doc__)
        parser.add_argument("readers", nargs="*", type=int, default=[1_000, 10_000])
        parser.add_argument("--slow", type=int, default=20, help="milliseconds; 0: not asked for")
        main(parser.parse_args())
