"""What the pre-flight rules look at, and what they answer."""

from __future__ import annotations

import email
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import parseaddr

from bs4 import BeautifulSoup

_WHY = re.compile(r"you.{0,20}(receiv|get|subscrib)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule applied to one mail: `seen` says what was found where the rule does not hold."""

    rule: str
    holds: bool
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A finished mail, taken apart once for all rules.

    Attributes:
        head: the header block as octets.
        fields: unfolded header values by lower-case name.
        text, page: the decoded parts; empty when the mail has none.
        html_octets: size of the HTML part on the wire.
        soup: the HTML as a tree.
        dev: links to this machine over plain HTTP are fine (preview).
    """

    raw: bytes
    head: bytes
    fields: dict[str, tuple[str, ...]]
    message: EmailMessage
    text: str
    page: str
    html_octets: int
    soup: BeautifulSoup
    dev: bool
    html_limit: int

    def one(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return (self.fields.get(name) or ("",))[0]

    @property
    def is_text_only(self) -> bool:
        """True for a reader who asked for plain text."""
        return self.message.get_content_type() == "text/plain"

    @property
    def is_english(self) -> bool:
        """False where templates of one's own say another language; a text alone says none."""
        return not self.soup.html or str(self.soup.html.get("lang") or "en").startswith("en")

    @property
    def unsubscribe_url(self) -> str:
        """Where List-Unsubscribe leads on the web; empty where it does not."""
        web = re.search(r"<(https?://[^>]+)>", self.one("list-unsubscribe"))
        return web[1] if web else ""

    def not_once(self, names: Iterable[str]) -> str:
        """Those of the headers that do not stand there exactly once, and how often they do."""
        counts = ((name, len(self.fields.get(name, ()))) for name in names)
        return ", ".join(f"{name} {count} times" for name, count in counts if count != 1)

    def lacks_reason(self, shown: str) -> str:
        """What a part does not say of why it comes, and to which address (its domain in any form)."""
        if self.is_english and not _WHY.search(shown):
            return "no reason line"
        local = parseaddr(str(self.message["To"] or ""))[1].rpartition("@")[0]
        is_named = local and f"{local}@" in shown.replace(" ", "")
        return "" if is_named else "the reader's address is missing"

    def visible_text(self) -> str:
        """The words of the HTML part on one line, the head left out."""
        body = self.soup.body
        return " ".join(body.get_text(" ").split()) if body else ""


Rule = tuple[str, Callable[[Mail], str]]
"""A name, and a function that says what is wrong; an empty answer means the rule holds."""


def broken_character(text: str) -> str:
    """The first sign of a wrong decoding, or one that turns the direction of what follows."""
    found = re.search("[\u0080-\u009f\ufffd\u202a-\u202e\u2066-\u2069]", text)
    return f"U+{ord(found[0]):04X}" if found else ""


def open_mail(raw: bytes, *, dev: bool, html_limit: int) -> Mail:
    """Takes a mail apart; never fails, a broken mail has broken parts."""
    head = raw.partition(b"\r\n\r\n")[0]
    message = email.message_from_bytes(raw, policy=policy.default)
    text, page = _part(message, "text/plain"), _part(message, "text/html")
    content = _content(page)
    return Mail(
        raw=raw,
        head=head,
        fields=_fields(head),
        message=message,
        text=_content(text),
        page=content,
        html_octets=len(str(page.get_payload())) if page else 0,
        soup=BeautifulSoup(content, "html.parser"),
        dev=dev,
        html_limit=html_limit,
    )


def _fields(head: bytes) -> dict[str, tuple[str, ...]]:
    fields: dict[str, list[str]] = defaultdict(list)
    for line in re.sub(rb"\r\n[ \t]+", b" ", head).split(b"\r\n"):
        name, _, value = line.decode("ascii", "replace").partition(":")
        fields[name.lower()].append(value.strip())
    return {name: tuple(values) for name, values in fields.items()}


def _part(message: EmailMessage, kind: str) -> EmailMessage | None:
    for part in message.walk():
        if part.get_content_type() == kind and isinstance(part, EmailMessage):
            return part
    return None


def _content(part: EmailMessage | None) -> str:
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # an unknown charset: another rule names it
        return ""
