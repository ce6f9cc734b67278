"""An installation with today's papers, a reader and a digest, and a relay that takes its mails."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from newsletter.app import App
from newsletter.listen import bind
from newsletter.membership import Consent, Wishes
from newsletter.model import Digest, Entry, Listing, Paper, Profile, Subscriber, Tier
from newsletter.pipeline import compose, deliver_due, record

FIELDS = ("sparse attention", "robot hands", "protein folding", "weather maps")
LOGIN = ("newsletter", "s3cret-word")
INES = "ines@reader.example"


def signing(monkeypatch: pytest.MonkeyPatch, folder: Path, domain: str, bits: int = 2048):
    """Mails are signed for that domain from now on, with the key that is answered."""
    key = rsa.generate_private_key(65537, bits)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "dkim.pem").write_bytes(key.private_bytes(*form))
    monkeypatch.setenv("NEWSLETTER_DKIM__DOMAIN", domain)
    monkeypatch.setenv("NEWSLETTER_DKIM__KEY_FILE", str(folder / "dkim.pem"))
    return key


def stock(app: App, *, days_ago: int = 0) -> None:
    """Twelve papers of the list of a day, read on it."""
    at = app.now() - timedelta(days=days_ago)
    entries = tuple(
        Entry(
            paper=Paper(
                id=f"2604.{n:05d}",
                title=f"{FIELDS[n % 4]} study {n}",
                abstract=f"All about {FIELDS[n % 4]}.",
                url=f"https://papers.example/{n}",
                listed_on=at.date(),
            ),
            rank=n,
            upvotes=n,
        )
        for n in range(1, 13)
    )
    source = f"daily:{at.date()}"
    listing = Listing(source=source, tier=Tier.API, entries=entries, listed_on=at.date())
    record(app.store, listing, now=at)


def enrol(app: App, email: str = INES, **profile: object) -> Subscriber:
    """Somebody active who likes sparse attention."""
    wishes = Wishes(profile=Profile(**({"topics": ("sparse attention",)} | profile)))
    consent = Consent(at=app.now(), origin="test", wording="yes")
    return app.subscriptions.enrol(email, wishes, consent, now=app.now())


def composed(app: App, reader: Subscriber, edition: str = "") -> Digest:
    """Their digest, waiting in the outbox."""
    now = app.now()
    day = edition or now.date().isoformat()
    digest = compose(app.store, reader, app.pool(), edition=day, now=now)
    assert digest
    return digest


def delivered(app: App) -> None:
    """Everything due leaves by the configured way."""
    transport = app.transport()
    deliver_due(app.store, app.live_post, transport, now=app.now)
    transport.close()


@dataclass
class Relay:
    """A real SMTP server, and what it took."""

    port: int = 0
    refusal: str = ""
    mails: list[Envelope] = field(default_factory=list)
    logins: int = 0

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.refusal or "250 OK"

    async def handle_DATA(self, server, session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(envelope)
        return "250 2.0.0 taken"

    def authenticate(self, server, session, envelope, mechanism, data) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        self.logins += 1
        return AuthResult(success=given == LOGIN, handled=given == LOGIN)


@contextmanager
def relay_at(
    monkeypatch, *, login: bool = False, tls: ssl.SSLContext | None = None
) -> Iterator[Relay]:
    """The relay, named in the environment of the installation."""
    relay = Relay()
    with bind("127.0.0.1", 0) as free:
        relay.port = free.getsockname()[1]
    asks = {"authenticator": relay.authenticate, "auth_require_tls": False} if login else {}
    place = {"hostname": "127.0.0.1", "port": relay.port, "ssl_context": tls}
    controller = Controller(relay, **place, **asks)
    controller.start()
    settings = {"HOST": "127.0.0.1", "PORT": str(relay.port), "SECURITY": "tls" if tls else "none"}
    if login:
        settings |= {"USERNAME": LOGIN[0], "PASSWORD": LOGIN[1]}
    for key, value in settings.items():
        monkeypatch.setenv(f"NEWSLETTER_SMTP__{key}", value)
    try:
        yield relay
    finally:
        controller.stop()
