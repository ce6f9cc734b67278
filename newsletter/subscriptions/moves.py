"""One step of one subscriber inside a transaction: looked up in the table, then written down."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from newsletter.errors import SubscriptionError
from newsletter.membership import Consent, Wishes, asking_for, is_subscribed, one_line
from newsletter.model import Profile, Status, Subscriber
from newsletter.schedule import next_due, zone_of
from newsletter.store import Kept, Register, Suppressed
from newsletter.subscriptions.mailbox import Mailbox
from newsletter.subscriptions.rules import Event, next_status

SUPPRESSING = {Status.BOUNCED: Suppressed.BOUNCED, Status.COMPLAINED: Suppressed.COMPLAINED}
_LONGEST_REASON = 500
_COMING = (Event.CONFIRM, Event.COME_BACK)


def known(register: Register, subscriber_id: str) -> Kept:
    """The subscriber with this id.

    Raises:
        SubscriptionError: there is none.
    """
    kept = register.by_id(subscriber_id)
    if kept is None:
        raise SubscriptionError("there is no such subscriber (any more)")
    return kept


def move(
    register: Register,
    kept: Kept,
    event: Event,
    now: datetime,
    *,
    reason: str = "",
    until: date | None = None,
) -> Kept:
    """Where the event leads, with all that hangs on it: dates, suppression, open tokens.

    Raises:
        SubscriptionError: the event is not possible where they stand.
    """
    before = kept.subscriber
    status = next_status(before.status, event)
    if status is None:
        raise SubscriptionError(f"{before.email} is {before.status}: cannot {event}")
    moved = status is not before.status
    said = one_line(reason)[:_LONGEST_REASON]
    after = replace(
        kept,
        subscriber=due_again(
            replace(
                before,
                status=status,
                paused_until=until if status is Status.PAUSED else None,
                since=today_of(before, now) if moved and event in _COMING else before.since,
            ),
            now,
        ),
        status_at=now if moved else kept.status_at,
        status_reason=said or ("" if moved else kept.status_reason),
    )
    register.update(after)
    if moved:
        _suppress_or_lift(register, after, now)
        if event in _COMING:
            register.forget_soft_bounces(before.id)
    # Whoever acts has decided: a link mailed earlier must not decide otherwise later.
    register.addresses.end_tokens(kept.key, now)
    return after


def ask_for(register: Register, kept: Kept, wishes: Wishes | None, now: datetime) -> Subscriber:
    """Writes other wishes down; the former profile stays as a version."""
    if wishes is None:
        return kept.subscriber
    register.write_profile(kept, wishes.profile, now)
    after = due_again(asking_for(kept.subscriber, wishes), now)
    register.update(replace(kept, subscriber=after))
    return after


def due_again(subscriber: Subscriber, now: datetime) -> Subscriber:
    """The same with the next digest at its time; one that is overdue this moment stays due."""
    overdue = subscriber.next_due_at is not None and subscriber.next_due_at <= now
    if overdue and subscriber.status is Status.ACTIVE:
        return subscriber
    return replace(subscriber, next_due_at=next_due(subscriber, now))


def returning(wishes: Wishes | None, subscriber: Subscriber) -> Wishes | None:
    """What a form says; an empty profile in it keeps the one they had."""
    if wishes is not None and wishes.profile == Profile():
        return replace(wishes, profile=subscriber.profile)
    return wishes


def refuse_suppressed(register: Register, box: Mailbox, *, lift: bool) -> None:
    """Stops the operator from mailing somebody who must not be mailed.

    Raises:
        SubscriptionError: with why, and the way out.
    """
    why = register.addresses.suppressed(box.key)
    if why and not lift:
        raise SubscriptionError(
            f"{box.written} must not be mailed ({why}); if they themselves asked anew, "
            "lift the suppression and record their consent"
        )


def entering(subscriber: Subscriber, consent: Consent | None) -> Event:
    """How somebody we know can be entered again by the operator.

    Raises:
        SubscriptionError: they are subscribed, or nobody says that they agreed.
    """
    status = subscriber.status
    if is_subscribed(status):
        raise SubscriptionError(f"{subscriber.email} is subscribed already ({status})")
    if consent is None:
        raise SubscriptionError(f"{subscriber.email} is {status}; their consent is needed")
    return Event.CONFIRM if status is Status.PENDING else Event.COME_BACK


def clean(consent: Consent) -> Consent:
    """The consent as plain lines of text."""
    return replace(consent, origin=one_line(consent.origin), wording=one_line(consent.wording))


def today_of(subscriber: Subscriber, now: datetime) -> date:
    """The day it is where they live."""
    return now.astimezone(zone_of(subscriber.timezone)).date()


def _suppress_or_lift(register: Register, kept: Kept, now: datetime) -> None:
    reason = SUPPRESSING.get(kept.subscriber.status)
    if reason:
        register.addresses.suppress(kept.key, reason, now)
    else:
        register.addresses.lift(kept.key)
