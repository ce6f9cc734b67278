"""The ways to a list, best first; each way that fails is noted, and only when all fail it is an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from newsletter.errors import SourceError
from newsletter.model import Listing, Tier
from newsletter.sources.arxiv import parse_feed
from newsletter.sources.fetch import Fetcher
from newsletter.sources.files import read_file
from newsletter.sources.mirrors import KNOWN_MIRRORS, led_home
from newsletter.sources.recognise import decoded, read_content
from newsletter.sources.site import Site
from newsletter.sources.spec import SourceKind, SourceSpec, list_day
from newsletter.sources.urls import host_of

_DAYS_BACK = 4  # a long weekend: Monday's holiday, Sunday, Saturday, then Friday
_FEED = "application/rss+xml, application/atom+xml, application/xml, text/xml"

Way = tuple[str, Callable[[], Listing]]


class NotOpenError(SourceError):
    """The list of a day is not open yet."""


class Sources:
    """Reads any source that a person can name.

    Args:
        base_url: of the trending page's site, or a mirror of it.
        arxiv_url: of the RSS feeds, e.g. `https://rss.arxiv.org/rss`.
        arxiv_fallback: categories joined by `+`, read when the site gives nothing; empty: nothing
            stands in.
        mirrors: hosts whose links are led back to huggingface.co.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        base_url: str = "https://huggingface.co",
        arxiv_url: str = "https://rss.arxiv.org/rss",
        arxiv_fallback: str = "cs.AI+cs.CL+cs.CV+cs.LG",
        mirrors: Sequence[str] = KNOWN_MIRRORS,
    ) -> None:
        self._fetcher = fetcher
        self._site = Site(fetcher, base_url)
        self._arxiv_url = arxiv_url.rstrip("/")
        self._fallback = arxiv_fallback
        # A base address that is no mirror only replaces itself.
        self._mirrors = (*mirrors, host_of(base_url))

    def read(self, spec: SourceSpec, *, now: datetime) -> Listing:
        """The list a source names, through the gate, with notes about every detour.

        An empty list is an answer: no list that day. A list that came from arXiv because the site
        gave none is named `arxiv:…`, whatever was asked for.

        Raises:
            SourceError: no way led to a list; names every way tried and its reason.
        """
        readers: dict[SourceKind, Callable[[SourceSpec, datetime], Listing]] = {
            SourceKind.TRENDING: self._trending,
            SourceKind.DAILY: self._daily,
            SourceKind.ARXIV: self._arxiv,
            SourceKind.URL: self._address,
            SourceKind.PATH: self._path,
        }
        listing = led_home(readers[spec.kind](spec, now), self._mirrors)
        return _in_time(listing, list_day(now))

    def _trending(self, spec: SourceSpec, _now: datetime) -> Listing:
        ways: list[Way] = [
            ("api", lambda: _with_papers(self._site.trending_by_api())),
            ("page", lambda: _with_papers(self._site.trending_by_page())),
            ("rss", self._arxiv_instead),
        ]
        return _first(spec.name, ways)

    def _daily(self, spec: SourceSpec, now: datetime) -> Listing:
        newest = list_day(now)
        return self._day(spec.day, newest) if spec.day else self._newest(newest)

    def _newest(self, newest: date) -> Listing:
        """The last day that has a list; notes say which days have none."""
        notes: list[str] = []
        for back in range(_DAYS_BACK + 1):
            day = newest - timedelta(days=back)
            try:
                listing = self._day(day, newest)
            except NotOpenError as error:
                notes.append(_sentence(error.problem))
                continue
            if listing.entries:
                return replace(listing, notes=(*notes, *listing.notes))
            notes += listing.notes or (f"The list of {day} is empty.",)
        first = Listing(source=_name(newest), tier=Tier.API, listed_on=newest)
        return replace(first, notes=(*notes, f"No list in the {_DAYS_BACK} days before either."))

    def _day(self, day: date, newest: date) -> Listing:
        ways: list[Way] = [
            ("api", lambda: self._opened(day, newest)),
            ("page", lambda: self._site.day_by_page(day)),
            ("rss", lambda: self._arxiv_on(day, newest)),
        ]
        return _first(_name(day), ways)

    def _opened(self, day: date, newest: date) -> Listing:
        """The API's list; its 400 means “not open yet” for the newest day only."""
        listing = self._site.day_by_api(day)
        if listing is not None:
            return listing
        if day >= newest:
            raise NotOpenError(
                f"the list of {day} is not open yet (HTTP 400)", source=_name(day), tier=Tier.API
            )
        raise SourceError("HTTP 400: the question was refused as wrong", tier=Tier.API)

    def _arxiv_on(self, day: date, newest: date) -> Listing:
        """arXiv's feed holds only its newest announcement; for an older day it would be wrong."""
        if newest - day > timedelta(days=_DAYS_BACK):
            raise SourceError(f"arXiv's feed holds only the newest papers, not those of {day}")
        return self._arxiv_instead()

    def _arxiv_instead(self) -> Listing:
        if not self._fallback:
            raise SourceError("arXiv is not asked instead (sources.arxiv_fallback is empty)")
        listing = self._feed(self._fallback)
        if not listing.entries:
            raise SourceError("arXiv announces no papers today", tier=Tier.RSS)
        note = "The papers of arXiv stand in: without votes, and in no order of interest."
        return replace(listing, notes=(*listing.notes, note))

    def _arxiv(self, spec: SourceSpec, _now: datetime) -> Listing:
        listing = self._feed(spec.place)
        if listing.entries:
            return listing
        note = "arXiv announces no papers in these categories today (none on weekends)."
        return replace(listing, notes=(*listing.notes, note))

    def _feed(self, categories: str) -> Listing:
        answer = self._fetcher.get(f"{self._arxiv_url}/{categories}", accept=_FEED)
        text = decoded(answer.body, answer.content_type)
        return parse_feed(text, source=f"arxiv:{categories}")

    def _address(self, spec: SourceSpec, _now: datetime) -> Listing:
        answer = self._fetcher.get(spec.place)
        return read_content(answer.body, source=spec.name, content_type=answer.content_type)

    def _path(self, spec: SourceSpec, _now: datetime) -> Listing:
        data = read_file(spec.place, max_bytes=self._fetcher.rules.max_bytes)
        return read_content(data, source=spec.name)


