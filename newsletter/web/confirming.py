"""The button behind a confirmation mail, and the welcome after it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from newsletter.errors import TokenError
from newsletter.links import Way
from newsletter.mail.view import interests_phrase
from newsletter.membership import Consent, Purpose, Token, asking_for, is_subscribed
from newsletter.model import Digest, Profile, Status, Subscriber
from newsletter.pipeline import compose
from newsletter.schedule import edition_at
from newsletter.subscriptions.rules import refusal
from newsletter.web.bearers import ForgottenError, path, reader, subject_of
from newsletter.web.cards import card_of
from newsletter.web.rhythm import next_digest, rhythm
from newsletter.web.site import Site

_log = logging.getLogger(__name__)
# A second click, a reload: later the link is no way to somebody's settings any more.
_SAME_VISIT = timedelta(hours=1)
_ABSTRACT = 160
_FIRST = "Welcome! This is your first digest, chosen from the papers of the last days."
_AGAIN = "Welcome back! This digest is chosen from the papers of the last days."
_STEER = (
    "Each paper says why it is here. “More like this” and “Less like this” steer the next ones."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A true link: its token as kept, and who it is about (`None` once they are gone)."""

    token: Token
    subscriber: Subscriber | None


class Confirming:
    """The button behind a confirmation mail, and the welcome after it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.router = APIRouter()
        self.router.add_api_route("/confirm/{token}", self.show, methods=["GET"])
        self.router.add_api_route("/confirm/{token}", self.confirm, methods=["POST"])

    def show(self, token: str) -> HTMLResponse:
        """What will happen, and the button."""
        asked = self._read(token)
        if asked.subscriber is None or refusal(asked.token, Purpose.CONFIRM, self._site.now()):
            return self._spent(asked)
        return self._question(token, asked.subscriber, asked.token)

    def confirm(self, token: str) -> HTMLResponse:
        """The mailbox is theirs: what the form said becomes true, and the first digest is made."""
        asked = self._read(token)
        site, now = self._site, self._site.now()
        consent = Consent(at=now, origin="confirmation page", wording=site.settings.consent)
        try:
            subscriber = site.subscriptions.confirm(asked.token.id, consent, now=now)
        except TokenError:
            return self._again(token, now)
        digest = self._first_digest(subscriber, edition_at(subscriber, now), now)
        site.mail_waits()
        return self._welcome(subscriber, digest, now)

    def _read(self, token: str) -> _Asked:
        (token_id,) = subject_of(self._site, Way.CONFIRM, token)
        with self._site.store.register() as register:
            kept = register.addresses.token(token_id)
        if kept is None:
            raise ForgottenError
        return _Asked(token=kept, subscriber=reader(self._site, kept.subscriber_id))

    def _question(self, token: str, subscriber: Subscriber, kept: Token) -> HTMLResponse:
        wishes = kept.wishes
        if wishes and wishes.profile == Profile():  # a form without interests keeps those known
            wishes = replace(wishes, profile=subscriber.profile)
        asking = asking_for(subscriber, wishes) if wishes else subscriber
        return self._site.pages.page(
            "confirm.html.j2",
            token=token,
            address=subscriber.email,
            interests=interests_phrase(asking.profile),
            papers=asking.profile.max_papers,
            rhythm=rhythm(asking),
            consent=self._site.settings.consent,
            at_once=not self._site.chooser.pool.sample,
        )

    def _spent(self, asked: _Asked) -> HTMLResponse:
        """The link counted before, or it is too old; each with the way out."""
        subscribed = asked.subscriber is not None and is_subscribed(asked.subscriber.status)
        used = asked.token.used_at is not None
        return self._site.pages.page(
            "confirm_spent.html.j2",
            status=200 if subscribed else 410,
            subscribed=subscribed,
            used=used,
        )

    def _again(self, token: str, now: datetime) -> HTMLResponse:
        """A second POST changes nothing; in the same visit it is answered like the first.

        With a double click that one may still be at work: what it did is read anew, and what it
        has not done yet is done here.
        """
        asked = self._read(token)
        subscriber, used_at = asked.subscriber, asked.token.used_at
        if subscriber is None or not is_subscribed(subscriber.status):
            return self._spent(asked)
        if used_at is None or now - used_at > _SAME_VISIT:
            return self._spent(asked)
        edition = edition_at(subscriber, used_at)
        digest = self._made(subscriber, edition)
        if digest is None and self._is_missing(subscriber, edition):
            digest = self._first_digest(subscriber, edition, now)
        return self._welcome(subscriber, digest, now)

    def _first_digest(self, subscriber: Subscriber, edition: str, now: datetime) -> Digest | None:
        """Made at once and queued. Whatever goes wrong here, they have confirmed."""
        try:
            made = self._compose(subscriber, edition, now)
        except Exception:  # noqa: BLE001 - they have confirmed; the page must say so
            _log.exception("a first digest could not be made")
            return None
        return made or self._made(subscriber, edition)

    def _compose(self, subscriber: Subscriber, edition: str, now: datetime) -> Digest | None:
        site, pool = self._site, self._site.chooser.pool
        if pool.sample:
            return None
        with site.store.register() as register:
            known = register.digests.last_of(subscriber.id) is not None
        return compose(
            site.store,
            replace(subscriber, profile=site.subscriptions.taste(subscriber.id, now=now)),
            pool,
            edition=edition,
            now=now,
            notes=(_AGAIN if known else _FIRST, _STEER),
        )

    def _made(self, subscriber: Subscriber, edition: str) -> Digest | None:
        """The digest of that edition or a later one, whoever made it."""
        with self._site.store.register() as register:
            last = register.digests.last_of(subscriber.id)
        return last if last and last.edition >= edition else None

    def _is_missing(self, subscriber: Subscriber, edition: str) -> bool:
        """Nobody looked yet whether something fits."""
        with self._site.store.register() as register:
            (history,) = register.digests.histories([subscriber.id]).values()
        return subscriber.status is Status.ACTIVE and edition not in history.quiet

    def _welcome(
        self, subscriber: Subscriber, digest: Digest | None, now: datetime
    ) -> HTMLResponse:
        picks = digest.picks if digest else ()
        return self._site.pages.page(
            "welcome.html.j2",
            address=subscriber.email,
            interests=interests_phrase(subscriber.profile),
            papers=subscriber.profile.max_papers,
            rhythm=rhythm(subscriber),
            next_digest=next_digest(subscriber, now, today_is_made=digest is not None),
            cards=[card_of(pick, n, abstract=_ABSTRACT) for n, pick in enumerate(picks, start=1)],
            no_papers_yet=self._site.chooser.pool.sample,
            preferences=path(self._site, Way.PREFERENCES, subscriber.id),
        )
