"""A pasted or uploaded reading list of unknown kind -> the papers it names."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from itertools import islice
from typing import Final, NamedTuple

from newsletter.errors import LibraryError
from newsletter.library.bibtex import looks_like_bibtex, read_bibtex
from newsletter.library.items import Entries, Item, Library, Rejected
from newsletter.library.lines import read_lines
from newsletter.library.markup import looks_like_markup, looks_like_rdf, read_links, read_rdf
from newsletter.library.tables import looks_like_csv, looks_like_json, read_csv, read_json
from newsletter.library.tagged import looks_like_refer, looks_like_ris, read_refer, read_ris

LARGEST: Final = 5_000_000
"""Octets (of a text: characters) that are read at most."""

MOST_ENTRIES: Final = 20_000
"""Entries, usable or not, that are read at most."""


class _Kind(NamedTuple):
    """A kind of list: its name in prose, how it is recognised, how it is read."""

    name: str
    fits: Callable[[str], bool]
    read: Callable[[str], Entries]


# The first that fits; what fits none is text.
_KINDS: Final = (
    _Kind("JSON", looks_like_json, read_json),
    _Kind("Zotero RDF", looks_like_rdf, read_rdf),
    _Kind("web page", looks_like_markup, read_links),
    _Kind("RIS", looks_like_ris, read_ris),
    _Kind("EndNote", looks_like_refer, read_refer),
    _Kind("BibTeX", looks_like_bibtex, read_bibtex),
    _Kind("CSV", looks_like_csv, read_csv),
)
_TEXT: Final = _Kind("text", lambda _: True, read_lines)

_MARKS: Final = (  # UTF-32 before UTF-16, whose mark its own begins with
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHER_FILES: Final = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP file or an office document"),
    (b"\xd0\xcf\x11\xe0", "an office document"),
    (b"\x1f\x8b", "a compressed file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "an RTF document"),
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
# Direction controls, zero-width and byte order marks: they hide in copied links and titles.
_UNSEEN: Final = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_BREAKS: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def read_library(given: str | bytes) -> Library:
    """Recognises a reading list by its content and reads it.

    Text, BibTeX, RIS, EndNote, CSL-JSON and what Zotero, Semantic Scholar and others write as JSON,
    CSV, Zotero RDF, and arXiv links of a web page. Octets are UTF-8, UTF-16 or UTF-32 by their
    mark, else UTF-8, else Windows-1252.

    Raises:
        LibraryError: one sentence: it is empty, too large, no text, or names no paper.
    """
    if len(given) > LARGEST:
        raise LibraryError(f"the reading list is larger than {LARGEST // 1_000_000} MB")
    text = _clean(given if isinstance(given, str) else _decoded(given))
    if not text.strip():
        raise LibraryError("the reading list is empty")
    kind = next((kind for kind in _KINDS if kind.fits(text)), _TEXT)
    entries = list(islice(kind.read(text), MOST_ENTRIES + 1))
    if len(entries) > MOST_ENTRIES:
        raise LibraryError(f"more than {MOST_ENTRIES:,} entries are too many; divide the file")
    library = Library(
        kind=kind.name,
        items=tuple(one for one in entries if isinstance(one, Item)),
        rejected=tuple(one for one in entries if isinstance(one, Rejected)),
    )
    if not library.items:
        raise LibraryError(_nothing_in(library))
    return library


def _decoded(data: bytes) -> str:
    for head, name in _OTHER_FILES:
        if data.startswith(head):
            raise LibraryError(f"this is {name}, not a reading list")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _clean(text: str) -> str:
    """With `\\n` between lines, and without what cannot be seen."""
    text = _BREAKS.sub("\n", _UNSEEN.sub("", text))
    text, controls = _CONTROL.subn(" ", text)
    if controls > 10 + len(text) // 100:
        raise LibraryError("this is no text, so it is no reading list")
    return text


def _nothing_in(library: Library) -> str:
    if library.rejected:
        return f"no paper is named in this {library.kind}; {library.rejected[0]}"
    return f"no paper is named in this {library.kind}"
