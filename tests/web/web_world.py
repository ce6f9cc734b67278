"""A whole installation for the tests of the pages: real store, real templates, a hand-moved clock."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from blank_store import blank_store
from fastapi.dependencies import models
from fastapi.testclient import TestClient
from house_settings import write_settings

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.delivery import Outcome, Result
from newsletter.membership import Consent, Wishes
from newsletter.model import Entry, Listing, Paper, Profile, Subscriber, Tier
from newsletter.pipeline import compose, deliver_due, record
from newsletter.web.build import build_site
from newsletter.web.server import make_site

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
HOME = "https://papers.example"
CONSENT = Consent(at=NOON, origin="test", wording="yes")

PAPERS = (
    (
        "Quantization of language models to four bits",
        "Efficient inference of large models.",
        "Ada Byron",
    ),
    (
        "KV cache compression for long contexts",
        "Efficient inference keeps the cache small.",
        "Tri Example",
    ),
    (
        "Speculative decoding with small drafts",
        "Efficient inference of language models by drafting.",
        "Ada Byron",
    ),
    ("Sparse attention on phones", "Efficient inference on small devices.", "Lin Wei"),
    (
        "Robot manipulation with touch",
        "A robot hand learns manipulation of soft objects.",
        "Rosa Mann",
    ),
    (
        "Robot manipulation from video",
        "Manipulation skills of a robot learned from video.",
        "Rosa Mann",
    ),
    (
        "Grasping transparent objects",
        "A robot gripper sees glass; manipulation of the clear.",
        "Kai Ono",
    ),
    ("Protein folding in water", "Molecules and their folding, simulated for longer.", "Eva Salt"),
    ("A survey of graph learning", "Graphs, nodes and edges: what was learned.", "Max Graph"),
    ("Speech recognition for birds", "Birds sing, and a model writes it down.", "Avi Phon"),
    (
        "Diffusion models for video generation",
        "Video generation with diffusion in few steps.",
        "Vida Gen",
    ),
    ("Text to image in one step", "Image generation distilled from a diffusion model.", "Vida Gen"),
)


class Site:
    """One installation, driven like a person and a relay would: pages in, mails out."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.at = NOON
        self.alarms: list[tuple[str, str]] = []
        self.folder = folder
        file = write_settings(folder, base_url=HOME, more=settings)
        blank_store(folder / "state" / "newsletter.db")
        self.app = App(load_settings(file), now=lambda: self.at)
        self.stock()
        self.site = make_site(
            self.app, mail_waits=lambda: None, alarm=lambda *said: self.alarms.append(said)
        )
        self.client = TestClient(
            build_site(self.site),
            base_url=HOME,
            follow_redirects=False,
            raise_server_exceptions=False,
        )
        self.sink = Sink()

    def stock(self) -> None:
        """Today's list: twelve papers of four fields."""
        entries = tuple(
            Entry(paper=_paper(n, *words), rank=n, upvotes=120 - 9 * n)
            for n, words in enumerate(PAPERS, start=1)
        )
        day = date(2026, 4, 3)
        listing = Listing(source=f"daily:{day}", tier=Tier.API, entries=entries, listed_on=day)
        record(self.app.store, listing, now=self.at)

    def later(self, **passed: float) -> None:
        """Time passes."""
        self.at += timedelta(**passed)

    def reader(self, address: str = "ines@reader.example", **wishes: object) -> Subscriber:
        """Somebody who confirmed and was made a first digest, which was delivered."""
        asked = Wishes(profile=Profile(topics=("efficient inference",)), **wishes)
        subscriber = self.app.subscriptions.enrol(address, asked, CONSENT, now=self.at)
        compose(
            self.app.store, subscriber, self.site.chooser.pool, edition="2026-04-03", now=self.at
        )
        return subscriber

    def deliver(self) -> list[EmailMessage]:
        """Every mail that is due now, as it reached the relay."""
        start = len(self.sink.mails)
        deliver_due(self.app.store, self.app.live_post, self.sink, now=lambda: self.at)
        return self.sink.mails[start:]

    def path(self, way: str, *subject: str) -> str:
        """The path of a signed link."""
        return self.site.links.url(way, *subject).removeprefix(HOME)

    def dump(self) -> bytes:
        """Everything the database holds, for a comparison."""
        from sqlalchemy import create_engine, text

        engine = create_engine(self.app.settings.store_url)
        with engine.connect() as connection:
            names = connection.scalars(
                text("select name from sqlite_master where type = 'table' order by name")
            ).all()
            rows = {n: connection.execute(text(f'select * from "{n}"')).all() for n in names}
        engine.dispose()
        return repr(rows).encode()

    def close(self) -> None:
        self.client.close()
        self.app.store.close()
        # FastAPI keeps the last 4,096 endpoints in mind, and by each its whole installation: 16 MB.
        for known in vars(models).values():
            if hasattr(known, "cache_clear"):
                known.cache_clear()


class Sink:
    """A relay that takes everything."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self._lock = Lock()

    def carry(self, mails):
        for mail in mails:
            yield self.take(mail.raw, sender=mail.sender, recipient=mail.recipient)

    def take(self, raw: bytes, *, sender: str, recipient: str) -> Outcome:
        with self._lock:
            self.mails.append(email.message_from_bytes(raw, policy=email.policy.default))
        return Outcome(result=Result.ACCEPTED, reply=250)

    def close(self) -> None:
        """Nothing to give back."""


def links_in(mail: EmailMessage) -> list[str]:
    """Every link of ours in the text part, as a path."""
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.findall(rf"{re.escape(HOME)}(/\S+)", body.get_content())
    return list(dict.fromkeys(found))


def _paper(number: int, title: str, abstract: str, author: str) -> Paper:
    return Paper(
        id=f"2604.{number:05d}",
        title=title,
        abstract=abstract + " We report results on three tasks and release the code.",
        authors=(author, "B. Author"),
        keywords=tuple(title.lower().split()[:2]),
        url=f"https://huggingface.co/papers/2604.{number:05d}",
        listed_on=date(2026, 4, 3),
    )


def post_scope(
    path: str, kind: bytes, client: str, *headers: tuple[bytes, bytes]
) -> dict[str, Any]:
    """What the server hands to the application when somebody posts (ASGI 3)."""
    host = urlsplit(HOME).netloc
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", host.encode()), (b"content-type", kind), *headers],
        "client": (client, 50_000),
        "server": (host, 443),
    }
