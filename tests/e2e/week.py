"""A week of an installation in a few minutes: a clock moved by hand, a real page server and relay."""

from __future__ import annotations

import email
import email.policy
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from house_settings import write_settings

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.listen import bind
from newsletter.pipeline import Delivered, deliver_due
from newsletter.runner import Runner

FIELDS = ("sparse attention", "robot hands", "protein folding", "weather maps")
PAPERS_A_DAY = 12


@dataclass
class PapersPage:
    """The list of each day as the API tells it; breaks and rests when a test wants it to."""

    broken: bool = False
    resting: frozenset[date] = frozenset()

    def items(self, day: date) -> list[dict[str, object]]:
        """Papers that name their field and their day; none on a day of rest."""
        if day in self.resting:
            return []
        return [_item(day, number) for number in range(1, PAPERS_A_DAY + 1)]


@dataclass
class Relay:
    """A relay that can be closed for a while and that knows no such users."""

    closed: bool = False
    unknown: frozenset[str] = frozenset()
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refused: int = 0

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802
        if self.closed:
            self.refused += 1
            return "451 4.3.2 closed for today"
        if address in self.unknown:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails += [(address, mail) for address in envelope.rcpt_tos]
        return "250 2.0.0 taken"

    def by_reader(self) -> dict[str, list[EmailMessage]]:
        """What reached each address, in order."""
        found: dict[str, list[EmailMessage]] = defaultdict(list)
        for address, mail in self.mails:
            found[address].append(mail)
        return found


class Week:
    """The installation and its clock."""

    def __init__(self, folder: Path, start: datetime, page: PapersPage, relay: Relay) -> None:
        self.now = start
        self.page = page
        self.relay = relay
        self._folder = folder

    def opens(self, page_url: str, smtp_port: int) -> None:
        """Builds the app over the running servers."""
        self.app = App(load_settings(_settings(self._folder, page_url, smtp_port)), now=self._clock)
        self.runner = Runner(self.app, on_ready=lambda: None)
        self.transport = self.app.transport()

    def passes(self, until: datetime, step: timedelta = timedelta(minutes=15)) -> None:
        """Time goes on; at each step the jobs do what they do in the container."""
        while self.now < until:
            self.now += step
            if self.now.minute in (0, 30):
                self.runner.guarded(self.runner.ingest)()
            self.runner.resume()
            self.runner.compose()
            while self._deliver() != Delivered():
                """There may be more than one round can carry."""

    def closes(self) -> None:
        self.transport.close()
        self.app.store.close()

    def _deliver(self) -> Delivered:
        return deliver_due(self.app.store, self.app.live_post, self.transport, now=self._clock)

    def _clock(self) -> datetime:
        return self.now


@contextmanager
def week(folder: Path, start: datetime) -> Iterator[Week]:
    """Starts the servers and the app, and stops them."""
    page, relay = PapersPage(), Relay()
    with bind("127.0.0.1", 0) as free:
        smtp_port = free.getsockname()[1]
    controller = Controller(relay, hostname="127.0.0.1", port=smtp_port)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(page))
    thread = Thread(target=server.serve_forever)
    controller.start()
    thread.start()
    made = Week(folder, start, page, relay)
    try:
        made.opens(f"http://127.0.0.1:{server.server_address[1]}", smtp_port)
        yield made
        made.closes()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        controller.stop()


def _handler(page: PapersPage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            wanted = parse_qs(asked.query).get("date", [""])[0]
            if asked.path == "/robots.txt" or page.broken or not wanted:
                self._answer(404 if asked.path == "/robots.txt" else 503, b"no")
            else:
                body = json.dumps(page.items(date.fromisoformat(wanted))).encode()
                self._answer(200, body)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler


def _item(day: date, number: int) -> dict[str, object]:
    name = FIELDS[number % len(FIELDS)]
    paper = {
        "id": f"{day:%y%m}.{day.day:02d}{number:03d}",
        "title": f"{name.capitalize()} study {day.day}-{number}",
        "summary": f"We study {name} on day {day.day}, for the {number}th time.",
        "authors": [{"name": "Ada Example", "hidden": False}],
        "publishedAt": f"{day}T00:00:00.000Z",
        "submittedOnDailyAt": f"{day}T00:00:00.000Z",
        "upvotes": number,
    }
    return {"paper": paper, "title": paper["title"], "numComments": 0}


def _settings(folder: Path, page_url: str, smtp_port: int) -> Path:
    sources = f'''
[sources]
base_url = "{page_url}"
arxiv_fallback = ""
attempts = 1
timeout_seconds = 5.0
'''
    return write_settings(folder, smtp_port=smtp_port, more=sources)
