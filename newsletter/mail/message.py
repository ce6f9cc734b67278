"""Builds the mail as it goes over the wire: header block, text part, HTML part; CRLF, 7 bit."""

from __future__ import annotations

import re
from datetime import UTC
from email.header import Header
from email.utils import format_datetime
from urllib.parse import quote

from newsletter.errors import MailError
from newsletter.links import DigestLinks
from newsletter.mail.render import Rendered, quoted_printable
from newsletter.mail.wording import plain, shorten, tidy
from newsletter.model import Digest, Format, Publication, Subscriber

# The header block is written by hand: the standard library's EmailMessage encodes any value with a
# word of 78 characters, which makes `List-Unsubscribe: =?utf-8?q?=3Chttps...`, refused by Gmail
# with 550 5.7.1. Python 3.11 and 3.14 do the same.

_LINE = 76
_NAME_LIMIT = 70
_SUBJECT_LIMIT = 200
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


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
    headers = _headers(digest, subscriber, publication, links)
    text = quoted_printable(rendered.text)
    if subscriber.format is Format.TEXT:
        return _block([*headers, *_part_headers("plain")]) + b"\r\n" + text
    boundary = f"=_{digest.id[:40]}"
    kind = ("Content-Type", f'multipart/alternative; boundary="{boundary}"')
    return (
        b"\r\n".join(
            (
                _block([*headers, kind]),
                _part(boundary, "plain", text)
                + _part(boundary, "html", quoted_printable(rendered.html)),
            )
        )
        + f"--{boundary}--\r\n".encode()
    )


def _headers(
    digest: Digest, subscriber: Subscriber, publication: Publication, links: DigestLinks
) -> list[tuple[str, str]]:
    sender = _address(publication.from_address)
    return [
        ("From", mailbox(publication.from_name, sender, "From")),
        ("To", mailbox(subscriber.name, subscriber.email, "To")),
        ("Reply-To", _address(publication.reply_to or sender)),
        ("Subject", unstructured(digest.subject, "Subject")),
        # an aware time gives +0000; -0000 would mean "zone unknown" (RFC 5322 3.3)
        ("Date", format_datetime(digest.created_at.astimezone(UTC))),
        ("Message-ID", f"<{_token(digest.id)}@{sender.rpartition('@')[2]}>"),
        ("List-Id", _list_id(publication)),
        ("List-Unsubscribe", _list_unsubscribe(digest, publication, links)),
        # RFC 8058: together with the https URI above, one click without login or question
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Feedback-ID", _feedback_id(digest, publication)),
        # RFC 3834: no vacation answers, please
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ]


def _list_id(publication: Publication) -> str:
    """RFC 2919; the phrase only when it is plain ASCII, for List-* must hold no encoded-word."""
    name = tidy(publication.name)
    listed = f"<{_token(publication.list_id)}>"
    plain = re.fullmatch(r"[A-Za-z0-9 ]{1,40}", name)
    return f"{name} {listed}" if plain else listed


def _list_unsubscribe(digest: Digest, publication: Publication, links: DigestLinks) -> str:
    """RFC 2369, one URI on each line: the https one for one click, a mail for readers without."""
    subject = quote(f"unsubscribe {digest.id}")
    by_mail = (
        f"mailto:{_address(publication.reply_to or publication.from_address)}?subject={subject}"
    )
    return f"<{_uri(links.unsubscribe)}>,\r\n <{by_mail}>"


def _feedback_id(digest: Digest, publication: Publication) -> str:
    """`edition:list:stream:sender`, equal for all readers of an edition (Gmail counts by field)."""
    fields = (digest.edition, publication.list_id, "digest", publication.sender_id)
    return ":".join(re.sub(r"[^A-Za-z0-9._-]", "", field) or "none" for field in fields)


def mailbox(name: str, address: str, header: str) -> str:
    """`"Name" <address>` for one header; the name is cut, quoted or encoded as needed."""
    address = _address(address)
    name = shorten(plain(name), _NAME_LIMIT)
    if not name:
        return address
    if _is_plain(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        shown = f'"{escaped}"'
    else:
        shown = _encoded(name, header)
    line_end = shown.rpartition("\n")[2]
    fits = len(line_end) + len(address) + len(header) + 5 <= _LINE
    return f"{shown}{' ' if fits else chr(13) + chr(10) + ' '}<{address}>"


def unstructured(text: str, header: str) -> str:
    """A header of free text on lines of at most 78 characters; line breaks in it become blanks."""
    text = shorten(plain(text), _SUBJECT_LIMIT)
    if _is_plain(text) and len(header) + 2 + len(text) <= _LINE:
        return text
    return _encoded(text, header)


def _is_plain(text: str) -> bool:
    # "=?" would read as an encoded-word
    return text.isascii() and text.isprintable() and "=?" not in text


def _encoded(text: str, header: str) -> str:
    """RFC 2047 encoded-words of at most 75 characters, folded; characters are never split."""
    return Header(text, "utf-8", header_name=header).encode(
        splitchars="", maxlinelen=75, linesep="\r\n"
    )


def _address(address: str) -> str:
    """An address as headers may hold it; an international domain becomes its ASCII form."""
    local, _, domain = address.rpartition("@")
    if domain and not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError as error:
            raise MailError(f"“{tidy(address)}” has a domain that is no domain") from error
    whole = f"{local}@{domain}"
    if len(whole) > 254 or not _ADDRESS.fullmatch(whole):
        raise MailError(f"“{shorten(tidy(address), 80)}” cannot be used as a mail address")
    return whole


def _uri(url: str) -> str:
    if not re.fullmatch(r"[\x21-\x3b\x3d\x3f-\x7e]{1,900}", url):
        raise MailError(f"the link “{shorten(tidy(url), 80)}” cannot stand in a header")
    return url


def _token(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", text):
        raise MailError(f"“{shorten(tidy(text), 80)}” cannot be used as an identifier in a header")
    return text


def _block(headers: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii")


def _part_headers(subtype: str) -> list[tuple[str, str]]:
    return [
        ("Content-Type", f"text/{subtype}; charset=utf-8"),
        ("Content-Transfer-Encoding", "quoted-printable"),
    ]


def _part(boundary: str, subtype: str, body: bytes) -> bytes:
    head = _block(_part_headers(subtype))
    return f"--{boundary}\r\n".encode() + head + b"\r\n" + body + b"\r\n"
