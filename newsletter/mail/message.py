"""Builds the mail of a digest as it goes over the wire: list headers, text part, HTML part."""

from __future__ import annotations

import re
from functools import lru_cache

from newsletter.links import DigestLinks
from newsletter.mail.render import Rendered
from newsletter.mail.wire import (
    address,
    assemble,
    identifier,
    mailbox,
    opening,
    unstructured,
    uri,
)
from newsletter.mail.wording import tidy
from newsletter.model import Digest, Format, Publication, Subscriber

_KEPT = 256  # readers of an edition have all but their own address in common

__all__ = ["build", "mailbox", "unstructured"]


def build(
    rendered: Rendered,
    *,
    digest: Digest,
    subscriber: Subscriber,
    publication: Publication,
    links: DigestLinks,
) -> bytes:
    """The finished mail, unsigned; the same input gives the same octets.

    A subscriber who asked for text gets the text part alone, everybody else
    `multipart/alternative`, text first (RFC 2046 5.1.4).

    Raises:
        MailError: an address cannot stand in a header (line breaks, non-ASCII local part, ...).
    """
    return assemble(
        _headers(digest, subscriber, publication, links),
        text=rendered.text_body,
        html=None if subscriber.format is Format.TEXT else rendered.html_body,
        mail_id=digest.id,
    )


def _headers(
    digest: Digest, subscriber: Subscriber, publication: Publication, links: DigestLinks
) -> list[tuple[str, str]]:
    return [
        *opening(
            publication,
            to=mailbox(subscriber.name, subscriber.email, "To"),
            subject=digest.subject,
            at=digest.created_at,
            mail_id=digest.id,
        ),
        ("List-Id", _list_id(publication.name, publication.list_id)),
        ("List-Unsubscribe", _list_unsubscribe(digest, publication, links)),
        # RFC 8058: together with the https URI above, one click without login or question
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Feedback-ID", _feedback_id(digest.edition, publication.list_id, publication.sender_id)),
        # RFC 3834: no vacation answers, please
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ]


@lru_cache(maxsize=_KEPT)
def _list_id(name: str, list_id: str) -> str:
    """RFC 2919; the phrase only when it is plain ASCII, for List-* must hold no encoded-word."""
    name = tidy(name)
    listed = f"<{identifier(list_id)}>"
    plain = re.fullmatch(r"[A-Za-z0-9 ]{1,40}", name)
    return f"{name} {listed}" if plain else listed


def _list_unsubscribe(digest: Digest, publication: Publication, links: DigestLinks) -> str:
    """RFC 2369, one URI on each line: the https one for one click, a mail for readers without."""
    to = address(publication.reply_to or publication.from_address)
    # An identifier stands in a URI as it is.
    by_mail = f"mailto:{to}?subject=unsubscribe%20{identifier(digest.id)}"
    return f"<{uri(links.unsubscribe)}>,\r\n <{by_mail}>"


@lru_cache(maxsize=_KEPT)
def _feedback_id(edition: str, list_id: str, sender_id: str) -> str:
    """`edition:list:stream:sender`, equal for all readers of an edition (Gmail counts by field)."""
    fields = (edition, list_id, "digest", sender_id)
    return ":".join(re.sub(r"[^A-Za-z0-9._-]", "", field) or "none" for field in fields)
