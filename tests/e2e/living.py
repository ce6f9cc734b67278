"""A living installation: the real app on a real port, a real SMTP server, real papers' shape."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from queue import Queue
from threading import Event, Thread

import requests
from aiosmtpd.controller import Controller
from house_settings import write_settings

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.listen import bind, url_of
from newsletter.model import Entry, Listing, Paper, Tier
from newsletter.pipeline import record
from newsletter.web.server import SiteServer

WAIT_SECONDS = 30

_TITLES = (
    ("Quantization of language models to four bits", "Efficient inference of large models."),
    ("KV cache compression for long contexts", "Efficient inference keeps the cache small."),
    ("Speculative decoding with small drafts", "Efficient inference of language models."),
    ("Sparse attention on phones", "Efficient inference on small devices."),
    ("Robot manipulation with touch", "A robot hand learns manipulation of soft objects."),
    ("Robot manipulation from video", "Manipulation skills of a robot learned from video."),
    ("Grasping transparent objects", "A robot gripper sees glass; manipulation of the clear."),
    ("Protein folding in water", "Molecules and their folding, simulated for longer."),
    ("A survey of graph learning", "Graphs, nodes and edges: what was learned."),
    ("Speech recognition for birds", "Birds sing, and a model writes it down."),
    ("Video diffusion in few steps", "Video generation with diffusion models."),
    ("Text to image in one step", "Image generation distilled from a diffusion model."),
)


class Mailbox:
    """A real SMTP server that keeps what it gets."""

    def __init__(self) -> None:
        self._mails: Queue[EmailMessage] = Queue()
        self.count = 0

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.count += 1
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self._mails.put(mail)
        return "250 2.0.0 taken"

    def next(self) -> EmailMessage:
        """The next mail; waits until it has come."""
        return self._mails.get(timeout=WAIT_SECONDS)


class Clock:
    """The real time, moved on by a test: nobody has to sleep."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.passed


class Living:
    """The running installation, as somebody outside sees it."""

    def __init__(self, app: App, url: str, mailbox: Mailbox, clock: Clock) -> None:
        self.clock = clock
        self.app = app
        self.url = url
        self.mailbox = mailbox

    def later(self, **passed: float) -> None:
        """Time passes for the installation."""
        self.clock.passed += timedelta(**passed)

    def status(self, address: str) -> str:
        """Where somebody stands."""
        return self.app.subscriptions.find(address).status.value

    def links_in(self, mail: EmailMessage) -> list[str]:
        """Every link of ours in both parts."""
        found: list[str] = []
        for part in mail.walk():
            if part.get_content_maintype() == "text":
                found += re.findall(rf"{re.escape(self.url)}/[^\s\"'<>]*", part.get_content())
        return list(dict.fromkeys(link.replace("&amp;", "&") for link in found))

    def link(self, mail: EmailMessage, way: str) -> str:
        """The first link of one kind."""
        return next(link for link in self.links_in(mail) if f"/{way}/" in link)

    def post_one_click(self, mail: EmailMessage) -> requests.Response:
        """What a mail client does at a press of its unsubscribe button (RFC 8058)."""
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        address = re.search(r"<(https?:[^>]+)>", mail["List-Unsubscribe"])
        assert address
        return requests.post(
            address[1],
            data={"List-Unsubscribe": "One-Click"},
            allow_redirects=False,
            timeout=WAIT_SECONDS,
        )


@contextmanager
def living(folder: Path) -> Iterator[Living]:
    """Starts everything on free ports of 127.0.0.1, and stops it."""
    mailbox = Mailbox()
    with bind("127.0.0.1", 0) as free:
        smtp_port = free.getsockname()[1]
    relay = Controller(mailbox, hostname="127.0.0.1", port=smtp_port)
    relay.start()
    listening = bind("127.0.0.1", 0)
    url = url_of(listening)
    try:
        clock = Clock()
        app = _app(folder, url, smtp_port, clock)
        _stock(app)
        ready = Event()
        server = SiteServer(app, on_ready=ready.set, alarm=lambda *_: None)
        thread = Thread(target=server.run, args=(listening,))
        thread.start()
        try:
            assert ready.wait(WAIT_SECONDS)
            yield Living(app, url, mailbox, clock)
        finally:
            server.stop()
            thread.join()
            app.store.close()
    finally:
        listening.close()
        relay.stop()


def _app(folder: Path, url: str, smtp_port: int, clock: Clock) -> App:
    file = write_settings(folder, base_url=url, smtp_port=smtp_port)
    return App(load_settings(file), now=clock)


def _stock(app: App) -> None:
    today = datetime.now(UTC)
    entries = tuple(
        Entry(paper=_paper(n, title, abstract, today), rank=n, upvotes=120 - 9 * n)
        for n, (title, abstract) in enumerate(_TITLES, start=1)
    )
    source = f"daily:{today.date()}"
    listing = Listing(source=source, tier=Tier.API, entries=entries, listed_on=today.date())
    record(app.store, listing, now=today)


def _paper(number: int, title: str, abstract: str, today: datetime) -> Paper:
    return Paper(
        id=f"2604.{number:05d}",
        title=title,
        abstract=f"{abstract} We report results on three tasks and release the code.",
        authors=("Ada Byron", "B. Author"),
        keywords=tuple(title.lower().split()[:2]),
        url=f"https://huggingface.co/papers/2604.{number:05d}",
        listed_on=today.date(),
    )
