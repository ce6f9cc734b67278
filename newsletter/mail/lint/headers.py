"""Pre-flight rules for the wire form, the headers and the MIME structure of a mail."""

from __future__ import annotations

import re
from datetime import datetime
from email.header import decode_header
from email.utils import getaddresses, parseaddr, parsedate_to_datetime

from newsletter.mail.lint.model import Mail, Rule

SINGLE = (
    *("from", "to", "subject", "date", "message-id", "mime-version", "content-type", "list-id"),
    *("list-unsubscribe", "list-unsubscribe-post", "feedback-id", "auto-submitted"),
)
NEVER_ENCODED = (
    *("message-id", "date", "list-id", "list-unsubscribe", "list-unsubscribe-post"),
    *("feedback-id", "auto-submitted", "content-type", "dkim-signature", "mime-version"),
)
HEAD_LIMIT = 16_384
MAIL_LIMIT = 150_000
SUBJECT_LIMIT = 78

_ENCODED_WORD = re.compile(r"=\?([^?\s]+)\?([bBqQ])\?([^?\s]*)\?=")
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f]")
_LOCAL = ("http://127.0.0.1", "http://localhost")


def line_ends(mail: Mail) -> str:
    rest = mail.raw.replace(b"\r\n", b"")
    return "a bare CR or LF" if b"\r" in rest or b"\n" in rest else ""


def seven_bit(mail: Mail) -> str:
    return "" if mail.raw.isascii() and b"\0" not in mail.raw else "8 bit octets or NUL"


def line_lengths(mail: Mail) -> str:
    longest = max(map(len, mail.raw.split(b"\r\n")))
    return f"{longest} octets" if longest > 998 else ""


def sizes(mail: Mail) -> str:
    if len(mail.head) >= HEAD_LIMIT:
        return f"header block of {len(mail.head):,} octets"
    return f"{len(mail.raw):,} octets" if len(mail.raw) >= MAIL_LIMIT else ""


def single_headers(mail: Mail) -> str:
    return mail.not_once(SINGLE)


def no_leaks(mail: Mail) -> str:
    leaks = ("cc", "bcc", "x-mailer", "user-agent", "return-path", "x-originating-ip")
    return ", ".join(name for name in leaks if name in mail.fields)


def plain_structured(mail: Mail) -> str:
    return ", ".join(
        name for name in NEVER_ENCODED if any("=?" in v for v in mail.fields.get(name, ()))
    )


def encoded_words(mail: Mail) -> str:
    for found in _ENCODED_WORD.finditer(mail.head.decode("ascii", "replace")):
        if len(found[0]) > 75:
            return f"{len(found[0])} characters"
        try:
            for data, charset in decode_header(found[0]):
                if isinstance(data, bytes):
                    data.decode(charset or "ascii")
        except (LookupError, ValueError):
            return found[0]
    return ""


def sender(mail: Mail) -> str:
    addresses = getaddresses(list(mail.fields.get("from", ())))
    name, address = parseaddr(str(mail.message["From"] or ""))
    if len(addresses) != 1 or "@" not in address:
        return f"{len(addresses)} addresses"
    if not name or "@" in name:
        return "no display name" if not name else "an address as display name"
    return "an emoji in the display name" if _EMOJI.search(name) else ""


def recipient(mail: Mail) -> str:
    addresses = getaddresses(list(mail.fields.get("to", ())))
    good = len(addresses) == 1 and "@" in addresses[0][1]
    return "" if good else f"{len(addresses)} addresses"


def reply_to(mail: Mail) -> str:
    if "reply-to" not in mail.fields:
        return ""
    address = parseaddr(mail.one("reply-to"))[1]
    return "" if re.fullmatch(r"[^@\s]+@[^@\s]+", address) else mail.one("reply-to")


def subject(mail: Mail) -> str:
    shown = str(mail.message["Subject"] or "")
    if not 1 <= len(shown) <= SUBJECT_LIMIT:
        return f"{len(shown)} characters"
    if re.match(r"(re|fwd?)\s*:", shown, re.IGNORECASE):
        return "pretends to be an answer"
    return "all capitals" if shown.isupper() and len(shown) > 3 else ""


def date(mail: Mail) -> str:
    value = mail.one("date")
    if _parsed_date(value) is None:
        return f"not a date: {value}"
    return "zone -0000 (unknown)" if value.endswith("-0000") else ""


def _parsed_date(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value)
    except ValueError:
        return None


