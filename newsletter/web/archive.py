"""What was listed, by day and by topic, as pages and feeds; the same for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from newsletter.config import Topic
from newsletter.links import Way
from newsletter.mail.wording import long_date
from newsletter.model import Candidate
from newsletter.web import feeds
from newsletter.web.cards import card_of_candidate
from newsletter.web.lists import ListDay, Lists, day_of
from newsletter.web.site import Site

_DAYS_ON_A_PAGE = 60
_FEED_PAPERS = 60
_TOPIC_PAPERS = 30
_ARCHIVE, _TOPICS = "/archive", "/topics"


class Archive:
    """What was listed, by day and by topic, as pages and feeds; the same for everybody."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lists = Lists(site)
        self._topics = {topic.slug: topic for topic in site.topics}
        self.router = APIRouter()
        add = self.router.add_api_route
        add("/archive", self.days, methods=["GET"])
        add("/archive/feed.{form}", self.feed, methods=["GET"])
        add("/archive/{day}", self.day, methods=["GET"])
        add("/topics", self.topics, methods=["GET"])
        add("/topics/{slug}", self.topic, methods=["GET"])
        add("/topics/{slug}/feed.{form}", self.topic_feed, methods=["GET"])
        add("/robots.txt", self.robots, methods=["GET"])
        add("/sitemap.xml", self.sitemap, methods=["GET"])

    def days(self, page: str = "1") -> HTMLResponse:
        """The days with a list, newest first."""
        known = self._lists.days()
        pages = max(-(-len(known) // _DAYS_ON_A_PAGE), 1)
        number = int(page) if page.isascii() and page.isdecimal() and len(page) < 6 else 0
        if not 1 <= number <= pages:
            return self._nothing("There is no such page of the archive.")
        shown = known[(number - 1) * _DAYS_ON_A_PAGE : number * _DAYS_ON_A_PAGE]
        return self._page(
            "archive.html.j2",
            _ARCHIVE if number == 1 else f"{_ARCHIVE}?page={number}",
            months=_months(shown),
            number=number,
            pages=pages,
        )

    def day(self, day: str) -> HTMLResponse:
        """All papers of one list."""
        wanted = day_of(day)
        if wanted is None:
            return self._nothing("This is no day; a day is written like 2026-04-03.")
        earlier, later = _beside(self._lists.days(), wanted)
        papers = self._lists.of(wanted)
        return self._page(
            "archive_day.html.j2" if papers else "archive_missing.html.j2",
            f"{_ARCHIVE}/{wanted.isoformat()}",
            status=200 if papers else 404,
            name=long_date(wanted),
            cards=_cards(papers),
            earlier=earlier,
            later=later,
        )

    def topics(self) -> HTMLResponse:
        """The offered topics."""
        return self._page("topics.html.j2", _TOPICS, topics=self._site.topics)

    def topic(self, slug: str) -> HTMLResponse:
        """The papers of the last days about a topic."""
        topic = self._topics.get(slug)
        if topic is None:
            return self._nothing("There is no such topic.")
        papers = self._lists.about(topic, _TOPIC_PAPERS)
        path = f"{_TOPICS}/{slug}"
        return self._page("topic.html.j2", path, topic=topic, cards=_cards(papers))

    def feed(self, form: str, request: Request) -> Response:
        """The newest papers of all lists."""
        papers = self._lists.newest(_FEED_PAPERS)
        return self._feed(request, form, papers, "archive", "all papers", _ARCHIVE)

    def topic_feed(self, slug: str, form: str, request: Request) -> Response:
        """The papers about a topic."""
        topic = self._topics.get(slug)
        if topic is None:
            return self._nothing("There is no such topic.")
        papers = self._lists.about(topic, _TOPIC_PAPERS)
        return self._feed(request, form, papers, _id_of(topic), topic.name, f"{_TOPICS}/{slug}")

    def robots(self) -> PlainTextResponse:
        """What crawlers may read (RFC 9309): never a page behind a signed link."""
        return PlainTextResponse(self._robots(), headers={"cache-control": "public, max-age=300"})

    def sitemap(self) -> Response:
        """The pages that may be found."""
        if not self._site.settings.index:
            return self._nothing("There is no such page here.")
        days = [f"{_ARCHIVE}/{one.day.isoformat()}" for one in self._lists.days()]
        topics = [f"{_TOPICS}/{slug}" for slug in self._topics]
        text = self._site.pages.text(
            "sitemap.xml.j2", paths=["/", _ARCHIVE, _TOPICS, *topics, *days]
        )
        headers = {"cache-control": "public, max-age=300"}
        return Response(text, headers=headers, media_type="application/xml")

    def _robots(self) -> str:
        if not self._site.settings.index:
            return "User-agent: *\nDisallow: /\n"
        closed = [f"/{way}/" for way in Way] + ["/lost-link", "/api/"]
        lines = ["User-agent: *", "Allow: /", *(f"Disallow: {path}" for path in closed)]
        sitemap = f"Sitemap: {self._site.publication.base_url}/sitemap.xml"
        return "\n".join([*lines, "", sitemap, ""])

    def _feed(
        self,
        request: Request,
        form: str,
        papers: Sequence[Candidate],
        what: str,
        title: str,
        home: str,
    ) -> Response:
        write = {"atom": feeds.atom, "json": feeds.json_feed}.get(form)
        if write is None:
            return self._nothing("This feed comes as feed.atom and feed.json.")
        changed_at = self._lists.changed_at()
        made = feeds.feed(
            self._site.publication,
            [candidate.paper for candidate in papers],
            what=what,
            title=title,
            home=home,
            itself=f"{home}/feed",
            changed_at=changed_at,
        )
        kind = feeds.ATOM if form == "atom" else feeds.JSON
        return feeds.answer(request.headers, write(made), kind, changed_at)

    def _page(
        self, template: str, path: str, *, status: int = 200, **shown: object
    ) -> HTMLResponse:
        return self._site.pages.page(
            template,
            status=status,
            public=True,
            index=self._site.settings.index and status == 200,
            canonical=self._site.publication.base_url + path,
            **shown,
        )

    def _nothing(self, sentence: str) -> HTMLResponse:
        return self._site.pages.problem(404, "Nothing here", sentence)


def _beside(days: Iterable[ListDay], day: date) -> tuple[date | None, date | None]:
    """The list days before and after a day."""
    known = [one.day for one in days]
    earlier = max((one for one in known if one < day), default=None)
    return earlier, min((one for one in known if one > day), default=None)


def _months(days: Iterable[ListDay]) -> list[dict[str, object]]:
    months = groupby(days, key=lambda one: (one.day.year, one.day.month))
    return [{"first": date(year, month, 1), "days": tuple(of)} for (year, month), of in months]


def _cards(papers: Iterable[Candidate]) -> list[object]:
    return [card_of_candidate(paper, rank) for rank, paper in enumerate(papers, start=1)]


def _id_of(topic: Topic) -> str:
    return f"topic/{topic.slug}"
