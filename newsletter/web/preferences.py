"""Everything a reader can change, behind their signed link."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from newsletter.errors import SubscriptionError
from newsletter.links import Way
from newsletter.mail.wording import plain, shorten
from newsletter.membership import Consent, is_subscribed, wishes_of
from newsletter.model import Feedback, Status, Subscriber, Verdict
from newsletter.selection.learn import with_votes
from newsletter.web.answers import too_many
from newsletter.web.bearers import path, reader_of
from newsletter.web.doorman import Answer, Judgement
from newsletter.web.filled import Filled, fill, showing, shown
from newsletter.web.forms import form_of, single_values, touched
from newsletter.web.glance import RESTING, Glance, compared, glance
from newsletter.web.liking import light, looks_at
from newsletter.web.pausing import PAUSES, Pausing, earliest, pause_of
from newsletter.web.posted import Posted, PostedForm
from newsletter.web.site import Site
from newsletter.web.standing import changes, standing

_TITLE = 120
_VERDICTS = {Verdict.MORE: "more like this", Verdict.LESS: "less like this"}


class Preferences:
    """Everything a reader can change, behind their signed link."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.router = APIRouter()
        home = f"/{Way.PREFERENCES}/{{token}}"
        add = self.router.add_api_route
        add(home, self.show, methods=["GET"])
        add(home, self.save, methods=["POST"])
        add(f"{home}/preview", self.preview, methods=["POST"])
        add(f"{home}/pause", self.pause, methods=["POST"])
        add(f"{home}/resume", self.resume, methods=["POST"])
        add(f"{home}/undo", self.undo, methods=["POST"])
        add(f"{home}/come-back", self.come_back, methods=["POST"])
        add(f"{home}/export", self.export, methods=["GET", "POST"])
        add(f"{home}/forget", self.ask_to_forget, methods=["GET"])
        add(f"{home}/forget", self.forget, methods=["POST"])
        self.router.include_router(Pausing(site).router)

    def show(self, token: str) -> HTMLResponse:
        """The settings as they are."""
        return self._page(token, reader_of(self._site, Way.PREFERENCES, token))

    def save(self, token: str, sent: PostedForm) -> HTMLResponse:
        """Writes down what the form says."""
        reader = reader_of(self._site, Way.PREFERENCES, token)
        filled = self._fill(sent, reader)
        if filled.errors:
            return self._page(token, reader, filled, status=422, **_begun_with(sent))
        now, before = self._site.now(), wishes_of(reader)
        seen = _begun_with(sent).get("version")
        reader = self._site.subscriptions.change(reader.id, filled.wishes, now=now, seen=seen)
        changed = changes(before, wishes_of(reader))
        return self._page(
            token, reader, saved="Saved", changed=changed or ("Nothing was different.",)
        )

    def preview(self, token: str, sent: PostedForm) -> Response:
        """What the form would change, without saving: the part for a script, else the whole page."""
        reader = reader_of(self._site, Way.PREFERENCES, token)
        looks = looks_at(sent.last("liked"), sent.file)
        judgement = self._site.doorman.may_preview(sent.client, looks)
        if judgement.answer is not Answer.LET_IN:
            return self._too_many(token, reader, sent, judgement)
        filled = self._fill(sent, reader)
        if not sent.fragment:
            return self._page(token, reader, filled, unsaved=True, **_begun_with(sent))
        return self._site.pages.page(
            "front_glance.html.j2", glance=self._glance(reader, filled, self._votes(reader))
        )

    def pause(self, token: str, sent: PostedForm) -> HTMLResponse:
        """No digest before a day."""
        reader = reader_of(self._site, Way.PREFERENCES, token)
        if not is_subscribed(reader.status):
            return self.show(token)
        now = self._site.now()
        until = pause_of(sent.last("for"), sent.last("until"), reader, now)
        if until is None:
            wrong = "Please choose a day after today."
            return self._unsaved(token, reader, sent, status=422, pause_wrong=wrong)
        reader = self._site.subscriptions.pause(reader.id, until, now=now)
        return self._unsaved(token, reader, sent, saved="Paused", changed=(standing(reader),))

    def resume(self, token: str, sent: PostedForm) -> HTMLResponse:
        """The pause ends."""
        reader = reader_of(self._site, Way.PREFERENCES, token)
        if not is_subscribed(reader.status):
            return self.show(token)
        reader = self._site.subscriptions.resume(reader.id, now=self._site.now())
        return self._unsaved(token, reader, sent, saved="Welcome back", changed=(standing(reader),))

    def undo(self, token: str, sent: PostedForm) -> HTMLResponse:
        """Takes a vote back, or all of them."""
        reader = reader_of(self._site, Way.PREFERENCES, token)
        if sent.last("all"):
            self._site.subscriptions.forget_votes(reader.id)
            told = "No vote counts any more; what you wrote yourself does."
            return self._unsaved(token, reader, sent, saved="Votes forgotten", changed=(told,))
        gone = self._site.subscriptions.undo(reader.id, sent.last("paper"))
        told = "That vote counts no more." if gone else "There was no such vote any more."
        return self._unsaved(token, reader, sent, saved="Taken back", changed=(told,))

    def come_back(self, token: str) -> HTMLResponse:
        """Somebody who gets nothing any more wants it again."""
        site, reader = self._site, reader_of(self._site, Way.PREFERENCES, token)
        if is_subscribed(reader.status) or reader.status is Status.PENDING:
            return self.show(token)
        now = site.now()
        consent = Consent(at=now, origin="settings page", wording=site.settings.consent)
        reader = site.subscriptions.come_back(reader.id, consent, now=now)
        return self._page(token, reader, saved="Good to have you back", changed=(standing(reader),))

    def export(self, token: str) -> Response:
        """Everything that is kept about them, as a file."""
        reader = reader_of(self._site, Way.PREFERENCES, token)
        kept = self._site.subscriptions.export(reader.id)
        headers = {
            "content-disposition": 'attachment; filename="newsletter-data.json"',
            "cache-control": "no-store",
        }
        text = json.dumps(kept, ensure_ascii=False, indent=2)
        return Response(text, media_type="application/json", headers=headers)

    def ask_to_forget(self, token: str) -> HTMLResponse:
        """What being forgotten means, and the button."""
        reader = reader_of(self._site, Way.PREFERENCES, token)
        home = path(self._site, Way.PREFERENCES, reader.id)
        return self._site.pages.page("preferences_forget.html.j2", home=home, email=reader.email)

    def forget(self, token: str) -> HTMLResponse:
        """Erases them."""
        reader = reader_of(self._site, Way.PREFERENCES, token)
        with suppress(SubscriptionError):  # the other click of a double click was faster
            self._site.subscriptions.forget(reader.id, now=self._site.now())
        return self._site.pages.page("preferences_gone.html.j2")

    # -- hands

    def _too_many(
        self, token: str, reader: Subscriber, sent: Posted, judgement: Judgement
    ) -> Response:
        def page() -> Response:
            kept = self._fill(light(sent), reader)
            told = {"problem": judgement.sentence, **_begun_with(sent)}
            status = HTTPStatus.TOO_MANY_REQUESTS
            return self._page(token, reader, kept, Glance(problem=RESTING), status=status, **told)

        return too_many(sent, judgement, page)

    def _unsaved(self, token: str, reader: Subscriber, sent: Posted, **told: Any) -> HTMLResponse:
        """The page after another button than Save: what was typed stands in its fields again."""
        begun = _begun_with(sent)
        if not begun:  # without the form, by a program or an old page
            return self._page(token, reader, **told)
        looks = looks_at(sent.last("liked"), sent.file)
        calm = self._site.doorman.may_preview(sent.client, looks).answer is Answer.LET_IN
        filled = self._fill(sent if calm else light(sent), reader)
        looked = None if calm else Glance(problem=RESTING)
        unsaved = bool(filled.errors) or filled.wishes != wishes_of(reader)
        return self._page(token, reader, filled, looked, unsaved=unsaved, **told, **begun)

    def _fill(self, sent: PostedForm, reader: Subscriber) -> Filled:
        site, told = self._site, replace(sent, values=touched(sent.values))
        return fill(told, site.topics, site.store.find_papers, base=wishes_of(reader))

    def _votes(self, reader: Subscriber) -> tuple[Feedback, ...]:
        return self._site.subscriptions.votes(reader.id)

    def _glance(self, reader: Subscriber, filled: Filled, votes: Sequence[Feedback]) -> Glance:
        """The picks by the taste the form would make, against those by the taste that is kept."""
        chooser = self._site.chooser
        now = self._site.now()
        kept = with_votes(reader.profile, votes, now=now)
        taste = with_votes(filled.wishes.profile, votes, now=now)
        looked = glance(taste, chooser.ranking(taste), chooser.pool, notes=filled.notes)
        return looked if taste == kept else compared(looked, chooser.ranking(kept))

    def _page(
        self,
        token: str,
        reader: Subscriber,
        filled: Filled | None = None,
        looked: Glance | None = None,
        *,
        status: int = 200,
        **told: Any,
    ) -> HTMLResponse:
        site, votes = self._site, self._votes(reader)
        common = {
            "home": f"/{Way.PREFERENCES}/{token}",
            "version": site.subscriptions.version(reader.id),
            "kept": single_values(form_of(wishes_of(reader))),
            "reader": reader,
            "standing": standing(reader),
            "consent": site.settings.consent,
            "leave": path(site, Way.UNSUBSCRIBE, reader.id),
            "saved": "",
            "changed": (),
            "unsaved": False,
            "pause_wrong": "",
            "problem": "",
            **told,
        }
        if not is_subscribed(reader.status):
            return site.pages.page("preferences_quiet.html.j2", status=status, **common)
        form = filled or showing(wishes_of(reader), site.topics, site.store.find_papers)
        return site.pages.page(
            "preferences.html.j2",
            status=status,
            votes=self._told(votes),
            pauses=PAUSES,
            earliest=earliest(reader, site.now()).isoformat(),
            glance=looked or self._glance(reader, form, votes),
            **common,
            **shown(form, site.topics),
        )

    def _told(self, votes: Sequence[Feedback]) -> list[dict[str, str]]:
        """The votes as the page lists them, newest first."""
        papers = self._site.store.find_papers([vote.paper_id for vote in votes])
        return [
            {
                "paper": vote.paper_id,
                "title": shorten(plain(papers[vote.paper_id].title), _TITLE),
                "verdict": _VERDICTS[vote.verdict],
            }
            for vote in reversed(votes)
            if vote.paper_id in papers
        ]


def _begun_with(sent: Posted) -> dict[str, Any]:
    """The version of the interests that a form was shown with, as `version`; nothing without one."""
    said = sent.last("version")
    return {"version": int(said)} if re.fullmatch("[0-9]{1,9}", said) else {}
