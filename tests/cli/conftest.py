"""A whole installation in a temporary folder, with a papers page on 127.0.0.1."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import pytest
from blank_store import blank_store
from operate_world import Relay, relay_at, stock
from serving import serving

from newsletter.app import App
from newsletter.cli import main
from newsletter.config import load_settings


@dataclass
class PapersPage:
    """A server whose answers the test sets: path prefix -> (status, content type, body)."""

    url: str = ""
    answers: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def lists(self, *items: dict) -> None:
        """Answers every API question with these items."""
        self.answers["/api/daily_papers"] = (200, "application/json", json.dumps(items))

    def fails(self, status: int, body: str = "") -> None:
        """Answers everything with an error."""
        self.answers.clear()
        self.answers["/"] = (status, "text/html", body)


@pytest.fixture
def papers_page() -> Iterator[PapersPage]:
    page = PapersPage()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page.asked.append(self.path)
            matching = [prefix for prefix in page.answers if self.path.startswith(prefix)]
            longest = max(matching, key=len, default="")
            status, kind, body = page.answers.get(longest, (404, "text/plain", "nothing here"))
            raw = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    with serving(Handler) as port:
        page.url = f"http://127.0.0.1:{port}"
        yield page


@pytest.fixture
def installation(monkeypatch, tmp_path, papers_page):
    """Settings by environment: everything below tmp_path, everything asked of the local page."""
    for key, value in {
        "PATHS__STATE": str(tmp_path / "state"),
        "PATHS__CACHE": str(tmp_path / "cache"),
        "SOURCES__BASE_URL": papers_page.url,
        "SOURCES__ARXIV_URL": f"{papers_page.url}/rss",
        "SOURCES__ALLOW_PRIVATE": "true",
        "SOURCES__ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(f"NEWSLETTER_{key}", value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def app(installation) -> Iterator[App]:
    """The installation with papers."""
    blank_store(installation / "state" / "newsletter.db")
    made = App(load_settings())
    stock(made)
    yield made
    made.store.close()


@pytest.fixture
def relay(installation, monkeypatch) -> Iterator[Relay]:
    """A relay that the installation mails to."""
    with relay_at(monkeypatch) as running:
        yield running


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def newsletter(installation, monkeypatch, capsys) -> Callable[..., Ran]:
    """Runs the command line in this very process."""

    def ran(*words: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["newsletter", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return ran


_FIELDS = (
    "sparse attention for long inputs with a cache that forgets what nobody reads",
    "sparse attention in vision transformers that look at few patches of a picture",
    "kernels for sparse attention on graphics cards, tiled so that memory never waits",
    "routing tokens through sparse attention by learned hashing of their keys",
    "proofs that sparse attention keeps the power of universal approximation",
    "protein folding where sparse attention follows contacts between residues",
    "speech recognition in streams, with sparse attention over a moving window",
    "robots that plan with sparse attention over maps of their rooms",
)


@pytest.fixture
def item() -> Callable[..., dict]:
    """One item of the API, in the shape of 2026."""

    def made(number: int = 1, **changes: object) -> dict:
        paper = {
            "id": f"2604.{number:05}",
            "title": f"Planted Title {number} on Sparse Attention",
            "summary": f"We study {_FIELDS[number % len(_FIELDS)]}. It is fast.",
            "authors": [{"name": "Ada Example", "hidden": False}],
            "publishedAt": "2026-04-01T00:00:00.000Z",
            "submittedOnDailyAt": "2026-04-03T00:00:00.000Z",
            "upvotes": 10 * number,
            **changes,
        }
        return {"paper": paper, "title": paper["title"], "numComments": number}

    return made
