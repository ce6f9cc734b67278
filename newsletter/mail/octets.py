"""Bodies as they stand on the wire: 7 bit HTML with character references, quoted-printable text."""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

LINE_LIMIT = 990
"""Octets of a line of HTML; RFC 5322 section 2.1.1 allows 998."""

ROOM = 760
"""Text ends a line where the next word would lead beyond."""

EDGE_ROOM = LINE_LIMIT - ROOM
"""What a part may add to the last line of the part before it."""

BLANK_ROOM = 600
"""What a blank counts for. Longer values fill lines of their own, and words have at most 60
characters (`wording.readable`), 540 octets.
"""

INDENTED, UNINDENTED = b"\r\n    ", b"\r\n "
"""How a line of a text may begin, and what its canonical form begins with."""

_TAG_ROOM = 300  # tags are broken sooner than text: nobody sees it, not even in the source
REFERENCE = re.compile(r"&#(1[01]\d{5});")
"""What becomes of the one character that stands for a blank (see `mail.blanks`)."""

_PIECE = re.compile(
    r"<style\b.*?</style\s*>"
    r"|<![^>]*>"
    r"""|</?[a-zA-Z](?:[^<>"']++|"[^"]*"|'[^']*')*+>"""
    r"|[^<]+|<",
    re.DOTALL | re.IGNORECASE,
)
_BLANKS = re.compile(r"[ \t]{2,}|\t")
_WHITE_SPACE_COUNTS = re.compile(r"<(?:pre|textarea)\b|white-space:\s*(?:pre|break)", re.IGNORECASE)
# Style sheets know no references, and those of C1 controls mean other characters (HTML 13.2.5.80).
_NO_REFERENCE = re.compile(r"<style\b[^>]*>[^<]*&#\d|&#1(?:2[89]|[345]\d);", re.IGNORECASE)
# Lines of quoted-printable that are their own encoding: no "=", no dot first, no blank last.
_ENCODED = re.compile(r"(?:(?:[ -\-/-<>-~][ -<>-~]{0,75})?(?<! )\n)+")
_FIRST_DOT = re.compile(rb"(\A|\r\n)\.")


class Body(NamedTuple):
    """One part of a mail as it is sent.

    Attributes:
        encoding: its Content-Transfer-Encoding.
        parts: its octets, to be joined one after the other; once only, with those of the whole mail.
        is_dotless: it is proven that no line begins with a dot.
        is_even: it is proven that blanks stand alone, none at the end of a line, and lines end in
            CRLF: its canonical form (RFC 6376 section 3.4.4) is itself. In a text, four blanks may
            indent a line; they count as one.
    """

    encoding: str
    parts: Sequence[bytes]
    is_dotless: bool = False
    is_even: bool = False

    @property
    def octets(self) -> bytes:
        """All of it."""
        return b"".join(self.parts)

    @property
    def size(self) -> int:
        """In octets."""
        return sum(map(len, self.parts))

    @property
    def text(self) -> str:
        """What the reader's program makes of it, with plain line ends."""
        octets = quopri.decodestring(self.octets) if self.encoding != "7bit" else self.octets
        return octets.decode().replace("\r\n", "\n")


def html_body(page: str) -> Body:
    """A page as 7 bit octets, as relays leave it alone; where its lines cannot be kept short enough
    (an endless URL, say) or a style sheet is not plain ASCII, as quoted-printable.
    """
    spread = spread_page(page)
    if spread is None:
        return Body("quoted-printable", (quoted_printable(page),))
    return Body("7bit", (spread.replace("\n", "\r\n").encode("ascii"),))


def text_body(text: str) -> Body:
    """A text part, always quoted-printable."""
    return Body("quoted-printable", (quoted_printable(text),))


def spread_page(page: str, *, column: int = 0, room: int = ROOM) -> str | None:
    """The same page in ASCII, on short lines, or `None` where that is impossible.

    A line ends only where white space means nothing: for a blank in text or behind the name of a
    tag, and before the closing brace of a style rule. No line begins with a dot (RFC 5321 section
    4.5.2), and blanks stand alone, so that a mail need not be searched when it is sent or signed.

    Args:
        column: how long the line is already to which this is added.
        room: text ends a line where the next word would lead beyond.
    """
    ascii_page = page.encode("ascii", "xmlcharrefreplace").decode("ascii")
    if _WHITE_SPACE_COUNTS.search(ascii_page) or _NO_REFERENCE.search(ascii_page):
        return None
    spread = _BLANKS.sub(" ", "".join(_pieces(ascii_page, column, room))).replace(" \n", "\n")
    spread = spread.replace("\n.", "\n&#46;")
    if max(map(width, spread.split("\n"))) > LINE_LIMIT:
        return None
    return spread


def _pieces(page: str, column: int, room: int) -> Iterator[str]:
    """Style sheets, tags and stretches of text in turn, broken where a line grows too long."""
    for found in _PIECE.finditer(page):
        piece = found[0].replace("\r\n", "\n").replace("\r", "\n")
        if _is_style(piece):
            piece = piece.replace("\n", " ")  # else a line could begin with the dot of a class
        if column + width(piece) > (_TAG_ROOM if piece[0] == "<" else room):
            piece = _broken(piece, column, room)
        before, newline, last = piece.rpartition("\n")
        column = width(last) if newline else column + width(last)
        yield before + newline + last


def _broken(piece: str, column: int, room: int) -> str:
    if piece.startswith("<!"):
        return piece
    if _is_style(piece):
        return _filled(piece.split("}"), "\n}", "}", column, room)
    if piece.startswith("<"):
        return piece.replace(" ", "\n ", 1)  # simple programs look for a blank before attributes
    return _filled(re.split(r"[ \t\n]", piece), "\n", " ", column, room)


def _is_style(piece: str) -> bool:
    return piece[:6].lower() == "<style"


def _filled(words: list[str], new_line: str, same_line: str, column: int, room: int) -> str:
    parts: list[str] = []
    for number, word in enumerate(words):
        length = width(word)
        if number:
            fits = column + 1 + length <= room
            parts.append(same_line if fits else new_line)
            column = column + 1 if fits else len(new_line) - 1
        parts.append(word)
        column += length
    return "".join(parts)


def width(text: str) -> int:
    """The octets of a line, with room for its blanks."""
    blanks = len(REFERENCE.findall(text)) if "&#1" in text else 0
    return len(text) + blanks * BLANK_ROOM


def quoted_printable(text: str) -> bytes:
    """A text as it stands on the wire: UTF-8, quoted-printable (RFC 2045 6.7), CRLF line ends.

    `binascii` breaks lines with the line end it meets first, so it is given one kind only.
    """
    if text.isascii() and _ENCODED.fullmatch(text):
        return text.replace("\n", "\r\n").encode("ascii")
    lines = "\n".join(text.splitlines()) + "\n"
    encoded = binascii.b2a_qp(lines.encode(), istext=True).replace(b"\n", b"\r\n")
    while encoded.find(b"\n.") >= 0 or encoded.startswith(b"."):
        # a soft break behind the written-out dot keeps the line within 76
        encoded = _FIRST_DOT.sub(rb"\1=2E=\r\n", encoded)
    return encoded
