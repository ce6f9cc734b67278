"""Builds the mail of a digest as it goes over the wire: list headers, text part, HTML part."""

from __future__ import annotations

import re
from functools import lru_cache

from newsletter.links import DigestLinks
from newsletter.mail.render import Rendered
from newsletter.mail.wire import (
    address,
    assemble,
    fixed,
    header_block,
    identifier,
    mailbox,
    opening,
    uri,
)
from newsletter.mail.wording import tidy
from newsletter.model import Digest, Format, Publication, Subscriber

_KEPT = 256  # readers of an edition have all but their own address in common


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
) -> str:
    first = opening(
        publication,
        to=mailbox(subscriber.name, subscriber.email, "To"),
        subject=digest.subject,
        at=digest.created_at,
        mail_id=digest.id,
    )
    return first + _of_the_list(publication, digest.edition) % (uri(links.unsubscribe), digest.id)


@lru_cache(maxsize=_KEPT)
def _of_the_list(publication: Publication, edition: str) -> str:
    """The headers that tell what list this is, with `%s` for the link to leave it and the mail's id.

    List-Unsubscribe (RFC 2369) has one URI on each line: the https one for one click, a mail for
    readers without; the id stands in it as it is.
    """
    to = fixed(address(publication.reply_to or publication.from_address))
    feedback_id = _feedback_id(edition, publication.list_id, publication.sender_id)
    return header_block(
        [
            ("List-Id", fixed(_list_id(publication.name, publication.list_id))),
            ("List-Unsubscribe", f"<%s>,\r\n <mailto:{to}?subject=unsubscribe%%20%s>"),
            # RFC 8058: together with the https URI above, one click without login or question
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("Feedback-ID", feedback_id),
            # RFC 3834: no vacation answers, please
            ("Auto-Submitted", "auto-generated"),
            ("MIME-Version", "1.0"),
        ]
    )


def _list_id(name: str, list_id: str) -> str:
    """RFC 2919; the phrase only when it is plain ASCII, for List-* must hold no encoded-word."""
    name = tidy(name)
    listed = f"<{identifier(list_id)}>"
    plain = re.fullmatch(r"[A-Za-z0-9 ]{1,40}", name)
    return f"{name} {listed}" if plain else listed


def _feedback_id(edition: str, list_id: str, sender_id: str) -> str:
    """`edition:list:stream:sender`, equal for all readers of an edition (Gmail counts by field)."""
    fields = (edition, list_id, "digest", sender_id)
    return ":".join(re.sub(r"[^A-Za-z0-9._-]", "", field) or "none" for field in fields)
