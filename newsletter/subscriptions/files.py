"""Files of subscribers: CSV (ours or listmonk's) and JSON, read row by row and written."""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newsletter.errors import ConfigError, harmless
from newsletter.subscriptions.cells import COLUMNS, LISTMONK, MORE_CELLS, from_text, to_text

_LARGEST_FILE = 200_000_000
_LARGEST_CELL = 10_000_000
_KNOWN = frozenset((*COLUMNS, *LISTMONK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file as read: rows with the place they stand at, and what the operator should know."""

    rows: Sequence[tuple[str, Mapping[str, Any]]]
    notes: tuple[str, ...] = ()


def read_table(file: Path) -> Table:
    """Reads a CSV file with a head line, or a JSON array of objects with the same names.

    Raises:
        ConfigError: the file cannot be read at all; single bad rows are no reason.
    """
    text = _text_of(file)
    try:
        if text.lstrip()[:1] in ("[", "{"):
            return _json_table(text)
        return _csv_table(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise ConfigError(str(file), [str(error)]) from None


def write_csv(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """CSV lines, the head first."""
    yield _line(COLUMNS)
    for row in rows:
        yield _line([to_text(row[name]) for name in COLUMNS])


def write_json(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A JSON array, one subscriber a line."""
    before = "[\n"
    for row in rows:
        yield before + json.dumps(row, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _text_of(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST_FILE:
            raise ConfigError(str(file), [f"is larger than {_LARGEST_FILE:,} octets"])
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(str(file), ["there is no such file"]) from None
    except UnicodeDecodeError:
        raise ConfigError(str(file), ["is not UTF-8 text; save it as CSV UTF-8"]) from None
    except OSError as error:
        raise ConfigError(str(file), [f"cannot be read ({error.strerror})"]) from None


def _csv_table(text: str) -> Table:
    head, _, _ = text.partition("\n")
    comma = "," if "," in head or ";" not in head else ";"  # spreadsheets of many countries write ;
    csv.field_size_limit(_LARGEST_CELL)  # a library of liked papers is longer than 131,072
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=comma)
    names = [name.strip().lower() for name in next(reader, [])]
    _check_head(names)
    rows = []
    begins = reader.line_num + 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            rows.append((f"line {begins}", _named(names, cells)))
        begins = reader.line_num + 1
    return Table(rows=rows, notes=_notes(names))


def _named(names: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """The cells by column; a superfluous cell makes the row unusable, see `cells.read_row`."""
    named: dict[str, Any] = dict(zip(names, map(from_text, cells), strict=False))
    if len(cells) > len(names):
        named[MORE_CELLS] = cells[len(names) :]
    return named


def _json_table(text: str) -> Table:
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        raise ValueError("must be a JSON array of objects, one for each subscriber")
    rows = [(f"entry {number}", row) for number, row in enumerate(given, 1)]
    return Table(rows=rows, notes=_notes(list(dict.fromkeys(key for row in given for key in row))))


def _check_head(names: Sequence[str]) -> None:
    if "email" not in names:
        raise ValueError("the first line must name the columns, email among them")
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise ValueError(f"the column {harmless(twice[0])} stands twice")


def _notes(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(_unknown(name) for name in names if name not in _KNOWN)


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, COLUMNS, 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"the column “{harmless(name)}” is unknown and left out{hint}"


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
