"""Ways out and back: one-click unsubscription, its page, and the lost link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from newsletter.errors import AddressError
from newsletter.links import Way
from newsletter.membership import Consent, is_subscribed, one_line
from newsletter.model import Cadence, Status, Subscriber
from newsletter.subscriptions import mailbox
from newsletter.web.bearers import ForgottenError, path, reader_of
from newsletter.web.doorman import Answer
from newsletter.web.posted import Posted, PostedAnything
from newsletter.web.rhythm import rhythm
from newsletter.web.site import Site

LONGEST_REASON = 500
REASONS: Mapping[str, str] = {
    "too many": "Too many mails",
    "off topic": "The papers did not fit what I work on",
    "no time": "No time to read them",
    "elsewhere": "I get my papers elsewhere",
    "not me": "I never asked for it",
}


class Leaving:
    """Ways out and back: one-click unsubscription, its page, and the lost link."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.router = APIRouter()
        add = self.router.add_api_route
        add("/unsubscribe/{token}", self.show, methods=["GET"])
        add("/unsubscribe/{token}", self.leave, methods=["POST"])
        add("/unsubscribe/{token}/undo", self.come_back, methods=["POST"])
        add("/lost-link", self.ask, methods=["GET"])
        add("/lost-link", self.remind, methods=["POST"])

    def show(self, token: str) -> HTMLResponse:
        """The button, and what else one could do. A link scanner may come here (RFC 8058)."""
        reader = reader_of(self._site, Way.UNSUBSCRIBE, token)
        if is_subscribed(reader.status) or reader.status is Status.PENDING:
            return self._site.pages.page(
                "unsubscribe.html.j2",
                token=token,
                address=reader.email,
                rhythm=rhythm(reader),
                weekly=reader.cadence is Cadence.WEEKLY,
                paused=reader.status is Status.PAUSED,
                **self._other_ways(reader),
            )
        return self._left(token, reader)

    def leave(self, token: str, sent: PostedAnything) -> Response:
        """Whoever holds the link is out, whatever the body says; again is a success too.

        A mail client's POST is answered in a line of text, without redirect (RFC 8058 3.1).
        """
        try:
            reader = reader_of(self._site, Way.UNSUBSCRIBE, token)
        except ForgottenError as gone:  # for a person whose data were erased that is what they want
            if sent.one_click:
                return PlainTextResponse(f"{gone.sentence}\n")
            return self._site.pages.problem(200, gone.title, gone.sentence)
        said = reason_in(sent)
        reader = self._site.subscriptions.unsubscribe(reader.id, now=self._site.now(), reason=said)
        if sent.one_click:
            return PlainTextResponse("You are unsubscribed. No further digest will come.\n")
        return self._left(token, reader, thanks=bool(said))

    def come_back(self, token: str) -> HTMLResponse:
        """It was a mistake: everything as it was."""
        site, reader = self._site, reader_of(self._site, Way.UNSUBSCRIBE, token)
        if not is_subscribed(reader.status):
            now = site.now()
            consent = Consent(at=now, origin="unsubscribe page", wording=site.settings.consent)
            reader = site.subscriptions.come_back(reader.id, consent, now=now)
        return site.pages.page(
            "unsubscribe_undone.html.j2",
            rhythm=rhythm(reader),
            paused=reader.status is Status.PAUSED,
            **self._other_ways(reader),
        )

    def ask(self) -> HTMLResponse:
        """One field: the address."""
        return self._form()

    def remind(self, sent: PostedAnything) -> HTMLResponse:
        """The same answer for everybody: nobody learns here who is subscribed."""
        email = one_line(sent.last("email"))
        try:
            mailbox(email)
        except AddressError as error:
            return self._form(email, wrong=str(error), status=422)
        judgement = self._site.doorman.knock(sent.knock)
        if judgement.answer is Answer.TOO_MANY:
            page = self._form(email, trouble=judgement.told, status=429)
            page.headers["retry-after"] = str(judgement.retry_after_seconds)
            return page
        if judgement.answer is Answer.RETRY:
            return self._form(email, trouble=judgement.sentence, status=422)
        if judgement.answer is Answer.LET_IN:
            self._site.subscriptions.remind(email, now=self._site.now())
            self._site.mail_waits()
        return self._site.pages.page("lost_link_sent.html.j2", email=email)

    def _left(self, token: str, reader: Subscriber, *, thanks: bool = False) -> HTMLResponse:
        return self._site.pages.page(
            "unsubscribed.html.j2",
            token=token,
            address=reader.email,
            thanks=thanks,
            reasons=REASONS,
            longest=LONGEST_REASON,
            preferences=path(self._site, Way.PREFERENCES, reader.id),
        )

    def _other_ways(self, reader: Subscriber) -> dict[str, Any]:
        return {
            "pause": path(self._site, Way.PAUSE, reader.id),
            "preferences": path(self._site, Way.PREFERENCES, reader.id),
        }

    def _form(
        self, email: str = "", *, wrong: str = "", trouble: str = "", status: int = 200
    ) -> HTMLResponse:
        return self._site.pages.page(
            "lost_link.html.j2",
            status=status,
            email=email[:LONGEST_REASON],
            wrong=wrong,
            trouble=trouble,
            stamp=self._site.doorman.stamp(),
        )


def reason_in(sent: Posted) -> str:
    """Why they leave, as one line: the choice, their own words, or both; mostly nothing."""
    choice = sent.last("reason")
    own = one_line(sent.last("words"))
    said = (REASONS.get(choice, one_line(choice)), own)
    return ": ".join(part for part in said if part)
