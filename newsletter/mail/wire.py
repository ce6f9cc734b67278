"""What every mail of ours is made of on the wire: headers that cannot break, parts; CRLF, 7 bit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from functools import cache, lru_cache

from newsletter.errors import MailError
from newsletter.mail.octets import Body
from newsletter.mail.wording import plain, shorten, tidy
from newsletter.model import Publication

# The header block is written by hand: the standard library's EmailMessage encodes any value with a
# word of 78 characters, which makes `List-Unsubscribe: =?utf-8?q?=3Chttps...`, refused by Gmail
# with 550 5.7.1. Python 3.11 and 3.14 do the same.

Headers = Sequence[tuple[str, str]]

_LINE = 76
_KEPT = 1_024  # many mails have their subject, their date and our own addresses in common
_NAME_LIMIT = 70
_SUBJECT_LIMIT = 200
_URI = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,900}")
_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,100}")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


def opening(publication: Publication, *, to: str, subject: str, at: datetime, mail_id: str) -> str:
    """The headers that every mail begins with.

    Args:
        to: the value of the header, see `mailbox`.
        at: aware; written in UTC.
        mail_id: unique and opaque; the Message-ID is made of it and our own domain.

    Raises:
        MailError: a value cannot stand in a header.
    """
    form = _opening(publication, at)
    return form % (to, unstructured(subject, "Subject"), identifier(mail_id))


@lru_cache(maxsize=_KEPT)
def _opening(publication: Publication, at: datetime) -> str:
    """They with `%s` for the recipient, the subject and the id."""
    sender = address(publication.from_address)
    shown = fixed(mailbox(publication.from_name, sender, "From"))
    reply_to = fixed(address(publication.reply_to or sender))
    # an aware time gives +0000; -0000 would mean "zone unknown" (RFC 5322 3.3)
    date = format_datetime(at.astimezone(UTC))
    return header_block(
        [
            ("From", shown),
            ("To", "%s"),
            ("Reply-To", reply_to),
            ("Subject", "%s"),
            ("Date", date),
            ("Message-ID", f"<%s@{fixed(sender.rpartition('@')[2])}>"),
        ]
    )


def fixed(text: str) -> str:
    """A text as it stands in a form with `%s`."""
    return text.replace("%", "%%")


def assemble(headers: str, *, text: Body, html: Body | None, mail_id: str) -> bytes:
    """A whole mail: `multipart/alternative`, text first (RFC 2046 5.1.4), or the text part alone.

    Args:
        headers: see `header_block`.
        html: `None` for a mail of plain text.
        mail_id: the boundary is made of it, so the same input gives the same octets.
    """
    if html is None:
        whole = headers + _part_head("plain", text.encoding)
        return b"".join((whole.encode("ascii"), *text.parts))
    line = f"--{_boundary(mail_id)}\r\n"
    kind = f'Content-Type: multipart/alternative; boundary="{_boundary(mail_id)}"\r\n\r\n'
    before = headers + kind + line + _part_head("plain", text.encoding)
    between = f"\r\n{line}{_part_head('html', html.encoding)}"
    return b"".join(
        (
            *(before.encode("ascii"), *text.parts),
            *(between.encode("ascii"), *html.parts, ending(mail_id)),
        )
    )


def ending(mail_id: str) -> bytes:
    """What stands behind the last part of a mail with two."""
    return f"\r\n--{_boundary(mail_id)}--\r\n".encode("ascii")


def _boundary(mail_id: str) -> str:
    return f"=_{mail_id[:40]}"


def mailbox(name: str, to: str, header: str) -> str:
    """`"Name" <address>` for one header; the name is cut, quoted or encoded as needed."""
    to = address(to)
    name = shorten(plain(name), _NAME_LIMIT)
    if not name:
        return to
    if _is_plain(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        shown = f'"{escaped}"'
    else:
        shown = _encoded(name, header)
    line_end = shown.rpartition("\n")[2]
    fits = len(line_end) + len(to) + len(header) + 5 <= _LINE
    return f"{shown}{' ' if fits else chr(13) + chr(10) + ' '}<{to}>"


@lru_cache(maxsize=_KEPT)
def unstructured(text: str, header: str) -> str:
    """A header of free text on lines of at most 78 characters; line breaks in it become blanks."""
    text = shorten(plain(text), _SUBJECT_LIMIT)
    if _is_plain(text) and len(header) + 2 + len(text) <= _LINE:
        return text
    return _encoded(text, header)


def _is_plain(text: str) -> bool:
    # "=?" would read as an encoded-word
    return text.isascii() and text.isprintable() and "=?" not in text


@lru_cache(maxsize=_KEPT)
def _encoded(text: str, header: str) -> str:
    """RFC 2047 encoded-words of at most 75 characters, folded; characters are never split."""
    return Header(text, "utf-8", header_name=header).encode(
        splitchars="", maxlinelen=75, linesep="\r\n"
    )


@lru_cache(maxsize=_KEPT)
def address(text: str) -> str:
    """An address as headers and envelopes hold it; an international domain in its ASCII form.

    Raises:
        MailError: it is no address, or none that can do without SMTPUTF8.
    """
    if len(text) <= 254 and _ADDRESS.fullmatch(text):
        return text
    local, _, domain = text.rpartition("@")
    if domain and not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError as error:
            raise MailError(f"“{tidy(text)}” has a domain that is no domain") from error
    whole = f"{local}@{domain}"
    if len(whole) > 254 or not _ADDRESS.fullmatch(whole):
        raise MailError(f"“{shorten(tidy(text), 80)}” cannot be used as a mail address")
    return whole


def uri(url: str) -> str:
    """A URL as it may stand between angle brackets.

    Raises:
        MailError: it holds a blank, a bracket or a character beyond ASCII, or is too long.
    """
    if not _URI.fullmatch(url):
        raise MailError(f"the link “{shorten(tidy(url), 80)}” cannot stand in a header")
    return url


def identifier(text: str) -> str:
    """A word of letters, digits, dots, dashes and underscores.

    Raises:
        MailError: it is something else.
    """
    if not _IDENTIFIER.fullmatch(text):
        raise MailError(f"“{shorten(tidy(text), 80)}” cannot be used as an identifier in a header")
    return text


def header_block(headers: Headers) -> str:
    """Headers as they stand in a mail."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers)


@cache
def _part_head(subtype: str, encoding: str) -> str:
    """The headers of a part and the empty line behind them; there are three or four of them."""
    kind = ("Content-Type", f"text/{subtype}; charset=utf-8")
    return header_block([kind, ("Content-Transfer-Encoding", encoding)]) + "\r\n"
