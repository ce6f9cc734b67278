"""A small workbench and a running studio for the tests of the preview."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event, Thread

import requests

from newsletter.app import App
from newsletter.config import data_dir, load_settings
from newsletter.model import Candidate, Paper, Sighting
from newsletter.preview.server import StudioServer, bind, build_studio, url_of
from newsletter.preview.workbench import Shelf, Workbench

NOW = datetime(2026, 4, 3, 6, 30, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'
WAIT_SECONDS = 20

INES = f"""
name = "Ines {IMAGE.replace('"', "'")}"
topics = ["efficient inference of large language models", "quantization"]
keywords = ["KV cache", "{SCRIPT}"]
muted = ["medical imaging"]
max_papers = 4
"""
RAFAEL = """
name = "Rafael"
topics = ["robot manipulation"]
max_papers = 3
"""
SETTINGS = """
[publication]
postal_address = "1 Example Street, Example City"
"""

_TOPICS = (
    ("Quantization of language models", "Efficient inference of large language models in 4 bit."),
    (f"KV cache {SCRIPT} compression", "Efficient inference keeps the KV cache of a model small."),
    (f"Speculative decoding {IMAGE}", "Efficient inference of large language models by drafting."),
    ("Robot manipulation with touch", "A robot hand learns manipulation of soft objects."),
    ("Robot manipulation from video", "Manipulation skills of a robot learned from human video."),
    ("Medical imaging at scale", "Medical imaging of the lung with efficient inference."),
    ("Protein folding in water", "Molecules and their folding, simulated for longer."),
    ("A survey of graph learning", "Graphs, nodes and edges: what was learned about learning."),
    ("Speech recognition for birds", "Birds sing, and a model writes down what they sang."),
    ("Weather from old letters", "Historic letters give temperatures of two centuries."),
)


def candidates() -> tuple[Candidate, ...]:
    """Ten papers of three list days, the newer ones with more votes."""
    return tuple(_candidate(number, *words) for number, words in enumerate(_TOPICS, start=1))


def _candidate(number: int, title: str, abstract: str) -> Candidate:
    paper = Paper(
        id=f"2604.{number:05d}",
        title=title,
        abstract=abstract,
        authors=("A. Author", "B. Author"),
        url=f"https://papers.example/2604.{number:05d}",
        listed_on=date(2026, 4, 1 + number % 3),
    )
    seen = Sighting(paper_id=paper.id, seen_at=NOW, rank=number, upvotes=3 * number)
    return Candidate(paper=paper, sightings=(seen,))


def make_bench(folder: Path) -> Workbench:
    """A workbench with two readers and two shelves whose files lie in `folder`."""
    for name, text in (("ines", INES), ("rafael", RAFAEL), ("settings", SETTINGS)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    settings = folder / "settings.toml"
    note = f"2 items had no title {SCRIPT}"
    return Workbench(
        lambda: App(load_settings(settings), now=lambda: NOW),
        reader_files=[folder / "ines.toml", folder / "rafael.toml"],
        shelves=[
            Shelf(name="daily", candidates=candidates(), tier="page-json", notes=(note,)),
            Shelf(name="page <b>two</b>", candidates=candidates()[:5], tier="dump"),
        ],
        base_url="http://127.0.0.1:1",
        settings_file=settings,
    )


@dataclass(frozen=True)
class Studio:
    """A running studio, and a client for it."""

    url: str
    folder: Path

    def get(self, path: str, **query: str) -> requests.Response:
        """Asks for a page."""
        return requests.get(self.url + path, params=query, timeout=WAIT_SECONDS)

    def get_as(self, host: str) -> requests.Response:
        """Asks for the page under another host name."""
        return requests.get(self.url, headers={"Host": host}, timeout=WAIT_SECONDS)

    def post(self, path: str) -> requests.Response:
        """Tries to change something."""
        return requests.post(self.url + path, timeout=WAIT_SECONDS)

    def sheet(self, **query: str) -> dict:
        """The data of one preview."""
        answer = self.get("/api/preview", **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def edit(self, name: str, text: str) -> None:
        """Saves a file the way editors do: a new file takes the place of the old one."""
        new = self.folder / f"{name}.new~"
        new.write_text(text, encoding="utf-8")
        new.replace(self.folder / name)

    @contextmanager
    def stream(self) -> Iterator[Iterator[tuple[str, dict]]]:
        """The events of the live stream as (name, data); the stream is open when this is entered."""
        with requests.get(self.url + "/events", stream=True, timeout=WAIT_SECONDS) as answer:
            lines = answer.iter_lines(chunk_size=1, decode_unicode=True)
            while next(lines) != ": listening":
                pass
            yield _events(lines)


def _events(lines: Iterator[str]) -> Iterator[tuple[str, dict]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        if line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


@contextmanager
def running(
    bench: Workbench,
    folder: Path,
    *,
    template_dir: Path | None = None,
    watch: bool = True,
    port: int = 0,
) -> Iterator[Studio]:
    """The studio on a free port, stopped at the end."""
    listening = bind("127.0.0.1", port)
    bench.base_url = url_of(listening)
    ready = Event()
    app = build_studio(
        bench, template_dir=template_dir or data_dir("templates") / "studio", watch=watch
    )
    server = StudioServer(app, on_ready=ready.set)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    assert ready.wait(WAIT_SECONDS)
    try:
        yield Studio(url=bench.base_url, folder=folder)
    finally:
        server.should_exit = True
        thread.join(WAIT_SECONDS)
    assert not thread.is_alive()
