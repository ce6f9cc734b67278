"""arXiv feeds: the daily announcement as RSS 2.0 or Atom, and answers of the arXiv API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from email.utils import parsedate_to_datetime

from bs4 import BeautifulSoup, Tag
from bs4.exceptions import ParserRejectedMarkup

from newsletter.errors import SourceError
from newsletter.model import Entry, Listing, Paper, Tier
from newsletter.sources.gate import gathered
from newsletter.sources.item import bare_id, https_url, names_of
from newsletter.sources.raw import as_day, as_text, sound
from newsletter.sources.text import clean_text

_ENDS = ("</rss>", "</feed>", "</rdf:rdf>")
_KEPT = ("", "new", "cross")
_PREFIX = re.compile(r"\A\s*arXiv:\S+\s+Announce Type:\s*\S+\s+(?:Abstract:\s*)?", re.IGNORECASE)
_ID_IN_LINK = re.compile(r"(?:/abs/|oai:arXiv\.org:|/pdf/)([^\s?#]+)", re.IGNORECASE)
_CODE = re.compile(r"https://github\.com/[\w.-]+/[\w-]+(?:\.[\w-]+)*")
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z]+(?:-[a-z]+)*)?")
_AFFILIATION = re.compile(r"\([^()]*\)")


def parse_feed(xml: str, *, source: str = "arxiv") -> Listing:
    """Reads a feed; replaced papers are left out, a feed without items is an empty list.

    Declared entities are refused before any parser sees them (XML bombs); arXiv declares none.

    Raises:
        SourceError: it is no feed, it is cut off, it is arXiv's error answer, or too much is unusable.
    """
    soup = _soup(xml, source)
    root = soup.find(["rss", "feed", "rdf:RDF", "RDF"])
    if not isinstance(root, Tag):
        raise _broken("no feed in it: neither RSS nor Atom", source)
    items = root.find_all(["item", "entry"])
    _refuse_error(items, source)
    day = _channel_day(root)
    announced = [item for item in items if _text(item, "announce_type") in _KEPT]
    entries = [_entry(item, rank, day) for rank, item in enumerate(announced, start=1)]
    return gathered(entries, source=source, tier=Tier.RSS, day=day)


def _broken(problem: str, source: str) -> SourceError:
    return SourceError(problem, source=source, tier=Tier.RSS)


def _soup(xml: str, source: str) -> BeautifulSoup:
    if not xml.strip():
        raise _broken("the feed is empty", source)
    if "<!ENTITY" in xml.upper() or "<!DOCTYPE" in xml.upper():
        raise _broken("the feed declares entities, which no feed of arXiv does", source)
    if not xml.rstrip().lower().endswith(_ENDS):
        raise _broken("the feed is cut off: its end is missing", source)
    try:
        return BeautifulSoup(sound(xml).lstrip(), "xml")
    except (ParserRejectedMarkup, RecursionError, ValueError):
        raise _broken("the feed is no XML a parser accepts", source) from None


def _refuse_error(items: list[Tag], source: str) -> None:
    """The API answers a wrong question with one entry titled “Error”."""
    for item in items:
        if _text(item, "title") == "Error" and not _id_of(item):
            raise _broken(f"arXiv answers: {_text(item, 'summary')[:200]}", source)


def _entry(item: Tag, rank: int, day: date | None) -> Entry | None:
    paper_id = _id_of(item)
    title = clean_text(_text(item, "title"))
    if not (paper_id and title):
        return None
    abstract = _PREFIX.sub("", _text(item, "summary", "description"), count=1)
    return Entry(
        rank=rank,
        paper=Paper(
            id=paper_id,
            title=title,
            abstract=clean_text(abstract),
            authors=_authors(item),
            categories=_categories(item),
            url=f"https://arxiv.org/abs/{paper_id}",
            pdf_url=f"https://arxiv.org/pdf/{paper_id}",
            code_url=_code(_text(item, "comment")),
            published_on=_published(item),
            listed_on=day,
        ),
    )


def _text(item: Tag, *names: str) -> str:
    """The text of the first child with one of these local names, whatever its namespace prefix."""
    return next((as_text(child.get_text()).strip() for child in _children(item, *names)), "")


def _children(item: Tag, *names: str) -> Iterator[Tag]:
    for child in item.children:
        if isinstance(child, Tag) and child.name.rpartition(":")[2] in names:
            yield child


def _id_of(item: Tag) -> str:
    links = [_text(item, name) for name in ("id", "guid", "link")]
    found = (_ID_IN_LINK.search(link) for link in links)
    return next(filter(None, (bare_id(match[1]) for match in found if match)), "")


def _authors(item: Tag) -> tuple[str, ...]:
    """One element each in the API, all names in one `dc:creator` in RSS."""
    single = [_text(author, "name") for author in _children(item, "author")]
    creators = [_AFFILIATION.sub("", child.get_text()) for child in _children(item, "creator")]
    joined = [name for names in creators for name in names.split(",")]
    return names_of(single if any(single) else joined)


def _categories(item: Tag) -> tuple[str, ...]:
    """The codes in the feed's order, which puts the primary one first."""
    codes = [str(child.get("term") or child.get_text()).strip() for child in _category_tags(item)]
    return tuple(dict.fromkeys(code for code in codes if _CATEGORY.fullmatch(code)))


def _category_tags(item: Tag) -> list[Tag]:
    return [*_children(item, "primary_category"), *_children(item, "category")]


def _code(comment: str) -> str:
    match = _CODE.search(comment)
    return https_url(match[0]) if match else ""


def _published(item: Tag) -> date | None:
    """Day of the first version; a cross-listing is announced long after it."""
    if _text(item, "announce_type") == "cross":
        return None
    return as_day(_text(item, "published")) or _mail_day(_text(item, "pubDate"))


def _channel_day(root: Tag) -> date | None:
    """Announcements have a day; an answer of the API (no `pubDate`) is no list of a day."""
    channel = next(_children(root, "channel"), None)
    return _mail_day(_text(channel, "pubDate")) if channel else _atom_day(root)


def _atom_day(root: Tag) -> date | None:
    announced = root.find(lambda tag: tag.name.rpartition(":")[2] == "announce_type")
    return as_day(_text(root, "updated")) if announced else None


def _mail_day(text: str) -> date | None:
    """The day as its writer's clock showed it: arXiv announces in New York time."""
    try:
        return parsedate_to_datetime(text).date() if text else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
