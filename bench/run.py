"""Measures the steps of the way on this machine and prints one table; ratios count, not times.

    make bench                      # the bundled page
    make bench ARGS="FILE ..."      # lists saved as pages, feeds, dumps or JSON

Every step is repeated and its median taken, all in one run, so that the ratios hold on a shared
machine too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

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


def timed(step: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median seconds of one call."""
    taken = []
    for _ in range(repeats):
        start = perf_counter()
        step()
        taken.append(perf_counter() - start)
    return median(taken)


def main(files: list[str]) -> None:
    """Measures and prints."""
    named = [Path(name) for name in files] or [data_dir("config") / "demo" / "trending_page.txt"]
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
    steps: list[tuple[str, Callable[[], object]]] = [
        ("read the list", lambda: [read_content(data, source=name) for data, name in contents]),
        ("open a store, keep the list", keep),
        ("fit the background", lambda: Background.fit(papers)),
        ("compile the templates", lambda: Renderer(templates, publication)),
        (
            "choose for one reader",
            lambda: select(reader.profile, candidates, now=NOW, background=background),
        ),
        ("render one digest", lambda: renderer.render(digest, reader, links)),
        ("assemble one mail", build),
        ("check one mail", lambda: lint.check_mail(raw, dev=True)),
    ]
    taken = {name: timed(step) for name, step in steps}
    unit = taken["render one digest"]
    print(f"{len(papers)} papers, {len(picks)} picks, {rendered.html_octets:,} octets of HTML\n")
    print("| step | ms | times one rendering |\n|---|---:|---:|")
    for name, seconds in taken.items():
        print(f"| {name} | {seconds * 1000:.2f} | {seconds / unit:.2f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
