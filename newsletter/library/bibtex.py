"""BibTeX and BibLaTeX -> entries, also out of files with broken ones."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from newsletter.errors import LibraryError
from newsletter.library.ids import id_among, mentions
from newsletter.library.items import Entries, Entry, Item, Rejected, entry, place
from newsletter.library.titles import from_latex

if TYPE_CHECKING:
    from bibtexparser.model import Block
    from bibtexparser.model import Entry as Parsed

MOST_ENTRIES: Final = 20_000
_MOST_MARKS: Final = 1_500_000  # about 2 s for the parser, which makes a step at each
_MARKS: Final = '{}",=\n'
_LONGEST_VALUE: Final = 3000
_LONGEST_BROKEN: Final = 20_000
_START: Final = re.compile(r"@\w{0,40}[ \t]{0,9}[{(]")
_LOOKS: Final = re.compile(r"^[ \t]{0,9}@[A-Za-z]{1,40}[ \t]{0,9}[{(]", re.MULTILINE)
_TITLE_IN_BROKEN: Final = re.compile(r"(?<![a-z])title\s{0,9}=\s{0,9}(?=[{\"])", re.IGNORECASE)
_NEXT_FIELD: Final = re.compile(r"\n[ \t]{0,99}[a-z_-]{1,40}[ \t]{0,9}=", re.IGNORECASE)
_BRACE: Final = re.compile(r"(?<!\\)[{}]")
_QUOTE: Final = re.compile(r'(?<!\\)[{}"]')
_BARE: Final = re.compile(r"[^\s#,{}\"]+")
_JOINED: Final = re.compile(r"\s*#\s*")

# Of other fields (abstract, notes, files) an id may well belong to another paper.
_OWN_FIELDS: Final = ("arxivid", "arxiv")
_PART_FIELDS: Final = (
    *("doi", "url", "ee", "journal", "journaltitle", "volume", "number", "series"),
    *("howpublished", "note", "addendum"),
)
_NO_PAPERS: Final = frozenset(("proceedings", "mvproceedings", "xdata", "set", "periodical"))


def looks_like_bibtex(text: str) -> bool:
    """Whether a line begins like a BibTeX entry."""
    return _LOOKS.search(text) is not None


def read_bibtex(text: str) -> Entries:
    """Every entry in order; arXiv links between the entries count too.

    Raises:
        LibraryError: it would take too long to read.
    """
    if len(_START.findall(text)) > MOST_ENTRIES:
        raise LibraryError(f"more than {MOST_ENTRIES:,} entries are too many; divide the file")
    if sum(map(text.count, _MARKS)) > _MOST_MARKS:
        raise LibraryError("this BibTeX is mostly braces, commas and line breaks, not papers")
    # Imported late: it takes 80 ms, and most commands read no BibTeX.
    from bibtexparser.entrypoint import parse_string

    # What it cannot read we tell ourselves; its warnings quote the file on standard error.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL + 1)
    # No middleware: it would undo the LaTeX of every abstract (38 s for 2,000 entries).
    parsed = parse_string(text, parse_stack=[])
    strings: dict[str, str] = {}
    for block in parsed.blocks:
        yield from _entries(block, strings)


def _entries(block: Block, strings: dict[str, str]) -> Entries:
    from bibtexparser import model

    line = (block.start_line or 0) + 1
    if isinstance(block, (model.DuplicateBlockKeyBlock, model.DuplicateFieldKeyBlock)):
        # Google Scholar gives two papers of an author and year the same key.
        block = block.ignore_error_block or block
    if isinstance(block, model.String):
        strings[block.key.lower()] = _value(str(block.value), strings)
    elif isinstance(block, model.Entry):
        yield _entry(block, line, strings)
    elif isinstance(block, model.ParsingFailedBlock):
        yield _salvaged(block.raw or "", line)
    elif isinstance(block, model.ImplicitComment):
        for found in mentions(block.comment, bare=False):
            yield Item(arxiv_id=found.arxiv_id, where=place("line", line))


def _entry(parsed: Parsed, line: int, strings: Mapping[str, str]) -> Entry:
    where = place("line", line, parsed.key)
    if parsed.entry_type.lower() in _NO_PAPERS:
        return Rejected(where=where, why=f"@{parsed.entry_type.lower()} is no paper")
    raw = {field.key.lower(): str(field.value) for field in reversed(parsed.fields)}
    fields = _Fields(raw, strings)
    title = ": ".join(filter(None, map(from_latex, fields.of("title", "subtitle"))))
    archive = "".join(fields.of("archiveprefix", "eprinttype")).lower()
    eprint = () if archive and "arxiv" not in archive else fields.of("eprint")
    whole = (*eprint, *fields.of(*_OWN_FIELDS), parsed.key)
    parts = (*eprint, *fields.of(*_PART_FIELDS), parsed.key)
    return entry(where, title, id_among(whole, parts))


class _Fields:
    """The fields of an entry, read when asked for."""

    __slots__ = ("_raw", "_strings")

    def __init__(self, raw: Mapping[str, str], strings: Mapping[str, str]) -> None:
        self._raw = raw
        self._strings = strings

    def of(self, *names: str) -> tuple[str, ...]:
        """Their values in this order; of missing ones the empty text."""
        return tuple(_value(self._raw.get(name, ""), self._strings) for name in names)


def _value(raw: str, strings: Mapping[str, str]) -> str:
    r"""What stands in braces or quotes, with `#` between the pieces and names of `@string`.

    It ends where the pieces end: behind a forgotten comma the parser puts the next field into it.
    """
    raw = raw[:_LONGEST_VALUE].strip()
    pieces, at = [], 0
    while at < len(raw):
        piece, at = _piece(raw, at, strings)
        pieces.append(piece)
        joined = _JOINED.match(raw, at)
        if joined is None:
            break
        at = joined.end()
    return "".join(pieces)[:_LONGEST_VALUE]


def _piece(raw: str, at: int, strings: Mapping[str, str]) -> tuple[str, int]:
    if raw[at] == "{":
        end = _closing(raw, at + 1, "}")
    elif raw[at] == '"':
        end = _closing(raw, at + 1, '"')
    else:
        bare = _BARE.match(raw, at)
        name = bare[0] if bare else ""
        return strings.get(name.lower(), name), at + max(1, len(name))
    return raw[at + 1 : end], end + 1


def _closing(raw: str, at: int, sign: str) -> int:
    """Where the brace or quote ends that was opened before `at`; the end, if it never does."""
    depth = 0
    for mark in (_QUOTE if sign == '"' else _BRACE).finditer(raw, at):
        if depth == 0 and mark[0] == sign:
            return mark.start()
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
    return len(raw)


def _salvaged(raw: str, line: int) -> Entry:
    """What an entry with a missing brace, quote or comma still says."""
    head = raw[:_LONGEST_BROKEN]
    at = _TITLE_IN_BROKEN.search(head)
    title = from_latex(_until_next_field(_value(head[at.end() :], {}))) if at else ""
    named = next((found.arxiv_id for found in mentions(head, bare=False)), "")
    if title or named:
        return Item(title=title, arxiv_id=named, where=place("line", line))
    return Rejected(
        where=place("line", line), why="the entry is broken (a brace, quote or comma is missing)"
    )


def _until_next_field(value: str) -> str:
    """A value whose closing brace is missing ends before the line of the next field."""
    return _NEXT_FIELD.split(value, maxsplit=1)[0].rstrip(" \t\n,")
