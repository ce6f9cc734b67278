"""The use cases of one reader; each is one transaction, decided by `rules`, at an instant given."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from newsletter.delivery import Delivery, Errand
from newsletter.errors import SubscriptionError, TokenError
from newsletter.membership import Consent, Purpose, Token, Wishes, asking_for, one_line
from newsletter.model import Feedback, Profile, Status, Subscriber, Verdict
from newsletter.selection.learn import with_votes
from newsletter.store import Kept, Newcomer, Register, Store, Suppressed
from newsletter.subscriptions import rules
from newsletter.subscriptions.dossier import dossier
from newsletter.subscriptions.mailbox import Mailbox, mailbox
from newsletter.subscriptions.moves import (
    ask_for,
    clean,
    due_again,
    entering,
    known,
    move,
    refuse_suppressed,
    returning,
    today_of,
)
from newsletter.subscriptions.rules import Event


def new_id() -> str:
    """An id nobody can guess."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a filled-in form leads to; the person at the form must see the same in every case.

    Attributes:
        mail: which mail must leave now; `None` for none.
        token_id: of the token that the mail carries in a signed link.
    """

    mail: Purpose | None = None
    subscriber: Subscriber | None = None
    token_id: str = ""


class Subscriptions:
    """Everything a reader or the operator can do with a subscription.

    Every method may raise StoreError; those that name a subscriber raise SubscriptionError when
    there is none or where they stand does not allow it.
    """

    def __init__(
        self,
        store: Store,
        *,
        make_id: Callable[[], str] = new_id,
        make_token: Callable[[], str] = new_id,
    ) -> None:
        self._store = store
        self._make_id = make_id
        self._make_token = make_token

    # -- coming

    def subscribe(
        self, email: str, wishes: Wishes | None, consent: Consent, *, now: datetime
    ) -> Asked:
        """The public form. Nobody's standing or interests change before the mailbox confirms.

        Raises:
            AddressError: the text is no address.
        """
        box = mailbox(email)
        with self._store.changing_register() as register:
            kept = register.by_key(box.key)
            mail = rules.mail_for(
                kept.subscriber.status if kept else None,
                suppressed=register.addresses.suppressed(box.key) is not None,
            )
            history = register.addresses.tokens_of(box.key)
            if mail is None or not rules.may_issue(history, mail, now):
                return Asked()
            subscriber = kept.subscriber if kept else self._new(register, box, wishes, consent, now)
            return self._issue(register, box, subscriber, mail, wishes, now)

    def remind(self, email: str, *, now: datetime) -> Asked:
        """Somebody lost their link: it is mailed to them again, within the same limits.

        Raises:
            AddressError: the text is no address.
        """
        box = mailbox(email)
        with self._store.changing_register() as register:
            kept = register.by_key(box.key)
            history = register.addresses.tokens_of(box.key)
            mail = rules.reminder_for(kept.subscriber.status) if kept else None
            if kept is None or mail is None or not rules.may_issue(history, mail, now):
                return Asked()
            said = next((token.wishes for token in reversed(history) if token.wishes), None)
            return self._issue(register, box, kept.subscriber, mail, said, now)

    def confirm(self, token_id: str, consent: Consent, *, now: datetime) -> Subscriber:
        """The button behind the mailed link: what the form said becomes true.

        Raises:
            TokenError: the link is forged, used or too old.
        """
        with self._store.changing_register() as register:
            token = register.addresses.token(token_id)
            problem = rules.refusal(token, Purpose.CONFIRM, now)
            kept = register.by_id(token.subscriber_id) if token else None
            if problem or token is None or kept is None:
                raise TokenError(problem or "this link is not one of ours")
            register.addresses.use_token(token_id, now)
            kept = move(register, kept, Event.CONFIRM, now)
            register.keep_consent(kept.subscriber.id, clean(consent))
            return ask_for(register, kept, returning(token.wishes, kept.subscriber), now)

    def enrol(
        self,
        email: str,
        wishes: Wishes | None,
        consent: Consent | None,
        *,
        now: datetime,
        lift: bool = False,
    ) -> Subscriber:
        """The operator enters somebody: active with their consent, else pending.

        Args:
            lift: the operator knows that a suppressed person asked anew.

        Raises:
            SubscriptionError: they are subscribed already, or must not be mailed.
        """
        box = mailbox(email)
        with self._store.changing_register() as register:
            refuse_suppressed(register, box, lift=lift and consent is not None)
            kept = register.by_key(box.key)
            if kept is None:
                register.addresses.lift(box.key)
                return self._new(register, box, wishes, consent, now, confirmed=consent is not None)
            event = entering(kept.subscriber, consent)
            kept = move(register, kept, event, now)
            if consent:
                register.keep_consent(kept.subscriber.id, clean(consent))
            return ask_for(register, kept, wishes, now)

    def come_back(self, subscriber_id: str, consent: Consent, *, now: datetime) -> Subscriber:
        """Somebody who left, proven by their signed link, returns to the profile they had."""
        with self._changing(subscriber_id) as (register, kept):
            kept = move(register, kept, Event.COME_BACK, now)
            register.keep_consent(subscriber_id, clean(consent))
            return kept.subscriber

    # -- staying

    def change(
        self, subscriber_id: str, wishes: Wishes, *, now: datetime, seen: int | None = None
    ) -> Subscriber:
        """Other interests, another rhythm; the former profile stays as a version.

        Args:
            seen: the version of the profile that the wishes were made from. What was followed,
                muted or dropped elsewhere since then stays so.
        """
        with self._changing(subscriber_id) as (register, kept):
            if seen is not None and seen != kept.version:
                former = {one.version: one.profile for one in register.profiles(subscriber_id)}
                base = former.get(seen, kept.subscriber.profile)
                merged = rules.merged(base, kept.subscriber.profile, wishes.profile)
                wishes = replace(wishes, profile=merged)
            return ask_for(register, kept, wishes, now)

    def version(self, subscriber_id: str) -> int:
        """The number of their present profile."""
        with self._store.register() as register:
            return known(register, subscriber_id).version

    def pause(self, subscriber_id: str, until: date, *, now: datetime) -> Subscriber:
        """No digest before that day."""
        with self._changing(subscriber_id) as (register, kept):
            today = today_of(kept.subscriber, now)
            if until <= today:
                raise SubscriptionError(f"a pause must end after today, {today}; {until} does not")
            return move(register, kept, Event.PAUSE, now, until=until).subscriber

    def resume(self, subscriber_id: str, *, now: datetime) -> Subscriber:
        """The pause ends now."""
        return self._happens(subscriber_id, Event.RESUME, now)

    def resume_due(self, *, now: datetime) -> tuple[Subscriber, ...]:
        """Ends every pause whose day has come; safe to repeat."""
        with self._store.changing_register() as register:
            paused = list(register.all(status=Status.PAUSED))
            return tuple(
                move(register, kept, Event.RESUME, now).subscriber
                for kept in paused
                if rules.pause_is_over(kept.subscriber, now)
            )

    def rate(
        self, subscriber_id: str, paper_id: str, verdict: Verdict, *, now: datetime
    ) -> Feedback:
        """More or less like this paper; a second vote replaces the first."""
        with self._changing(subscriber_id) as (register, _):
            if not register.has_paper(paper_id):
                raise SubscriptionError("there is no such paper to vote on")
            vote = Feedback(subscriber_id=subscriber_id, paper_id=paper_id, verdict=verdict, at=now)
            register.vote(vote)
            return vote

    def undo(self, subscriber_id: str, paper_id: str) -> bool:
        """Takes a vote back; false if there was none."""
        with self._changing(subscriber_id) as (register, _):
            return register.unvote(subscriber_id, paper_id)

    def votes(self, subscriber_id: str) -> tuple[Feedback, ...]:
        """Every vote that stands, oldest first."""
        with self._store.register() as register:
            return register.votes(subscriber_id)

    def forget_votes(self, subscriber_id: str) -> int:
        """Takes every vote back; how many there were."""
        with self._changing(subscriber_id) as (register, _):
            return sum(
                register.unvote(subscriber_id, vote.paper_id)
                for vote in register.votes(subscriber_id)
            )

    def taste(self, subscriber_id: str, *, now: datetime) -> Profile:
        """The profile with the votes in it: what picks are chosen by."""
        with self._store.register() as register:
            profile = known(register, subscriber_id).subscriber.profile
            return with_votes(profile, register.votes(subscriber_id), now=now)

    def follow(
        self, subscriber_id: str, author: str, *, now: datetime, stop: bool = False
    ) -> Subscriber:
        """The author of a paper is followed from now on, or not any more."""
        with self._changing(subscriber_id) as (register, kept):
            profile = rules.following(kept.subscriber.profile, one_line(author), stop=stop)
            return ask_for(register, kept, rules.changed(kept.subscriber, profile), now)

    def mute(
        self, subscriber_id: str, word: str, *, now: datetime, stop: bool = False
    ) -> Subscriber:
        """Papers about this never appear from now on, or may again."""
        with self._changing(subscriber_id) as (register, kept):
            profile = rules.muting(kept.subscriber.profile, one_line(word), stop=stop)
            return ask_for(register, kept, rules.changed(kept.subscriber, profile), now)

    # -- leaving

    def unsubscribe(self, subscriber_id: str, *, now: datetime, reason: str = "") -> Subscriber:
        """No more digests. Again: nothing but the reason, if one is given now (RFC 8058)."""
        return self._happens(subscriber_id, Event.UNSUBSCRIBE, now, reason)

    def bounce(self, subscriber_id: str, *, now: datetime, detail: str = "") -> Subscriber:
        """The mailbox is gone for good (a permanent failure, RFC 3463 class 5)."""
        return self._happens(subscriber_id, Event.BOUNCE, now, detail)

    def complain(self, subscriber_id: str, *, now: datetime, detail: str = "") -> Subscriber:
        """They called a mail of ours spam; only they themselves can come back."""
        return self._happens(subscriber_id, Event.COMPLAIN, now, detail)

    def forget(self, subscriber_id: str, *, now: datetime) -> None:
        """Erases everything about them but a salted hash, so that nobody mails them again."""
        with self._changing(subscriber_id) as (register, kept):
            register.erase([subscriber_id])
            register.addresses.drop_tokens(kept.key)
            register.addresses.suppress(kept.key, Suppressed.FORGOTTEN, now)

    def purge_unconfirmed(self, *, now: datetime) -> int:
        """Erases those who did not confirm in time, and what forms said; answers how many."""
        with self._store.changing_register() as register:
            gone = register.unconfirmed(since=now - rules.TOKEN_LIFE, now=now)
            register.erase(gone)
            register.addresses.forget_unanswered(now)
            return len(gone)

    # -- looking

    def find(self, email: str) -> Subscriber:
        """The subscriber with this address, however it is spelled; or with this id, as logs name them.

        Raises:
            AddressError, SubscriptionError: it is no address, or nobody's.
        """
        with self._store.register() as register:
            if "@" not in email and (named := register.by_id(email.strip())):
                return named.subscriber
        box = mailbox(email)
        with self._store.register() as register:
            kept = register.by_key(box.key)
        if kept is None:
            raise SubscriptionError(f"{box.written} is not subscribed")
        return kept.subscriber

    def knows(self, email: str) -> bool:
        """Whether somebody with this address is kept, wherever they stand."""
        box = mailbox(email)
        with self._store.register() as register:
            return register.by_key(box.key) is not None

    def get(self, subscriber_id: str) -> Subscriber:
        """The subscriber with this id."""
        with self._store.register() as register:
            return known(register, subscriber_id).subscriber

    def all(self, *, status: Status | None = None) -> tuple[Subscriber, ...]:
        """Everybody, or those of one standing, by address."""
        with self._store.register() as register:
            return tuple(kept.subscriber for kept in register.all(status=status))

    def export(self, subscriber_id: str) -> dict[str, Any]:
        """Everything kept about one person, ready for JSON (GDPR articles 15 and 20)."""
        with self._store.register() as register:
            return dossier(register, known(register, subscriber_id))

    # -- hands

    def _new(
        self,
        register: Register,
        box: Mailbox,
        wishes: Wishes | None,
        consent: Consent | None,
        now: datetime,
        *,
        confirmed: bool = False,
    ) -> Subscriber:
        blank = Subscriber(
            id=self._make_id(),
            email=box.written,
            status=Status.ACTIVE if confirmed else Status.PENDING,
        )
        subscriber = asking_for(blank, wishes or Wishes())
        if confirmed:
            subscriber = due_again(replace(subscriber, since=today_of(subscriber, now)), now)
        agreed = clean(consent) if consent else None
        register.insert([Newcomer(subscriber=subscriber, key=box.key, consent=agreed)], now)
        return subscriber

    def _issue(
        self,
        register: Register,
        box: Mailbox,
        subscriber: Subscriber,
        purpose: Purpose,
        wishes: Wishes | None,
        now: datetime,
    ) -> Asked:
        confirming = purpose is Purpose.CONFIRM
        token = Token(
            id=self._make_token(),
            purpose=purpose,
            subscriber_id=subscriber.id,
            issued_at=now,
            expires_at=now + rules.TOKEN_LIFE,
            wishes=wishes if confirming else None,
        )
        register.addresses.keep_token(box.key, token)
        register.outbox.add(
            Delivery(
                id=token.id,
                errand=Errand(purpose),
                subscriber_id=subscriber.id,
                created_at=now,
                next_attempt_at=now,
            )
        )
        return Asked(mail=purpose, subscriber=subscriber, token_id=token.id)

    def _happens(
        self, subscriber_id: str, event: Event, now: datetime, reason: str = ""
    ) -> Subscriber:
        with self._changing(subscriber_id) as (register, kept):
            return move(register, kept, event, now, reason=reason).subscriber

    @contextmanager
    def _changing(self, subscriber_id: str) -> Iterator[tuple[Register, Kept]]:
        with self._store.changing_register() as register:
            yield register, known(register, subscriber_id)
