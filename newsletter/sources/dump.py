"""The page copied as plain text: a banner, then title and abstract in turn."""

from __future__ import annotations

import re
from urllib.parse import quote_plus

from newsletter.errors import SourceError
from newsletter.model import Entry, Listing, Paper, Tier, id_from_title
from newsletter.sources.gate import gathered
from newsletter.sources.item import HOME
from newsletter.sources.raw import sound
from newsletter.sources.text import clean_text

_BANNER = re.compile(
    r"new|subscribe|get trending papers in your email inbox.*|by\s*\w* and the research community"
    r"|(?:daily|trending) papers|[a-z]{3,9} \d{1,2}(?:, \d{4})?",
    re.IGNORECASE,
)
_BANNER_BLOCKS = 20
_LONGEST_TITLE = 300  # characters; the longest title of 14,778 has 206
_PROSE = 100  # characters; the shortest abstract of 14,778 has 165


def parse_dump(text: str) -> Listing:
    """Reads titles and abstracts; ids are made from titles, links lead to a title search.

    Raises:
        SourceError: there is no alternation of titles and abstracts.
    """
    blocks, banner = _blocks(text)
    pairs, strays = _pairs(blocks)
    if not pairs or not (banner or _is_prose(pairs)):
        raise SourceError(
            "no titles and abstracts in turn: this is no text of the papers page",
            source="dump",
            tier=Tier.DUMP,
        )
    entries = [_entry(title, abstract, rank) for rank, (title, abstract) in enumerate(pairs, 1)]
    return gathered(entries, source="dump", tier=Tier.DUMP, strays=strays)


def _blocks(text: str) -> tuple[list[str], bool]:
    """The paragraphs after the banner, and whether there was a banner."""
    lines = sound(text).replace("\r\n", "\n").replace("\r", "\n")
    separator = r"\n\s*\n" if re.search(r"\S\n\s*\n\s*\S", lines) else r"\n"
    found = [" ".join(block.split()) for block in re.split(separator, lines)]
    blocks = [block for block in found if block]
    start = 0
    while start < min(len(blocks), _BANNER_BLOCKS) and _BANNER.fullmatch(blocks[start]):
        start += 1
    return blocks[start:], start > 0


def _pairs(blocks: list[str]) -> tuple[list[tuple[str, str]], int]:
    """Titles with their abstracts, and how many blocks fit nowhere; a stray one shifts nothing."""
    pairs: list[tuple[str, str]] = []
    strays = at = 0
    while at < len(blocks):
        if _is_pair(blocks[at : at + 3]):
            pairs.append((blocks[at], blocks[at + 1]))
            at += 2
        else:
            strays += 1
            at += 1
    return pairs, strays


def _is_pair(window: list[str]) -> bool:
    """Title and abstract; not a stray line before a title, which a much longer block follows."""
    if len(window) < 2:
        return False
    title, abstract, after = (*window, "")[:3]
    looks_right = len(title) <= _LONGEST_TITLE and len(abstract) > len(title)
    is_title_next = len(abstract) <= _LONGEST_TITLE and len(after) > 3 * len(abstract)
    return looks_right and not is_title_next


def _is_prose(pairs: list[tuple[str, str]]) -> bool:
    """Without a banner only several real abstracts prove that any text is a list of papers."""
    return len(pairs) > 1 and all(len(abstract) >= _PROSE for _, abstract in pairs)


def _entry(raw_title: str, raw_abstract: str, rank: int) -> Entry | None:
    title = clean_text(raw_title)
    if not title:
        return None
    paper = Paper(
        id=id_from_title(title),
        title=title,
        abstract=clean_text(raw_abstract),
        url=f"{HOME}/papers?q={quote_plus(title)}",
    )
    return Entry(paper=paper, rank=rank)
