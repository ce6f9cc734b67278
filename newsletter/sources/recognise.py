"""Any bytes become a list: the content decides what they are, not a name or a header."""

from __future__ import annotations

import re
from dataclasses import replace

from newsletter.errors import SourceError
from newsletter.model import Listing
from newsletter.sources.api import parse_api
from newsletter.sources.arxiv import parse_feed
from newsletter.sources.dump import parse_dump
from newsletter.sources.lines import are_lines, parse_lines
from newsletter.sources.looks import binary_kind, is_html
from newsletter.sources.page import parse_page

_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w-]+)""", re.IGNORECASE)
_XML_CHARSET = re.compile(rb"""<\?xml[^>]{0,80}?encoding\s*=\s*["']([\w-]+)""")
_CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252"}
_FEED = re.compile(r"\s*(?:<\?xml|<rss|<feed|<rdf:RDF)", re.IGNORECASE)
_MOST_BROKEN = 0.05  # share of undecodable characters above which bytes are no text


def read_content(data: bytes, *, source: str, content_type: str = "") -> Listing:
    """The list in a document: API answer, page, feed, text dump or our own JSON lines.

    Args:
        source: the name the list gets, and that errors are told with.
        content_type: header of an answer; only its charset is used.

    Raises:
        SourceError: it holds no list; the message says what it looks like.
    """
    try:
        listing = _parsed(decoded(data, content_type))
    except SourceError as error:
        raise SourceError(error.problem, source=source, tier=error.tier) from None
    except RecursionError:
        raise SourceError("the document is nested too deeply", source=source) from None
    return replace(listing, source=source)


def decoded(data: bytes, content_type: str = "") -> str:
    """The text of a document.

    Raises:
        SourceError: it is empty or binary.
    """
    if not data.strip():
        raise SourceError("it is empty")
    kind = binary_kind(data)
    if kind:
        raise SourceError(f"it is {kind}, not a list of papers")
    text = data.decode(_charset(data, content_type), "replace")
    if text.count("\ufffd") > len(text) * _MOST_BROKEN:
        raise SourceError("it is binary data, not a list of papers")
    return text.removeprefix("\ufeff")


def _charset(data: bytes, content_type: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    declared = _XML_CHARSET.match(data[:200].lstrip())
    named = _CHARSET.search(content_type)
    name = declared[1].decode() if declared else named[1] if named else ""
    return name.lower() if name.lower() in _CHARSETS else "utf-8"


def _parsed(text: str) -> Listing:
    start = text.lstrip()[:1]
    if start in ("[", "{"):
        return parse_lines(text) if are_lines(text) else parse_api(text)
    if start == "<":
        return _markup(text)
    if "data-props=" in text or "<article" in text:
        return parse_page(text)
    try:
        return parse_dump(text)
    except SourceError as error:
        raise SourceError(f"{error.problem} (it looks like plain text)", tier=error.tier) from None


def _markup(text: str) -> Listing:
    is_feed = _FEED.match(text) and not is_html(text.partition("?>")[2])
    return parse_feed(text) if is_feed else parse_page(text)
