"""What a reading list holds: entries that name a paper, and those that could not be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from newsletter.library.titles import LONGEST_TITLE
from newsletter.membership import one_line

_LONGEST_KEY = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry that names a paper, by its title, its arXiv id or both.

    Attributes:
        title: one line of clean text, 300 characters at most; may be empty.
        arxiv_id: without version (`2503.02130`); may be empty.
        where: where it stands, for the person who looks for it ("line 12, vaswani2017").
    """

    title: str = ""
    arxiv_id: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An entry that could not be used: `why` goes on after `where` and makes a sentence."""

    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


Entry = Item | Rejected
Entries = Iterator[Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A reading list as read, in the order of the file. `kind` is its name in prose ("BibTeX")."""

    kind: str
    items: tuple[Item, ...]
    rejected: tuple[Rejected, ...] = ()


def place(unit: str, number: int, key: str = "") -> str:
    """Where an entry stands: "line 12" or "entry 3, vaswani2017"; the key is the file's own."""
    named = one_line(key[: 2 * _LONGEST_KEY])[:_LONGEST_KEY]
    return f"{unit} {number:,}, {named}" if named else f"{unit} {number:,}"


def entry(where: str, title: str, arxiv_id: str) -> Entry:
    """The item that a clean title and an id make, or why they make none."""
    if not arxiv_id and not any(map(str.isalnum, title)):
        return Rejected(where=where, why="it has neither a title nor an arXiv id")
    return Item(title=title[:LONGEST_TITLE].rstrip(), arxiv_id=arxiv_id, where=where)
