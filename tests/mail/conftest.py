"""A publication, a reader and a way to send for the tests of the mail room."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from mail_samples import NOW, TEMPLATES, Sender, Sent
from own_certificate import certificate_in

from newsletter.links import Key, LinkMaker
from newsletter.mail.digest import make_digest
from newsletter.mail.letters import Letterhead
from newsletter.mail.message import build
from newsletter.mail.render import Renderer
from newsletter.model import Pick, Profile, Publication, Subscriber


@pytest.fixture(scope="session")
def publication() -> Publication:
    return Publication(
        name="Trending papers",
        base_url="http://127.0.0.1:8025",
        from_name="Trending papers",
        from_address="digest@newsletter.example",
        reply_to="hello@newsletter.example",
        list_id="digest.newsletter.example",
        sender_id="newsletter",
        postal_address="Example Press, 1 Example Street, Example City",
        tagline="The few that matter to you",
    )


@pytest.fixture(scope="session")
def subscriber() -> Subscriber:
    return Subscriber(
        id="reader-1",
        email="ada@reader.example",
        name="Ada",
        since=date(2026, 1, 3),
        profile=Profile(topics=("how people read",), authors=("Ada Byron",)),
    )


@pytest.fixture(scope="session")
def renderer(publication: Publication) -> Renderer:
    return Renderer([TEMPLATES], publication)


@pytest.fixture(scope="session")
def letterhead(publication: Publication) -> Letterhead:
    return Letterhead([TEMPLATES], publication)


@pytest.fixture(scope="session")
def send(renderer: Renderer, publication: Publication, subscriber: Subscriber) -> Sender:
    """Takes picks all the way to the octets of a mail."""

    def sent(
        picks: Sequence[Pick],
        *,
        reader: Subscriber = subscriber,
        considered: int = 87,
        by: Renderer = renderer,
        base_url: str = publication.base_url,
        notes: tuple[str, ...] = (),
    ) -> Sent:
        digest = make_digest(
            subscriber=reader, picks=picks, considered=considered, edition="2026-04-03", now=NOW
        )
        digest = replace(digest, notes=notes)
        links = LinkMaker(base_url, [Key(1, "test secret")]).for_digest(digest)
        rendered = by.render(digest, reader, links)
        raw = build(
            rendered, digest=digest, subscriber=reader, publication=publication, links=links
        )
        return Sent(digest=digest, links=links, rendered=rendered, raw=raw)

    return sent


@pytest.fixture
def own_templates(tmp_path: Path) -> Path:
    """A copy of the templates to break."""
    return Path(shutil.copytree(TEMPLATES / "mail", tmp_path / "mail")).parent


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that signed itself: its file, and the context of a server."""
    return certificate_in(tmp_path_factory.mktemp("tls"))