def _in_time(listing: Listing, newest: date) -> Listing:
    """The list with days that there can be: what is picked from are the newest days known, so one
    paper with a day years ahead would hide all others for as long.
    """
    last = newest + timedelta(days=1)  # our clock may be a little behind
    days = {entry.paper.listed_on for entry in listing.entries} | {listing.listed_on}
    wrong = {day: newest for day in days if day and day > last}
    if not wrong:
        return listing
    entries = (
        replace(entry, paper=replace(entry.paper, listed_on=wrong[day]))
        if (day := entry.paper.listed_on) in wrong
        else entry
        for entry in listing.entries
    )
    listed_on = newest if listing.listed_on in wrong else listing.listed_on
    note = f"Listed on {max(wrong)}, it says; that day has not come, so {newest} is taken for it."
    notes = (*listing.notes, note)
    return replace(listing, entries=tuple(entries), listed_on=listed_on, notes=notes)


def _name(day: date) -> str:
    return f"daily:{day}"


def _sentence(problem: str) -> str:
    return f"{problem[:1].upper()}{problem[1:]}."


def _with_papers(listing: Listing) -> Listing:
    """Something always trends: an empty answer is a failure of its way."""
    if not listing.entries:
        raise SourceError("the list is empty", tier=listing.tier)
    return listing


def _first(name: str, ways: Sequence[Way]) -> Listing:
    """The list of the first way that works, with a note for each that did not."""
    failures: list[str] = []
    for tier, read in ways:
        try:
            listing = read()
        except NotOpenError:
            raise
        except SourceError as error:
            failures.append(f"tier {tier} failed: {error.problem}")
            continue
        source = listing.source if listing.tier is Tier.RSS else name
        notes = (*map(_sentence, failures), *listing.notes)
        return replace(listing, source=source, notes=notes)
    raise SourceError("no way led to a list: " + "; ".join(failures), source=name)
