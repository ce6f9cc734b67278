"""A reading list against the stored papers: what a reader likes, and what became of every entry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from newsletter.library.items import Item, Library, Rejected
from newsletter.model import Paper, title_key

Find = Callable[[Collection[str], Collection[str]], Mapping[str, Paper]]
"""Ids and title keys -> the stored papers, by what they were found by (`Store.find_papers`)."""

MOST_LIKED: Final = 2000
_MOST_SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a reading list.

    Attributes:
        entries: how many it had, usable or not.
        liked: for `Profile.liked`, in the order of the list, each paper once: the id of a stored
            paper (its title where it has no arXiv id, which a later look may change), else the
            title, else the arXiv id.
        matched: how many of them are stored papers.
        by_title: not stored, taken by their title.
        unknown: not stored and without a title, taken by their arXiv id until they come.
        repeated: entries of a paper that an earlier entry names.
        left_out: papers beyond the most that are taken.
    """

    kind: str
    entries: int
    liked: tuple[str, ...]
    matched: int
    by_title: int
    unknown: int
    repeated: int
    left_out: int
    rejected: tuple[Rejected, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The whole report for the person who gave the list; of the rejected the first ten."""
        told = [str(self)]
        if self.left_out:
            told.append(
                f"Only the first {len(self.liked):,} papers are taken; "
                f"{self.left_out:,} {_are(self.left_out)} left out."
            )
        told += [f"{one}." for one in self.rejected[:_MOST_SHOWN]]
        more = len(self.rejected) - _MOST_SHOWN
        if more > 0:
            told.append(f"And {more:,} more could not be used.")
        return tuple(told)

    def __str__(self) -> str:
        of = "entry" if self.entries == 1 else "entries"
        return f"{self.kind}, {self.entries:,} {of}: {', '.join(self._counts())}."

    def _counts(self) -> list[str]:
        papers = "is a paper we know" if self.matched == 1 else "are papers we know"
        more = "stands there twice" if self.repeated == 1 else "repeat an earlier one"
        by_title = "is taken by its title" if self.by_title == 1 else "are taken by their title"
        unknown = "by its" if self.unknown == 1 else "by their"
        counts = (
            (self.matched, papers),
            (self.by_title, by_title),
            (self.unknown, f"{_are(self.unknown)} taken {unknown} arXiv id"),
            (self.repeated, more),
            (len(self.rejected), "could not be used"),
        )
        return [f"{count:,} {what}" for count, what in counts if count or what is papers]


def match(library: Library, find: Find, *, most: int = MOST_LIKED) -> Report:
    """What a reader likes by this reading list, `most` papers at most."""
    stored = find(
        {item.arxiv_id for item in library.items if item.arxiv_id},
        {title_key(item.title) for item in library.items if item.title},
    )
    liked: dict[str, _Named] = {}
    seen: set[str] = set()
    repeated = 0
    for named in (_Named.of(item, stored) for item in library.items):
        if seen.isdisjoint(named.keys):
            liked.setdefault(named.text, named)
        else:
            repeated += 1
        seen |= named.keys
    taken = list(liked.values())[:most]
    return Report(
        kind=library.kind,
        entries=len(library.items) + len(library.rejected),
        liked=tuple(named.text for named in taken),
        matched=sum(named.is_stored for named in taken),
        by_title=sum(named.has_title and not named.is_stored for named in taken),
        unknown=sum(not named.has_title and not named.is_stored for named in taken),
        repeated=repeated,
        left_out=len(liked) - len(taken),
        rejected=library.rejected,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """The paper that an item names: what to like, and all that would name it again."""

    text: str
    keys: frozenset[str]
    is_stored: bool
    has_title: bool

    @classmethod
    def of(cls, item: Item, stored: Mapping[str, Paper]) -> _Named:
        key = title_key(item.title)
        paper = stored.get(item.arxiv_id) or stored.get(key)
        keys = frozenset((item.arxiv_id, key)) - {""}
        if paper is None:
            text = item.title or item.arxiv_id
            return cls(text=text, keys=keys, is_stored=False, has_title=bool(item.title))
        text = paper.id if paper.has_arxiv_id else paper.title
        return cls(text=text, keys=keys | {paper.key}, is_stored=True, has_title=bool(item.title))


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
