"""The questions the site can be asked: a list by its API or as a page, one paper by its id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import requests

from newsletter.errors import SourceError
from newsletter.model import Entry, Listing, Paper, Tier
from newsletter.sources.api import parse_api
from newsletter.sources.fetch import Fetched, Fetcher
from newsletter.sources.gate import merged
from newsletter.sources.page import parse_page
from newsletter.sources.recognise import decoded
from newsletter.sources.urls import same_site

_JSON = "application/json"
_HTML = "text/html"
_LIMIT = 100  # the largest the API allows; without it busy days are cut at 50 without a word
_MOST_PAGES = 10
_MOST_SINGLE = 60  # papers asked for one by one to complete a list of cards
_SINGLE_FAILURES = 3  # in a row; then the API is not there for us
_DAY_IN_URL = re.compile(r"/papers/date/([0-9]{4}-[0-9]{2}-[0-9]{2})")


class Site:
    """One installation of the trending page.

    Args:
        base_url: of the site or a mirror of it, without trailing slash.
    """

    def __init__(self, fetcher: Fetcher, base_url: str) -> None:
        self._fetcher = fetcher
        self._base = base_url.rstrip("/")

    def day_by_api(self, day: date) -> Listing | None:
        """The list of a day from the API with all its pages; `None` when it answers 400.

        It answers 400 for a day that is not open yet, and for a question it does not understand.
        """
        url = f"{self._base}/api/daily_papers?date={day}&limit={_LIMIT}"
        first = self._fetcher.get(url, accept=_JSON, also=(400,))
        if first.status == 400:
            return None
        return _unless_repeated(self._with_next(first, day), day)

    def trending_by_api(self) -> Listing:
        """What trends now, papers of any age."""
        url = f"{self._base}/api/daily_papers?sort=trending&limit=50"
        return _api(self._fetcher.get(url, accept=_JSON), None)

    def day_by_page(self, day: date) -> Listing:
        """The list of a day from its page; empty with a note when the page shows another day."""
        fetched = self._fetcher.get(f"{self._base}/papers/date/{day}", accept=_HTML)
        listing = _page(fetched)
        shown_day = listing.listed_on or _day_of(fetched.url)
        if shown_day != day:
            note = f"The page redirected to {shown_day or 'another list'}: no list that day."
            return replace(listing, entries=(), listed_on=day, notes=(*listing.notes, note))
        return self._completed(_unless_repeated(replace(listing, listed_on=day), day))

    def trending_by_page(self) -> Listing:
        """What trends now, from its page.

        Raises:
            SourceError: also when the page shows the list of a day instead.
        """
        listing = _page(self._fetcher.get(f"{self._base}/papers/trending", accept=_HTML))
        if listing.listed_on:
            problem = f"the page redirected to the list of {listing.listed_on}"
            raise SourceError(problem, tier=listing.tier)
        return self._completed(listing)

    def _with_next(self, answer: Fetched, day: date) -> Listing:
        """All pages of an answer; a page that fails costs only itself and is noted."""
        pages = [_api(answer, day)]
        notes = list(pages[0].notes)
        seen = {answer.url}
        try:
            for page in self._pages_after(answer, seen):
                pages.append(_api(page, day))
                notes += pages[-1].notes
        except SourceError as error:
            notes.append(f"The list may be cut: page {len(seen)} failed ({error.problem}).")
        entries = merged(entry for page in pages for entry in page.entries)
        return replace(pages[0], entries=entries, notes=tuple(notes))

    def _pages_after(self, answer: Fetched, seen: set[str]) -> Iterator[Fetched]:
        """The pages that `Link: rel=next` leads to, on the same site only and never in a circle."""
        link = _next_of(answer)
        while link and len(seen) < _MOST_PAGES:
            if not same_site(link, answer.url):
                raise SourceError("the next page is on another host and was not followed")
            if link in seen:
                return
            seen.add(link)
            page = self._fetcher.get(link, accept=_JSON)
            yield page
            link = _next_of(page)

    def _completed(self, listing: Listing) -> Listing:
        """A list of cards with abstracts and authors from the API, as far as it answers."""
        if listing.tier is not Tier.PAGE_CARDS:
            return listing
        known = self._papers_of(listing)
        entries = tuple(_filled(entry, known.get(entry.paper.id)) for entry in listing.entries)
        bare = sum(1 for entry in entries if not entry.paper.abstract)
        note = f"{bare} of {len(entries)} papers stay without abstract: the cards do not show it."
        notes = (*listing.notes, note) if bare else listing.notes
        return replace(listing, entries=entries, notes=notes)

    def _papers_of(self, listing: Listing) -> dict[str, Paper]:
        bare = [entry.paper.id for entry in listing.entries if not entry.paper.abstract]
        known: dict[str, Paper] = {}
        failures = 0
        for paper_id in bare[:_MOST_SINGLE]:
            paper = self._paper(paper_id)
            failures = 0 if paper else failures + 1
            if failures >= _SINGLE_FAILURES:
                break
            if paper:
                known[paper_id] = paper
        return known

    def _paper(self, paper_id: str) -> Paper | None:
        """One paper; `None` when it is not indexed or the API does not answer."""
        try:
            url = f"{self._base}/api/papers/{paper_id}"
            papers = _api(self._fetcher.get(url, accept=_JSON), None).papers
        except SourceError:
            return None
        return next((paper for paper in papers if paper.id == paper_id), None)


def _filled(entry: Entry, paper: Paper | None) -> Entry:
    return replace(entry, paper=entry.paper.completed_by(paper)) if paper else entry


def _api(answer: Fetched, day: date | None) -> Listing:
    return parse_api(decoded(answer.body, answer.content_type), day=day)


def _page(answer: Fetched) -> Listing:
    return parse_page(decoded(answer.body, answer.content_type))


def _next_of(answer: Fetched) -> str:
    links = requests.utils.parse_header_links(answer.headers.get("link", ""))
    return next((link["url"] for link in links if link.get("rel") == "next"), "")


def _day_of(url: str) -> date | None:
    match = _DAY_IN_URL.search(url)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def _unless_repeated(listing: Listing, day: date) -> Listing:
    """The list, emptied when all its papers were listed before that day.

    On weekends and holidays the site answers with the list of the day before (88 of 90 weekend
    days measured), which is not news.
    """
    days = {entry.paper.listed_on for entry in listing.entries}
    earlier = [listed for listed in days if listed and listed < day]
    if not days or len(earlier) < len(days):
        return listing
    note = f"The list of {max(earlier)} was repeated: no list on {day}."
    return replace(listing, entries=(), notes=(*listing.notes, note))
