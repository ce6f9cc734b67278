"""Tables of fields -> entries: CSL-JSON and its relatives, and CSV with a head line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from newsletter.errors import LibraryError
from newsletter.library.ids import id_among, mentions
from newsletter.library.items import Entries, Entry, Item, Rejected, entry, place
from newsletter.library.titles import plain_title

_TITLES: Final = ("title", "papertitle", "documenttitle")
_WHOLE: Final = (
    *("arxivid", "arxiv", "archiveid", "archivelocation", "eprint", "number", "reportnumber"),
    *("paperid", "id"),
)
_PARTS: Final = (
    *("doi", "url", "link", "links", "pdfurl", "arxivurl", "arxiv", "arxivid", "archiveid"),
    "number",
    *("extra", "note", "containertitle", "publicationtitle", "archivelocation", "identifier"),
)
_KEYS: Final = ("citationkey", "citekey", "key", "id")
_HEAD: Final = frozenset((*_TITLES, "arxivid", "arxiv", "archiveid", "doi", "url", "link"))
_NO_PAPERS: Final = frozenset(("note", "attachment", "annotation"))
_LISTS: Final = ("items", "references", "data", "papers", "results")
_INSIDE: Final = ("data", "paper")  # Zotero's API, Hugging Face's
_LONGEST_VALUE: Final = 3000
# A note in Zotero is longer than csv's 131,072; more than a whole list is never needed.
_LONGEST_CELL: Final = 10_000_000
_JSON: Final = re.compile(r"\s*(?:\[\s*(?:\{|\"|\])|\{\s*(?:\"|\}))")
_NO_NAME: Final = re.compile(r"[\W_]+")

Fields = Mapping[str, str]


def looks_like_json(text: str) -> bool:
    """Whether it begins like a JSON array or object; `[1706.03762]` does not."""
    return _JSON.match(text) is not None


def read_json(text: str) -> Entries:
    """Every object of an array in order; texts in it are read for arXiv ids.

    Raises:
        LibraryError: it is broken, or no list.
    """
    try:
        # Numbers stay texts: one of a million digits would take long or be refused.
        data = json.loads(text, parse_int=str, parse_float=str)
    except RecursionError:
        raise LibraryError("this JSON is nested too deeply for a reading list") from None
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise LibraryError(f"this JSON is broken in line {line:,}") from None
    for number, one in enumerate(_list_in(data), 1):
        yield from _json_entries(one, number)


def _list_in(data: Any) -> list[Any]:
    if isinstance(data, list):
        return data
    for name in _LISTS:
        if isinstance(data.get(name), list):
            return list(data[name])
    return [data]


def _json_entries(one: Any, number: int) -> Entries:
    where = place("entry", number)
    if isinstance(one, str):
        found = [mention.arxiv_id for mention in mentions(one)]
        yield from (Item(arxiv_id=arxiv_id, where=where) for arxiv_id in found)
        if not found:
            yield entry(where, plain_title(one), "")
    elif isinstance(one, dict):
        fields = _flat(one)
        if fields.get("itemtype", "") not in _NO_PAPERS:
            yield _entry(fields, "entry", number)
    else:
        yield Rejected(where=where, why="it is no object with a title")


def _flat(record: Mapping[str, Any]) -> Fields:
    """The texts of a record by plain names, those of an inner record too."""
    fields: dict[str, str] = {}
    inside = [record[name] for name in _INSIDE if isinstance(record.get(name), dict)]
    # Semantic Scholar: {"externalIds": {"ArXiv": "1706.03762"}}
    inside += [record[name] for name in ("externalIds",) if isinstance(record.get(name), dict)]
    for part in (record, *inside):
        for name, value in part.items():
            if text := _text(value):
                fields.setdefault(_name(name), text)
    return fields


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(text[:_LONGEST_VALUE] for text in value[:9] if isinstance(text, str))
    return value[:_LONGEST_VALUE] if isinstance(value, str) else ""


def looks_like_csv(text: str) -> bool:
    """Whether the first line names columns, one of them a title, a link or an id."""
    names = _names(next(_rows(text[:_LONGEST_VALUE].partition("\n")[0]), []))
    return len(names) > 1 and not _HEAD.isdisjoint(names)


def read_csv(text: str) -> Entries:
    """Every row below the head line in order; comma, semicolon or tab part the cells."""
    rows = _rows(text)
    names = _names(next(rows, []))
    line = rows.line_num + 1  # Zotero writes several lines into a cell: the row begins here
    for cells in rows:
        fields = dict(zip(names, (cell[:_LONGEST_VALUE] for cell in cells), strict=False))
        if any(cells) and fields.get("itemtype", "") not in _NO_PAPERS:
            yield _entry(fields, "line", line)
        line = rows.line_num + 1


def _rows(text: str) -> Any:
    head = text[:_LONGEST_VALUE].partition("\n")[0]
    delimiter = max(",;\t", key=head.count)  # spreadsheets of many countries write ;
    csv.field_size_limit(max(_LONGEST_CELL, csv.field_size_limit()))
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _names(head: Iterable[str]) -> list[str]:
    return [_name(cell) for cell in head]


def _name(text: str) -> str:
    return _NO_NAME.sub("", text[:_LONGEST_VALUE]).lower()


def _entry(fields: Fields, unit: str, number: int) -> Entry:
    titles = filter(None, map(plain_title, _values(fields, _TITLES)))
    arxiv_id = id_among(_values(fields, _WHOLE), _values(fields, _PARTS))
    key = next(iter(_values(fields, _KEYS)), "")
    return entry(place(unit, number, key), next(titles, ""), arxiv_id)


def _values(fields: Fields, names: Iterable[str]) -> Iterator[str]:
    return (fields[name] for name in names if fields.get(name))
