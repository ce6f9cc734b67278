"""The JSON API: the form, its preview and the archive for a page of another site."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from operator import attrgetter
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException

from newsletter.config import check_wishes
from newsletter.errors import ConfigError
from newsletter.library import LibraryError, Report, match, read_library
from newsletter.membership import Consent, Wishes
from newsletter.model import Candidate
from newsletter.subscriptions import mailbox, remarks
from newsletter.web.api.abroad import Abroad
from newsletter.web.api.answers import JsonRoute, complete, refusals
from newsletter.web.api.models import (
    ArchiveAnswer,
    ArchiveDayAnswer,
    DayAnswer,
    FormAnswer,
    PreviewAnswer,
    PreviewBody,
    ReadingListAnswer,
    ReadingListBody,
    SubscriptionAnswer,
    SubscriptionBody,
    TopicAnswer,
    TopicsAnswer,
)
from newsletter.web.api.views import paper_of, pick_of, report_of
from newsletter.web.doorman import Answer, Judgement, Knock
from newsletter.web.forms import MOST
from newsletter.web.liking import looks_at
from newsletter.web.lists import day_of
from newsletter.web.site import Site

PREFIX = "/api/v1"
ASKED = (
    "Thank you. If this address can be subscribed, a mail with a link is on its way; "
    "nothing is sent before that link was used."
)
_REFUSED = "This cannot be used"
_LONGEST_ORIGIN = 200
_PUBLIC = "public, max-age=300"


def _day(given: object) -> object:
    """pydantic would take a number of seconds too, and say more than a reader wants to know."""
    day = day_of(given) if isinstance(given, str) else None
    if day is None:
        raise ValueError("must be a day such as 2026-04-03")
    return day


Day = Annotated[date, BeforeValidator(_day)]


class ArchivePage(BaseModel):
    """Which days are asked for."""

    model_config = ConfigDict(extra="forbid")

    before: Annotated[Day, Field(description="Only days before this one.")] = date.max
    limit: Annotated[int, Field(ge=1, le=100, description="How many days at most.")] = 30


class Api:
    """The JSON API of one installation."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.router = APIRouter(
            prefix=PREFIX, route_class=JsonRoute, generate_unique_id_function=attrgetter("name")
        )
        looking, acting = refusals(422, 503), refusals(408, 413, 415, 422, 429, 503)
        add = self.router.add_api_route
        add("/topics", self.topics, responses=refusals(503))
        add("/form", self.form, responses=refusals(503))
        add("/archive", self.archive, responses=looking)
        add("/archive/{day}", self.archive_day, responses={**refusals(404), **looking})
        add("/preview", self.preview, methods=["POST"], responses=acting)
        add("/reading-list", self.reading_list, methods=["POST"], responses=acting)
        add(
            "/subscriptions",
            self.subscribe,
            methods=["POST"],
            status_code=202,
            responses=acting,
        )

    def join(self, app: FastAPI) -> None:
        """Becomes a part of the whole site, with leave for other sites and its document."""
        app.include_router(self.router)
        app.add_middleware(Abroad, origins=self._site.settings.cors_origins)
        complete(app, self._site.publication.base_url)

    # -- looking

    def topics(self, response: Response) -> TopicsAnswer:
        """The topics that are offered to a reader who does not know what to write."""
        response.headers["cache-control"] = _PUBLIC
        return TopicsAnswer(
            topics=[
                TopicAnswer(slug=topic.slug, name=topic.name, words=list(topic.words))
                for topic in self._site.topics
            ]
        )

    def form(self) -> FormAnswer:
        """What a form needs that is shown now; ask again for the next one."""
        doorman = self._site.doorman
        return FormAnswer(
            stamp=doorman.stamp(),
            challenge=doorman.challenge(),
            consent=self._site.settings.consent,
        )

    def archive(self, page: Annotated[ArchivePage, Query()], response: Response) -> ArchiveAnswer:
        """The days that have a list, newest first."""
        response.headers["cache-control"] = _PUBLIC
        sizes = self._site.store.list_sizes()
        days = [day for day in sizes if day < page.before]
        shown, more = days[: page.limit], len(days) > page.limit
        following = self._archive_address(shown[-1], page.limit) if more else None
        if following:
            response.headers["link"] = f'<{following}>; rel="next"'
        listed = [self._day_answer(day, sizes[day]) for day in shown]
        return ArchiveAnswer(days=listed, next=following)

    def archive_day(self, day: Day, response: Response) -> ArchiveDayAnswer:
        """The papers that were first listed on a day."""
        listed = self._site.store.candidates(listed=(day, day))
        if not listed:
            raise HTTPException(404, f"There is no list of {day}.")
        response.headers["cache-control"] = _PUBLIC
        papers = [paper_of(candidate) for candidate in sorted(listed, key=_place)]
        return ArchiveDayAnswer(day=day.isoformat(), papers=papers)

    # -- trying out

    def preview(self, body: PreviewBody, request: Request) -> PreviewAnswer:
        """The papers of the last days that this profile would have received, with the reasons."""
        # Papers that are named cost the same however they are named.
        self._may_look(request, "\n".join((body.liked_text, *body.liked, *body.disliked)))
        given, report = self._with_liked(body, body.liked_text)
        profile = _checked(given).profile
        pool = self._site.chooser.pool
        picks = self._site.chooser.ranking(profile).picks
        return PreviewAnswer(
            picks=[pick_of(pick, abstract=profile.abstract_length) for pick in picks],
            considered=len(pool.candidates),
            day=pool.day.isoformat() if pool.day else None,
            sample=pool.sample,
            reading_list=report_of(report) if report else None,
            notes=remarks(profile),
        )

    def reading_list(self, body: ReadingListBody, request: Request) -> ReadingListAnswer:
        """What is understood of a reading list of any kind; nothing is kept."""
        self._may_look(request, body.text)
        report = self._read(body.text, "text")
        return ReadingListAnswer(report=report_of(report), liked=list(report.liked))

    # -- acting

    def subscribe(self, body: SubscriptionBody, request: Request) -> SubscriptionAnswer:
        """Asks for a subscription. The answer is the same for every address, known or not."""
        if body.liked_text:
            self._may_look(request, body.liked_text)  # reading it costs computing time
        given, report = self._with_liked(body.wishes, body.liked_text)
        wishes = _checked(given, "wishes.")
        mailbox(body.email)  # tells what is wrong with the address before the doorman counts
        if self._is_let_in(body, request):
            self._ask(body.email, wishes, request)
        return SubscriptionAnswer(
            message=ASKED,
            reading_list=report_of(report) if report else None,
            notes=remarks(wishes.profile),
        )

    def _ask(self, email: str, wishes: Wishes, request: Request) -> None:
        site, now = self._site, self._site.now()
        origin = request.headers.get("origin", "")[:_LONGEST_ORIGIN]
        consent = Consent(at=now, origin=f"api {origin}".strip(), wording=site.settings.consent)
        site.subscriptions.subscribe(email, wishes, consent, now=now)
        site.mail_waits()

    def _is_let_in(self, body: SubscriptionBody, request: Request) -> bool:
        """Whether to do it; a robot is answered as if it had been done."""
        knock = Knock(
            client=_client(request), proof=body.proof, stamp=body.stamp, honeypot=body.website
        )
        judgement = self._site.doorman.knock(knock)
        if judgement.answer is Answer.TOO_MANY:
            raise _too_many(judgement)
        if judgement.answer is Answer.RETRY:
            raise HTTPException(422, judgement.sentence)
        return judgement.answer is Answer.LET_IN

    def _may_look(self, request: Request, text: str) -> None:
        judgement = self._site.doorman.may_preview(_client(request), looks_at(text))
        if judgement.answer is not Answer.LET_IN:
            raise _too_many(judgement)

    # -- hands

    def _with_liked(self, body: BaseModel, text: str) -> tuple[Mapping[str, Any], Report | None]:
        """The keys that were sent, with the papers of a reading list among the liked ones."""
        given = body.model_dump(exclude_unset=True, exclude={"liked_text"})
        if not text.strip():
            return given, None
        report = self._read(text, "liked_text")
        liked = tuple(dict.fromkeys((*given.get("liked", ()), *report.liked)))
        if len(liked) > MOST["liked"]:
            raise ConfigError(
                _REFUSED, [f"liked_text: with it more than {MOST['liked']} are liked"]
            )
        return {**given, "liked": liked}, report

    def _read(self, text: str, key: str) -> Report:
        try:
            return match(read_library(text), self._site.store.find_papers)
        except LibraryError as error:
            raise ConfigError(_REFUSED, [f"{key}: {error}"]) from None

    def _day_answer(self, day: date, papers: int) -> DayAnswer:
        url = f"{self._site.publication.base_url}/archive/{day}"
        return DayAnswer(day=day.isoformat(), papers=papers, url=url)

    def _archive_address(self, before: date, limit: int) -> str:
        query = urlencode({"before": before.isoformat(), "limit": limit})
        return f"{self._site.publication.base_url}{PREFIX}/archive?{query}"


def _checked(given: Mapping[str, Any], place: str = "") -> Wishes:
    """The rules of a reader's file; `place` is where the keys stand in the body."""
    try:
        return check_wishes(given, _REFUSED)
    except ConfigError as error:
        raise ConfigError(_REFUSED, [f"{place}{problem}" for problem in error.problems]) from None


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _too_many(judgement: Judgement) -> HTTPException:
    wait = {"retry-after": str(judgement.retry_after_seconds)}
    return HTTPException(429, judgement.sentence, headers=wait)


def _place(candidate: Candidate) -> tuple[int, str]:
    """As the list had it, what was never on one last."""
    last = candidate.last
    return (last.rank if last else 1_000_000, candidate.paper.id)
