"""An operator who can be reached: a relay that takes or refuses, and a webhook on this machine."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler

from serving import serving

from newsletter.delivery import Outcome, Result
from newsletter.model import Publication
from newsletter.watch import Alarm

NOON = datetime(2026, 4, 8, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DISK = Alarm(name="disk", sentence="The disk is nearly full.", remedy="Make room.")
RELAY = Alarm(name="relay", sentence="The relay takes nothing.", remedy="Ask them.")

PUBLICATION = Publication(
    name="Trending papers",
    base_url="https://papers.example",
    from_name="Trending papers",
    from_address="digest@papers.example",
    reply_to="hello@papers.example",
    list_id="digest.papers.example",
    sender_id="newsletter",
    postal_address="1 Example Street",
)


TAKEN = Outcome(result=Result.ACCEPTED, reply=250)


@dataclass
class Relay:
    """A transport that answers what the test says and keeps what it took."""

    outcome: Outcome = TAKEN
    error: Exception | None = None
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    opened: int = 0
    closed: int = 0

    def make(self) -> Relay:
        """What the installation does when it needs a way out."""
        self.opened += 1
        return self

    def carry(self, mails):
        for mail in mails:
            yield self.take(mail.raw, sender=mail.sender, recipient=mail.recipient)

    def take(self, raw: bytes, *, sender: str, recipient: str) -> Outcome:
        if self.error:
            raise self.error
        if self.outcome.result is Result.ACCEPTED:
            self.recipients.append(recipient)
            self.mails.append(email.message_from_bytes(raw, policy=email.policy.default))
        return self.outcome

    def close(self) -> None:
        self.closed += 1


@dataclass
class Webhook:
    """What was posted, and the status it answers with."""

    url: str = ""
    status: int = 200
    posted: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def webhook_running() -> Iterator[Webhook]:
    """A webhook on some port of this machine."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            hook.posted.append(json.loads(self.rfile.read(length)))
            self.send_response(hook.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Handler) as port:
        hook.url = f"http://127.0.0.1:{port}/secret-path"
        yield hook
