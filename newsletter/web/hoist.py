"""Moves the inline styles of a mail into a style sheet, so that its page needs no `unsafe-inline`."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from bs4 import BeautifulSoup, Comment, Tag

# Inline styles win over every rule that is not !important; so must the classes that replace them.
# Two ids that nothing has weigh more than any selector of a mail template.
_STRONG = ":not(#_):not(#_)"
_BREAKS_OUT = re.compile(r"[{}<>\\]|/\*|\*/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hoisted:
    """A page without style attributes.

    Attributes:
        hashes: CSP sources that allow exactly its style sheets (CSP level 3, section 2.3.1).
    """

    html: str
    hashes: tuple[str, ...]


def hoist(html: str) -> Hoisted:
    """The mail as a page: every `style` attribute a class, no comments, which mail clients alone read.

    A style that could end its rule early is left out whole: better plain than broken.
    """
    soup = BeautifulSoup(html, "html.parser")
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    for whole in soup.select("[aria-roledescription=email]"):
        del whole["aria-roledescription"]
        whole["role"] = "main"  # in a mailbox it is an article among others, here it is the page
    sheet = soup.new_tag("style")
    sheet.string = _rules(soup)
    head = soup.head or soup
    head.append(sheet)
    # without an icon of its own a browser asks for /favicon.ico
    head.append(soup.new_tag("link", rel="icon", href="data:,"))
    hashes = tuple(_hash(style.string or "") for style in soup.find_all("style"))
    return Hoisted(html=str(soup), hashes=tuple(dict.fromkeys(hashes)))


def _rules(soup: BeautifulSoup) -> str:
    """Takes the styles off and answers the rules that stand for them."""
    names: dict[str, str] = {}
    for tag in soup.find_all(style=True):
        style = str(tag.attrs.pop("style")).strip()
        if style and not _BREAKS_OUT.search(style):
            _add_class(tag, names.setdefault(style, f"hoisted-{len(names) + 1}"))
    return "".join(f".{name}{_STRONG}{{{style}}}" for style, name in names.items())


def _add_class(tag: Tag, name: str) -> None:
    known = tag.get("class")
    names = known if isinstance(known, list) else [known] if known else []
    tag["class"] = " ".join([*names, name])


def _hash(style: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() + "'"
