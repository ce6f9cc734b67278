"""The front page: what one works on, what one would have received, and the address."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from newsletter.errors import AddressError
from newsletter.membership import Consent
from newsletter.subscriptions import mailbox
from newsletter.web.answers import too_many
from newsletter.web.doorman import Answer, Judgement
from newsletter.web.filled import Filled, blank, fill, shown
from newsletter.web.glance import RESTING, Glance, glance
from newsletter.web.liking import is_heavy, light, lines_of, looks_at, read_liking
from newsletter.web.posted import Posted, PostedForm
from newsletter.web.site import Site

CHECK_MAIL = "/check-your-mail"
_NO_ADDRESS = "Please write your e-mail address, so that we know where to send it."
_NO_CONSENT = "Please tick this box: without it we may not write to you."


class SignUp:
    """The front page: what one works on, what one would have received, and the address."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.router = APIRouter()
        add = self.router.add_api_route
        add("/", self.front, methods=["GET"])
        add("/preview", self.preview, methods=["POST"])
        add("/reading-list", self.reading_list, methods=["POST"])
        add("/subscribe", self.subscribe, methods=["POST"])
        add(CHECK_MAIL, self.check_mail, methods=["GET"])
        add("/proof", self.proof, methods=["GET"])

    def front(self) -> Response:
        """The form, and what trends beside it."""
        filled = blank()
        answer = self._page(filled, self._glance(filled))
        # Nothing in it is personal, and "back" must bring the form as it was left.
        answer.headers["cache-control"] = "no-cache"
        return answer

    def preview(self, sent: PostedForm) -> Response:
        """The picks for what the form says: the part for a script, else the whole page."""
        judgement = self._may_look(sent)
        if judgement.answer is not Answer.LET_IN:
            return self._too_many(sent, judgement)
        filled = self._fill(sent)
        looked = self._glance(filled)
        if sent.fragment:
            return self._site.pages.page("front_glance.html.j2", glance=looked)
        return self._page(filled, looked)

    def reading_list(self, sent: PostedForm) -> Response:
        """A pasted or uploaded list as lines of the field for liked papers; for scripts."""
        judgement = self._may_look(sent)
        if judgement.answer is not Answer.LET_IN:
            return JSONResponse({"problem": judgement.sentence}, HTTPStatus.TOO_MANY_REQUESTS)
        find = self._site.store.find_papers
        read = read_liking(sent.file or sent.last("liked"), find)
        lines = lines_of(read.liked, find)
        return JSONResponse({"lines": lines, "report": read.report, "problem": read.problem})

    def subscribe(self, sent: PostedForm) -> Response:
        """Asks for the mail that confirms; whoever the address belongs to, the answer is the same."""
        if is_heavy(sent.last("liked"), sent.file):
            judgement = self._may_look(sent)
            if judgement.answer is not Answer.LET_IN:
                return self._too_many(sent, judgement)
        filled = self._fill(sent)
        filled = filled.but(
            email=_address_problem(filled.form.email),
            consent="" if filled.form.agreed else _NO_CONSENT,
        )
        if filled.errors:
            return self._page(filled, self._glance_if_calm(filled, sent), status=422)
        judgement = self._site.doorman.knock(sent.knock)
        if judgement.answer is Answer.RETRY:
            looked = self._glance_if_calm(filled, sent)
            return self._page(filled, looked, status=422, problem=judgement.sentence)
        if judgement.answer is Answer.TOO_MANY:
            return self._too_many(sent, judgement, filled)
        if judgement.answer is Answer.LET_IN:
            self._ask(filled)
        return RedirectResponse(CHECK_MAIL, status_code=HTTPStatus.SEE_OTHER)

    def check_mail(self) -> HTMLResponse:
        """What happens next, for everybody the same."""
        return self._site.pages.page("check_mail.html.j2", public=True)

    def proof(self) -> JSONResponse:
        """A challenge for the script of the form."""
        return JSONResponse(self._site.doorman.challenge())

    # -- hands

    def _may_look(self, sent: Posted) -> Judgement:
        looks = looks_at(sent.last("liked"), sent.file)
        return self._site.doorman.may_preview(sent.client, looks)

    def _fill(self, sent: Posted) -> Filled:
        return fill(sent, self._site.topics, self._site.store.find_papers)

    def _ask(self, filled: Filled) -> None:
        now = self._site.now()
        consent = Consent(at=now, origin="front page", wording=self._site.settings.consent)
        self._site.subscriptions.subscribe(filled.form.email, filled.wishes, consent, now=now)
        self._site.mail_waits()

    def _glance(self, filled: Filled) -> Glance:
        chooser, profile = self._site.chooser, filled.wishes.profile
        return glance(profile, chooser.ranking(profile), chooser.pool, notes=filled.notes)

    def _glance_if_calm(self, filled: Filled, sent: Posted) -> Glance:
        """A form that is sent again and again does not make us choose again and again."""
        calm = self._site.doorman.may_preview(sent.client).answer is Answer.LET_IN
        return self._glance(filled) if calm else Glance(problem=RESTING)

    def _too_many(
        self, sent: Posted, judgement: Judgement, filled: Filled | None = None
    ) -> Response:
        def page() -> Response:
            kept, resting = filled or self._fill(light(sent)), Glance(problem=RESTING)
            status = HTTPStatus.TOO_MANY_REQUESTS
            return self._page(kept, resting, status=status, problem=judgement.told)

        return too_many(sent, judgement, page)

    def _page(
        self, filled: Filled, looked: Glance, *, status: int = 200, problem: str = ""
    ) -> HTMLResponse:
        context: dict[str, Any] = shown(filled, self._site.topics)
        return self._site.pages.page(
            "front.html.j2",
            status=status,
            problem=problem,
            glance=looked,
            consent=self._site.settings.consent,
            index=self._site.settings.index,
            stamp=self._site.doorman.stamp(),
            **context,
        )


def _address_problem(text: str) -> str:
    if not text:
        return _NO_ADDRESS
    try:
        mailbox(text)
    except AddressError as error:
        return str(error)
    return ""