def message_id(mail: Mail) -> str:
    value = mail.one("message-id")
    found = re.fullmatch(r"<[^<>@\s]+@([^<>@\s]+)>", value)
    own = parseaddr(mail.one("from"))[1].rpartition("@")[2].lower()
    if not found:
        return value or "none"
    domain = found[1].lower()
    return "" if domain == own or domain.endswith(f".{own}") else f"{domain} is not under {own}"


def list_id(mail: Mail) -> str:
    value = mail.one("list-id")
    return "" if re.search(r"<[^<>@\s]+\.[^<>@\s]+>$", value) else value or "none"


def list_unsubscribe(mail: Mail) -> str:
    uris = re.findall(r"<([^>]*)>", mail.one("list-unsubscribe"))
    allowed = ("https://", *_LOCAL) if mail.dev else ("https://",)
    web = [uri for uri in uris if uri.startswith(allowed)]
    mails = [uri for uri in uris if uri.startswith("mailto:")]
    if len(web) != 1 or len(mails) > 1 or len(web) + len(mails) != len(uris):
        return ", ".join(uris) or "no URI"
    token = re.split(r"[/?=&]", web[0])[-1]
    if "@" in web[0] or "%40" in web[0]:
        return "an address in the URI"
    return "" if len(token) >= 22 else "no opaque token of 128 bit"


def one_click(mail: Mail) -> str:
    value = mail.one("list-unsubscribe-post")
    return "" if value == "List-Unsubscribe=One-Click" else value or "none"


def feedback_id(mail: Mail) -> str:
    value = mail.one("feedback-id")
    fields = value.split(":")
    to = parseaddr(mail.one("to"))[1]
    if len(fields) != 4 or not all(fields) or not 5 <= len(fields[3]) <= 15:
        return value or "none"
    return "the recipient is in it" if to and to in value else ""


def auto_submitted(mail: Mail) -> str:
    value = mail.one("auto-submitted")
    return "" if value == "auto-generated" else value or "none"


def structure(mail: Mail) -> str:
    kinds = [part.get_content_type() for part in mail.message.walk()]
    wanted = (["text/plain"], ["multipart/alternative", "text/plain", "text/html"])
    return "" if kinds in wanted else ", ".join(kinds)


def parts(mail: Mail) -> str:
    for part in mail.message.walk():
        if part.is_multipart():
            continue
        encoding = str(part["Content-Transfer-Encoding"] or "").lower()
        if part.get_content_charset() != "utf-8" or encoding not in ("7bit", "quoted-printable"):
            return f"{part.get_content_charset()}, {encoding or 'no encoding'}"
        longest = max(map(len, str(part.get_payload()).splitlines()), default=0)
        if encoding == "quoted-printable" and longest > 76:
            return f"a quoted-printable line of {longest}"
    return ""


def no_leading_dot(mail: Mail) -> str:
    """SMTP doubles such a dot and takes it back (RFC 5321 section 4.5.2); not every relay does."""
    return "a line begins with a dot" if b"\r\n." in mail.raw else ""


def defects(mail: Mail) -> str:
    found = [type(defect).__name__ for part in mail.message.walk() for defect in part.defects]
    return ", ".join(found)


def attachments(mail: Mail) -> str:
    held = (part for part in mail.message.walk() if part.get_content_disposition() is not None)
    return ", ".join(str(part["Content-Disposition"]) for part in held)


HEADER_RULES: tuple[Rule, ...] = (
    ("only CRLF line ends", line_ends),
    ("7 bit, no NUL", seven_bit),
    ("lines of at most 998 octets", line_lengths),
    ("headers under 16 kB, mail under 150 kB", sizes),
    ("each header exactly once", single_headers),
    ("no copy and no mailer named", no_leaks),
    ("no encoded-word in structured headers", plain_structured),
    ("encoded-words of at most 75 characters, decodable", encoded_words),
    ("From: one address with a display name", sender),
    ("To: one address", recipient),
    ("Reply-To: an address", reply_to),
    ("Subject of 1 to 78 characters, no Re:, no shouting", subject),
    ("Date parses, zone known", date),
    ("Message-ID under the sender's domain", message_id),
    ("List-Id form", list_id),
    ("List-Unsubscribe: one https URI with an opaque token", list_unsubscribe),
    ("List-Unsubscribe-Post: one click", one_click),
    ("Feedback-ID: four fields", feedback_id),
    ("Auto-Submitted: auto-generated", auto_submitted),
    ("text part first, then HTML", structure),
    ("parts are utf-8, 7 bit or quoted-printable with lines of at most 76", parts),
    ("no line begins with a dot", no_leading_dot),
    ("no parser defects", defects),
    ("no attachment", attachments),
)
