"""Files of tagged lines -> entries: RIS (`TI  - ...`) and EndNote's own (`%T ...`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from newsletter.library.ids import id_among
from newsletter.library.items import Entries, Entry, entry, place
from newsletter.library.titles import plain_title

# Not by rispy (0.10): it drops the last record where its `ER` is missing, raises KeyError on a
# continued line, wants exactly two spaces, and grows with the square of the continued lines.


class _Dialect(NamedTuple):
    """How a line shows its tag, which tag begins a record, and which ones we read."""

    line: re.Pattern[str]
    start: str
    end: str
    titles: tuple[str, ...]
    whole: tuple[str, ...]
    parts: tuple[str, ...]


# https://en.wikipedia.org/wiki/RIS_(file_format); Zotero writes TI, Mendeley and EndNote T1.
# Zotero keeps the arXiv id in M1 (or AN), older ones in a note N1; Mendeley only in UR.
_RIS: Final = _Dialect(
    re.compile(r"[ \t]{0,9}([A-Z][A-Z0-9])[ \t]{1,3}-(?:[ \t]|\Z)"),
    start="TY",
    end="ER",
    titles=("TI", "T1", "CT", "TT", "ST"),
    whole=("M1", "AN", "C1", "C7", "ID"),
    parts=("DO", "UR", "LK", "L1", "L2", "M1", "AN", "C1", "M3", "JO", "JF", "T2", "N1"),
)
# What Google Scholar offers for EndNote (.enw); the format of the Unix tool refer.
_REFER: Final = _Dialect(
    re.compile(r"%([A-Z0-9@])(?:[ \t]|\Z)"),
    start="0",
    end="",
    titles=("T",),
    whole=("M", "1", "@"),
    parts=("R", "U", "M", "J", "1"),
)
_RIS_START: Final = re.compile(r"^[ \t]{0,9}TY[ \t]{1,3}-[ \t]", re.MULTILINE)
_REFER_START: Final = re.compile(r"^%0[ \t]+\S[^\n]*\n%[A-Z0-9@] ", re.MULTILINE)
_LONGEST_VALUE: Final = 3000


def looks_like_ris(text: str) -> bool:
    """Whether a line begins a RIS record."""
    return _RIS_START.search(text) is not None


def looks_like_refer(text: str) -> bool:
    """Whether a line begins a record of EndNote's own format."""
    return _REFER_START.search(text) is not None


def read_ris(text: str) -> Entries:
    """Every record in order, also those that are never closed."""
    return _read(text, _RIS)


def read_refer(text: str) -> Entries:
    """Every record of EndNote's own format, in order."""
    return _read(text, _REFER)


class _Record(NamedTuple):
    line: int
    values: dict[str, list[str]]

    def of(self, tags: tuple[str, ...]) -> list[str]:
        return [" ".join(self.values[tag])[:_LONGEST_VALUE] for tag in tags if tag in self.values]


def _read(text: str, dialect: _Dialect) -> Entries:
    return (_entry(record, dialect) for record in _records(text, dialect))


def _records(text: str, dialect: _Dialect) -> Iterator[_Record]:
    wanted = {*dialect.titles, *dialect.whole, *dialect.parts}
    record: _Record | None = None
    tag = ""
    for number, line in enumerate(text.split("\n"), 1):
        found = dialect.line.match(line)
        if found:
            tag, line = found[1], line[found.end() :]
        if found and tag in (dialect.start, dialect.end):
            if record:
                yield record
            record = _Record(number, {}) if tag == dialect.start else None
        elif record and tag in wanted:
            record.values.setdefault(tag, []).append(line.strip()[:_LONGEST_VALUE])
    if record:
        yield record


def _entry(record: _Record, dialect: _Dialect) -> Entry:
    titles = filter(None, map(plain_title, record.of(dialect.titles)))
    arxiv_id = id_among(record.of(dialect.whole), record.of(dialect.parts))
    return entry(place("line", record.line), next(titles, ""), arxiv_id)
