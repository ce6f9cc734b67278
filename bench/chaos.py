"""Kills the delivering service with SIGKILL at many random moments and counts what was lost or doubled.

`python bench/chaos.py [READERS] [KILLS]`; the short form of it is a test.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from chaos import ordeal


def main() -> None:
    readers, kills = (int(word) for word in (*sys.argv[1:], "5000", "100")[:2])
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        end = ordeal(Path(folder), readers=readers, kills=kills)
    seconds = time.perf_counter() - begun
    print(f"{end.wanted} digests, {end.kills} kills, {seconds:.0f} s")
    print(
        f"lost {end.wanted - end.arrived}, doubled {end.duplicates} (all equal: {not end.changed})"
    )


if __name__ == "__main__":
    main()
