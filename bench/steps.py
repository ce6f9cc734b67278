"""Measures the steps of the way on this machine and prints one table; ratios count, not times.

    python bench/steps.py                # the bundled page
    python bench/steps.py FILE ...       # lists saved as pages, feeds, dumps or JSON

Every step is repeated and its median taken, all in one run, so that the ratios hold on a shared
machine too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

import kit

from newsletter.config import data_dir, load_reader, load_settings
from newsletter.links import Key, LinkMaker
from newsletter.mail import lint, message
from newsletter.mail.digest import make_digest
from newsletter.mail.render import Renderer
from newsletter.model import Candidate
from newsletter.selection import Background, select
from newsletter.sources.recognise import read_content
from newsletter.store import open_store

NOW = datetime(2026, 4, 3, 12, tzinfo=UTC)
REPEATS = 7


def timed(step: Callable[[], object], repeats: int) -> float:
    """Median seconds of one call."""
    taken = []
    for _ in range(repeats):
        start = perf_counter()
        step()
        taken.append(perf_counter() - start)
    return median(taken)


STEPS = {
    "read": "read the list",
    "keep": "open a store, keep the list",
    "fit": "fit the background",
    "compile": "compile the templates",
    "choose": "choose for one reader",
    "render": "render one digest",
    "assemble": "assemble one mail",
    "check": "check one mail",
}


def main(asked: argparse.Namespace) -> None:
    """Measures, prints, and writes the figures down."""
    steps, facts = world(asked.files)
    taken = {name: timed(step, asked.repeat) for name, step in steps.items()}
    print(f"{facts['papers']} papers, {facts['picks']} picks, {facts['octets']:,} octets of HTML\n")
    print("| step | ms | times one rendering |\n|---|---:|---:|")
    for name, seconds in taken.items():
        print(f"| {STEPS[name]} | {seconds * 1000:.2f} | {seconds / taken['render']:.2f} |")
    figures = {f"{name}_ms": round(seconds * 1000, 3) for name, seconds in taken.items()}
    kit.Figures(figures=figures, facts=facts).write(asked.json)


def world(files: list[Path]) -> tuple[dict[str, Callable[[], object]], dict[str, int]]:
    """Every step ready to be taken, and how much it has to do."""
    named = files or [data_dir("config") / "demo" / "trending_page.txt"]
    contents = [(path.read_bytes(), path.name) for path in named]
    listings = [read_content(data, source=name) for data, name in contents]
    papers = list({p.id: p for listing in listings for p in listing.papers}.values())
    candidates = [Candidate(paper=paper) for paper in papers]
    reader = load_reader(data_dir("config") / "demo" / "inference.toml")
    publication = load_settings().publication.value()
    templates = (data_dir("templates") / "mail",)
    background = Background.fit(papers)
    renderer = Renderer(templates, publication)
    picks = select(reader.profile, candidates, now=NOW, background=background)
    digest = make_digest(
        subscriber=reader, picks=picks, considered=len(papers), edition="2026-04-03", now=NOW
    )
    links = LinkMaker(publication.base_url, [Key(1, "secret")]).for_digest(digest)
    rendered = renderer.render(digest, reader, links)

    def build() -> bytes:
        return message.build(
            rendered, digest=digest, subscriber=reader, publication=publication, links=links
        )

    def keep() -> None:
        store = open_store("sqlite://")
        for listing in listings:
            store.record(listing, NOW)
        store.close()

    raw = build()
    steps: dict[str, Callable[[], object]] = {
        "read": lambda: [read_content(data, source=name) for data, name in contents],
        "keep": keep,
        "fit": lambda: Background.fit(papers),
        "compile": lambda: Renderer(templates, publication),
        "choose": lambda: select(reader.profile, candidates, now=NOW, background=background),
        "render": lambda: renderer.render(digest, reader, links),
        "assemble": build,
        "check": lambda: lint.check_mail(raw, dev=True),
    }
    octets = rendered.html_octets
    return steps, {"papers": len(papers), "picks": len(picks), "octets": octets}


if __name__ == "__main__":
    parser = kit.parser(__doc__)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--repeat", type=int, default=REPEATS)
    main(parser.parse_args())
