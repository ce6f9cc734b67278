"""Measures the selector: the background, one reader, and many readers at once; prints one table.

    python bench/selecting.py              # made-up papers
    python bench/selecting.py FILE         # stored papers as JSON lines (gzip), such as the shared ones

`--papers` are stored (10,000), `--readers` are chosen for (10,000), `--json FILE` gets the figures.

CPU seconds of one thread; the readers are made of the papers themselves: three topics out of a list
of 500, and up to ten liked papers each.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from datetime import UTC, datetime

import kit
import numpy as np

from newsletter.model import Candidate, Paper, Profile
from newsletter.selection import Background, Field, rank, select_all
from newsletter.selection.fit.columns import Columns
from newsletter.selection.fit.tastes import Tastes
from newsletter.selection.round import Asking, Round
from newsletter.selection.select import AT_ONCE

PAPERS, DAY, NEW, READERS = 10_000, 200, 60, 10_000
TURNS = 9
NOW = datetime(2026, 4, 3, 12, tzinfo=UTC)


def main(asked: argparse.Namespace) -> None:
    """Measures, prints, and writes the figures down."""
    count = asked.papers
    papers = read(asked.file) if asked.file else made_up(count + NEW)
    stored, day = papers[:count], papers[:count][-DAY:]
    new = papers[count : count + NEW]
    facts = {"papers": len(stored), "day": DAY, "readers": asked.readers}
    found = kit.Figures(facts={**facts, "new": len(new)})
    print("| what | measured |\n|---|---|")
    before = kit.resident()
    seconds, known = taken(lambda: Background.fit(stored))
    tell(found, "background_s", f"background of {len(stored)} papers, CPU seconds", seconds)
    tell(found, "background_mb", "… memory, MB more", kit.resident() - before)
    if new:
        seconds, _ = taken(lambda: known.renewed([*stored, *new]))
        tell(found, "renewed_s", f"{len(new)} more papers, CPU seconds", seconds)
    else:
        found.missing["renewed_s"] = f"the file has no paper after the first {count}"
    one_reader(found, known, day)
    many_readers(found, known, stored, day)
    tell(found, "peak_mb", "peak memory of this process, MB", kit.resident("VmHWM"))
    found.write(asked.json)


def tell(found: kit.Figures, key: str, what: str, figure: float) -> None:
    """One line, and the figure kept."""
    found.figures[key] = figure
    print(
        f"| {what} | {figure:.3g} |" if figure < 100 else f"| {what} | {figure:,.0f} |", flush=True
    )


def one_reader(found: kit.Figures, known: Background, day: Sequence[Paper]) -> None:
    """The steps of one digest, 100 papers."""
    reader = profile(random.Random(1), day, topics(day))
    hundred = day[:100]
    columns = Columns(hundred, known)
    candidates = [Candidate(paper=paper) for paper in hundred]
    steps: dict[str, tuple[str, Callable[[], object]]] = {
        "measure_ms": ("what one reader wants", lambda: Columns(hundred, known).of([reader])),
        "score_ms": ("100 papers for one reader", lambda: Tastes.of([reader], columns)),
        "rank_ms": (
            "one ranking of 100 papers, all included",
            lambda: rank(reader, candidates, background=known, now=NOW),
        ),
    }
    for key, (what, step) in steps.items():
        tell(found, key, f"{what}, ms of CPU", repeated(step) * 1e3)


def many_readers(
    found: kit.Figures, known: Background, stored: Sequence[Paper], day: Sequence[Paper]
) -> None:
    """Blocks of readers: what they want is measured, then totals, places and picks.

    These in turns, for the machine is slower for seconds or minutes when others have work for it.
    """
    count, wanted = found.facts["readers"], topics(stored)
    steps: dict[str, tuple[str, Callable[[], None]]] = {}
    for kind, most in (("topics", 0), ("liked", 10)):
        chance = random.Random(2)
        readers = [profile(chance, stored, wanted, most) for _ in range(count)]
        asking = [(one, frozenset(p.id for p in chance.sample(list(day), 10))) for one in readers]
        field = Field([Candidate(paper=paper) for paper in day], now=NOW, background=known)
        blocks = [asking[at : at + AT_ONCE] for at in range(0, count, AT_ONCE)]
        seconds, _ = taken(partial(every, STEPS["totals"][1], blocks, field))
        what = f"totals the first time, when all they name is compared, up to {most} liked"
        tell(found, f"{kind}_measure_us", f"{what}: us a reader", seconds / count * 1e6)
        steps |= {
            f"{kind}_{key}_us": (f"{name}, up to {most} liked", partial(every, step, blocks, field))
            for key, (name, step) in STEPS.items()
        }
    turns = [{key: taken(step)[0] for key, (_, step) in steps.items()} for _ in range(TURNS)]
    for key, (name, _) in steps.items():
        each = median(turn[key] for turn in turns)
        tell(found, key, f"{name}: us a reader", each / count * 1e6)


Block = Sequence[Asking]
STEPS: dict[str, tuple[str, Callable[[Block, Field], object]]] = {
    "totals": ("totals", lambda some, field: Tastes.of([p for p, _ in some], field.columns)),
    "places": ("totals, gates and places", Round),
    "picks": ("all, to picks with reasons", lambda some, field: list(select_all(some, field))),
}


def every(step: Callable[[Block, Field], object], blocks: Sequence[Block], field: Field) -> None:
    """One step for every reader."""
    for some in blocks:
        step(some, field)


def profile(
    chance: random.Random, papers: Sequence[Paper], wanted: Sequence[str], most: int = 10
) -> Profile:
    """Somebody with three topics, a keyword and some liked papers."""
    liked = chance.sample(papers, chance.randint(0, most))
    return Profile(
        topics=tuple(chance.sample(wanted, 3)),
        keywords=(chance.choice(wanted).split()[0],),
        liked=tuple(paper.id for paper in liked),
    )


def topics(papers: Sequence[Paper]) -> list[str]:
    """500 topics out of titles."""
    chance = random.Random(3)
    titles = [paper.title.split() for paper in chance.sample(papers, min(500, len(papers)))]
    return [" ".join(words[:3]) or "learning" for words in titles]


def read(file: Path) -> list[Paper]:
    """Papers of a file with `id`, `title`, `abstract` and `authors` on each line."""
    with gzip.open(file, "rt") as lines:
        items = [json.loads(line) for line in lines]
    return [
        Paper(
            id=item["id"],
            title=" ".join(item["title"].split()),
            abstract=" ".join(item["abstract"].split()),
            authors=tuple(item.get("authors") or ()),
        )
        for item in items
    ]


def made_up(count: int) -> list[Paper]:
    """Papers of words as frequent as in a language, around one of 300 subjects each."""
    chance = np.random.default_rng(4)
    words = np.array([f"w{number}" for number in range(40_000)])
    shares = 1 / np.arange(1, len(words) + 1)
    common = chance.choice(words, (count, 110), p=shares / shares.sum())
    own = words[chance.integers(0, 300, (count, 1)) * 40 + chance.integers(0, 40, (count, 40))]
    return [
        Paper(
            id=f"26{n // 100000:02d}.{n % 100000:05d}",
            title=" ".join([*own[n, :5], *common[n, :3]]),
            abstract=" ".join(chance.permutation([*own[n], *common[n]])),
            authors=(f"Author {n % 3000}",),
        )
        for n in range(count)
    ]


def taken(step: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a call, and what it gave."""
    start = process_time()
    result = step()
    return process_time() - start, result


def repeated(step: Callable[[], object], repeats: int = 9) -> float:
    """Median CPU seconds of a call."""
    return median(taken(step)[0] for _ in range(repeats))


if __name__ == "__main__":
    parser = kit.parser(__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--papers", type=int, default=PAPERS)
    parser.add_argument("--readers", type=int, default=READERS)
    main(parser.parse_args())
