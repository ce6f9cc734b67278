"""One card of the page as HTML becomes an `Entry`; the markup is read by meaning, not by style classes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from itertools import takewhile

from bs4 import BeautifulSoup, Tag
from bs4.exceptions import ParserRejectedMarkup

from newsletter.errors import SourceError
from newsletter.model import Entry, Paper
from newsletter.sources.item import HOME, bare_id, https_url, names_of, thumbnail_of
from newsletter.sources.raw import as_count, as_day, as_text, sound
from newsletter.sources.text import clean_name, clean_text

_COUNT = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?)([kKmM]?)")
_LAST_COUNT = re.compile(r"(?:^|\s)(-|[0-9][0-9.,]*[kKmM]?)\s*$")
_SCALES = {"": 1, "k": 1_000, "m": 1_000_000}
_ORGANIZATION = re.compile(r"/(?!papers$|login$|join$)[A-Za-z0-9][A-Za-z0-9._-]*")
_DAY_LINK = re.compile(r"/papers(?:/date/|\?date=)([0-9]{4}-[0-9]{2}-[0-9]{2})")
_PUBLISHED = re.compile(r"Published on ([A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4})")
_SUBMITTED = "Submitted by"
# Trending cards print the one-sentence summary (median 196 characters) or else the whole abstract.
_LONGEST_SUMMARY = 400


def soup_of(html: str) -> BeautifulSoup:
    """The parsed page.

    Raises:
        SourceError: no parser accepts it.
    """
    try:
        # The prefix keeps bs4 from warning about XML and file names instead of parsing.
        return BeautifulSoup(f"<!doctype html>{sound(html)}", "lxml")
    except (ParserRejectedMarkup, RecursionError, ValueError):
        raise SourceError("the page is no HTML a parser accepts", tier="page") from None


def hull(soup: BeautifulSoup) -> Tag:
    """The part of the page that holds the cards."""
    return soup.select_one('[data-target="DailyPapers"]') or soup


def count_of(text: str) -> int | None:
    """`94`, `1,234`, `1.92k`, `110k` as a number; `-` is how the page prints zero votes."""
    if text.strip() == "-":
        return 0
    match = _COUNT.fullmatch(text.strip())
    if not match or len(match[1]) > 12:
        return None
    return as_count(round(float(match[1].replace(",", "")) * _SCALES[match[2].lower()]))


def entry_of_card(card: Tag, *, rank: int, day: date | None) -> Entry | None:
    """The entry of one card; `None` without a link to a paper and a title.

    Trending cards render everything twice (desktop and mobile); the first one of each is taken.
    """
    link = card.select_one('h3 a[href^="/papers/"]')
    paper_id = _id_of(link)
    title = clean_text(_words(link))
    if not (paper_id and title):
        return None
    return Entry(
        paper=_paper(card, paper_id, title, day),
        rank=rank,
        upvotes=_upvotes(card),
        comments=_comments(card),
        stars=_stars(card, paper_id),
        submitter=_submitter(card),
    )


def day_of(soup: BeautifulSoup) -> date | None:
    """The list day a page without readable data tells elsewhere: its own address, or `<time>` in 2024."""
    for found in soup.select('meta[property="og:url"][content], link[rel="canonical"][href]'):
        match = _DAY_LINK.search(str(found.get("content") or found.get("href")))
        if match:
            return as_day(match[1])
    time = soup.select_one("time[datetime]")
    return as_day(str(time["datetime"])) if time else None


def _paper(card: Tag, paper_id: str, title: str, day: date | None) -> Paper:
    prose = clean_text(as_text(_words(card.select_one("h3 ~ div p"))))
    is_summary = len(prose) <= _LONGEST_SUMMARY
    picture = card.select_one('img[src*="/social-thumbnails/"]')
    code = card.select_one('a[href^="https://github.com/"]')
    return Paper(
        id=paper_id,
        title=title,
        abstract="" if is_summary else prose,
        summary=prose if is_summary else "",
        authors=_authors(card),
        organization=_organization(card),
        url=f"{HOME}/papers/{paper_id}",
        pdf_url=f"https://arxiv.org/pdf/{paper_id}",
        code_url=https_url(code["href"]) if code else "",
        thumbnail_url=thumbnail_of(paper_id, picture["src"] if picture else ""),
        published_on=_published(card),
        listed_on=day,
    )


def _words(tag: Tag | None) -> str:
    """Visible text; found words are highlighted in search views, so pieces are set apart by blanks."""
    return as_text(" ".join(tag.get_text(" ").split())) if tag else ""


def _id_of(link: Tag | None) -> str:
    place = re.split(r"[?#]", str(link["href"]))[0] if link else ""
    return bare_id(place.removeprefix("/papers/"))


def _last_count(tag: Tag | None) -> int | None:
    match = _LAST_COUNT.search(_words(tag))
    return count_of(match[1]) if match else None


def _upvotes(card: Tag) -> int | None:
    """The counter sits in a link to the login; a reader who is logged in has no such link."""
    login = card.select_one('a[href^="/login?next="]')
    if login:
        return _last_count(login)
    plain = (count_of(_words(tag)) for tag in card.select(".leading-none, .text-orange-500"))
    return next((count for count in plain if count is not None), None)


def _comments(card: Tag) -> int | None:
    """A daily card without comments shows no counter; a trending card never shows one."""
    link = card.select_one('a[href$="#community"]')
    if link:
        return _last_count(link)
    return None if _is_trending(card) else 0


def _is_trending(card: Tag) -> bool:
    return len(card.select("h3")) > 1


def _stars(card: Tag, paper_id: str) -> int | None:
    badge = card.select_one(f'a[href="/papers/{paper_id}"] > span')
    return _last_count(badge or card.select_one('a[href^="https://github.com/"]'))


def _submitter(card: Tag) -> str:
    found = card.find(string=re.compile(_SUBMITTED))
    badge = found.parent if found else None
    return clean_name(_words(badge).partition(_SUBMITTED)[2])


def _organization(card: Tag) -> str:
    """The badge of an organisation is the only link in a card to a first-level address."""
    links = [a for a in card.select('a[href^="/"]') if _ORGANIZATION.fullmatch(str(a["href"]))]
    return next(filter(None, (clean_name(_words(link)) for link in links)), "")


def _authors(card: Tag) -> tuple[str, ...]:
    """The first names, which the page stores in reverse, up to the first account name (one word).

    Some authors stand there as their account; to leave one out would name a wrong first author.
    """
    listing = card.select_one("ul")
    titles = [str(li["title"]) for li in listing.select("li[title]")] if listing else []
    names: Iterator[str] = takewhile(_is_full_name, reversed(titles))
    return names_of(names)


def _is_full_name(name: str) -> bool:
    return " " in name.strip()


def _published(card: Tag) -> date | None:
    match = _PUBLISHED.search(_words(card))
    try:
        # The format has no zone and none is needed: only the day is taken.
        return datetime.strptime(match[1], "%b %d, %Y").date() if match else None  # noqa: DTZ007
    except ValueError:
        return None
