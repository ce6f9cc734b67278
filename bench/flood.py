"""Ten thousand sign-up posts from one network and from as many networks: what gets through?

    python bench/flood.py [POSTS]

Prints one line a case: posts a second, answers, mails that left, alarms, rows, memory.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice, repeat
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "web"))

from flood_driver import Flood, many_networks, one_range, rows, strangers
from web_world import Site

OPEN = "[web]\nunproven_per_hour = 200"  # as if every sender brought a proof of work
WARM = 300  # posts before memory is looked at


def measure(name: str, way: str, knocks: Iterable[tuple[str, str]], settings: str = "") -> None:
    """One flood of a fresh installation, with the settings that ship unless others are given."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), settings)
        try:
            _measure(name, site, way, iter(knocks))
        finally:
            site.close()


def _measure(name: str, site: Site, way: str, knocks: Iterator[tuple[str, str]]) -> None:
    flood = Flood(site)
    send = getattr(flood, way)
    send(islice(knocks, WARM))
    before, start = _resident(), time.perf_counter()
    send(knocks)
    seconds, grown = time.perf_counter() - start, (_resident() - before) / 1024
    answers = {int(status): count for status, count in flood.answers.items()}
    count = sum(answers.values())
    mails = sum(len(left) for left in iter(site.deliver, []))
    print(
        f"{name:<32} {count:>6} posts {(count - WARM) / seconds:>5.0f}/s answers {answers} "
        f"mails {mails} alarms {len(site.alarms)} rows {rows(site)['subscribers']} "
        f"memory +{grown:.1f} MB",
        flush=True,
    )


def _resident() -> int:
    """KiB of memory at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Every case."""
    posts = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for way in ("api", "form"):
        measure(f"{way}, one network", way, strangers(one_range(posts)))
        measure(f"{way}, as many networks", way, strangers(many_networks(posts)))
        same = zip(many_networks(posts), repeat("victim@reader.example"), strict=False)
        measure(f"{way}, many networks, one victim", way, same)
    measure("api, as many, all let in", "api", strangers(many_networks(posts)), OPEN)


if __name__ == "__main__":
    main()
