"""Peak memory of a whole run, profiles to recorded deliveries, for more and more readers.

    python bench/memory.py [READERS ...] [--slow MS]     # 1,000 and 10,000; a relay that answers late

Each run is a process of its own; the readers are written down by another one before. What counts is
that the peak does not grow with the readers, nor when the relay is slower than we are.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.progress import track
from send import House
from wire import our_sink

STEPS = ("found", "run")


def main(readers: list[int], slow: int) -> None:
    """Measures and prints."""
    print("| readers | relay answers after ms | peak memory, MB |\n|---|---|---|")
    runs = [(number, late) for number in readers for late in dict.fromkeys((0, slow))]
    rows = [(number, late, peak(number, late)) for number, late in track(runs, transient=True)]
    for number, late, megabytes in rows:
        print(f"| {number:,} | {late} | {megabytes} |")


def peak(readers: int, late: int) -> int:
    """Of one run, in megabytes."""
    with our_sink("pipelining", late) as port, tempfile.TemporaryDirectory() as folder:
        said = ""
        for step in STEPS:
            command = [sys.executable, __file__, "--step", step, folder, str(port), str(readers)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return int(said)


def one(step: str, folder: Path, port: int, readers: int) -> None:
    """One step, in this process."""
    house = House(folder, port)
    if step == "found":
        house.found(readers)
    else:
        house.compose()
        house.deliver()
        assert house.sent() == readers
        print(resident())
    house.app.store.close()


def resident() -> int:
    """The most memory this process ever held, in megabytes (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        one(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
        parser.add_argument("readers", nargs="*", type=int, default=[1_000, 10_000])
        parser.add_argument("--slow", type=int, default=20, help="milliseconds")
        given = parser.parse_args()
        main(given.readers, given.slow)
