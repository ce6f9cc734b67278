"""Papers that a reader likes: pasted or uploaded, matched with those we know, shown again as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from newsletter.library import Find, LibraryError, match, read_library
from newsletter.library.titles import LONGEST_TITLE
from newsletter.membership import one_line
from newsletter.web.posted import Posted

HEAVY = 20_000
"""Characters beyond which reading takes a noticeable time of one core."""

_CHARACTERS, _LINES, _MOST_LOOKS = 100_000, 1_000, 20  # either takes a tenth of a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Liking:
    """What a reader likes, for `Profile.liked`.

    Attributes:
        report: sentences on what became of the list; empty where nothing was to be read.
        problem: why it could not be read at all, in a sentence; else empty.
    """

    liked: tuple[str, ...] = ()
    report: tuple[str, ...] = ()
    problem: str = ""


def read_liking(given: str | bytes, find: Find, *, known: Sequence[str] = ()) -> Liking:
    """The papers named by the lines of a field, or by a file.

    Args:
        known: what the profile holds. Its lines are not read anew: a title may read like none, and
            nobody wants a report on what stood there before.
    """
    if isinstance(given, bytes):
        return _read(given, find) if given else Liking()
    shown = zip(map(one_line, _lines(known, find)), known, strict=True)
    whole = {**dict(shown), **{text: text for text in known}}
    lines = [line for line in given.splitlines() if line.strip()]
    kept = [whole[line] for line in map(one_line, lines) if line in whole]
    typed = "\n".join(line for line in lines if one_line(line) not in whole)
    found = _read(typed, find) if typed else Liking()
    return replace(found, liked=tuple(dict.fromkeys((*kept, *found.liked))))


def is_heavy(text: str, file: bytes) -> bool:
    """Whether reading this counts as work."""
    return bool(file) or len(text) > HEAVY


def looks_at(text: str, file: bytes = b"") -> int:
    """As how many previews a list counts that is read."""
    lines = text.count("\n") + file.count(b"\n")
    more = max((len(text) + len(file)) // _CHARACTERS, lines // _LINES)
    return min(1 + more, _MOST_LOOKS)


def light(sent: Posted) -> Posted:
    """What was typed, without a list that takes time to be read."""
    heavy = {"liked"} if is_heavy(sent.last("liked"), b"") else set()
    return Posted(values={name: sent.values[name] for name in sent.values.keys() - heavy})


def lines_of(liked: Sequence[str], find: Find) -> str:
    """Liked papers as lines that read well and can be read again: an id with its title."""
    return "\n".join(_lines(liked, find))


def _lines(liked: Sequence[str], find: Find) -> list[str]:
    known = find(tuple(liked), ())
    return [
        f"{text} · {known[text].title[:LONGEST_TITLE]}" if text in known else text for text in liked
    ]


def _read(given: str | bytes, find: Find) -> Liking:
    try:
        report = match(read_library(given), find)
    except LibraryError as error:
        said = str(error)
        return Liking(problem=f"{said[:1].upper()}{said[1:].removesuffix('.')}.")
    return Liking(liked=report.liked, report=report.sentences)
