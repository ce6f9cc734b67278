"""Life of a delivery: the outcome of an attempt -> its next state and time (pure).

An end keeps the lease of the claim under which it was reached: by it the store knows whether that
claim still holds when the end is written down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from newsletter.delivery import Delivery, DeliveryState, Errand, Outcome, Result
from newsletter.mail.failures import is_permanent, status_in
from newsletter.making import maker

LEASE = timedelta(minutes=10)

_ended = maker(Delivery)
_CROWDED_OUT = "the pace left no room for it in time"
_LAST_TRY = timedelta(minutes=10)  # before a mail is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """When a mail that was put off is tried again, and when it is given up.

    Attributes:
        digest_waits: from one try to the next; the last repeats. RFC 5321 section 4.5.4.1 asks for
            30 minutes.
        letter_waits: the same for what somebody waits for at a form.
        give_up_after: since it was written down; a digest is given up sooner when the next is due.
    """

    digest_waits: tuple[timedelta, ...]
    letter_waits: tuple[timedelta, ...]
    give_up_after: timedelta


USUAL = Retries(
    digest_waits=tuple(timedelta(minutes=m) for m in (30, 60, 120, 240)),
    letter_waits=tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240)),
    give_up_after=timedelta(hours=48),
)


def after(
    delivery: Delivery,
    outcome: Outcome,
    now: datetime,
    *,
    until: datetime,
    retries: Retries = USUAL,
    mark: str = "",
) -> Delivery:
    """The delivery after an attempt that ended so.

    An attempt at which no relay spoke of the mail does not count: one that is down for a day must
    not wear anybody's mail out. One that was let go may leave at once.

    Args:
        until: when to give up; see `patience`.
        mark: the fingerprint of what was handed over.
    """
    if outcome.result is Result.ACCEPTED:
        return _sent(delivery, now, mark)
    if outcome.let_go:
        return given_back(delivery)
    is_open = outcome.result is Result.DEFERRED
    again = _again_at(delivery, now, until, retries) if is_open else None
    said = " ".join(filter(None, (str(outcome.reply or ""), outcome.status, outcome.detail)))
    return replace(
        delivery,
        state=DeliveryState.DEFERRED if again else DeliveryState.FAILED,
        attempts=delivery.attempts - outcome.unserved,
        next_attempt_at=again or now,
        last_error=said,
        fingerprint=mark,
    )


def _sent(delivery: Delivery, now: datetime, mark: str) -> Delivery:
    # What `replace` does takes longer than all else that is noted of a mail.
    return _ended(
        delivery.id,
        delivery.errand,
        delivery.subscriber_id,
        delivery.created_at,
        delivery.next_attempt_at,
        DeliveryState.SENT,
        delivery.attempts,
        delivery.leased_until,
        "",
        now,
        mark,
    )


def patience(delivery: Delivery, next_due: datetime | None, retries: Retries = USUAL) -> datetime:
    """When to give a mail up: after its time, and a digest when the next edition is due."""
    end = delivery.created_at + retries.give_up_after
    if delivery.errand is Errand.DIGEST and next_due and next_due > delivery.created_at:
        return min(end, next_due)
    return end


def given_back(delivery: Delivery, at: datetime | None = None) -> Delivery:
    """A claim that was not begun: somebody else may take it, from `at` on where that is given."""
    return replace(
        delivery,
        state=DeliveryState.QUEUED,
        attempts=delivery.attempts - 1,
        next_attempt_at=at or delivery.next_attempt_at,
    )


def kept_waiting(delivery: Delivery, at: datetime, now: datetime, *, until: datetime) -> Delivery:
    """A claim that the pace does not let leave before `at`; given up once its time is over."""
    if now < until:
        return given_back(delivery, min(at, until))
    return replace(
        delivery,
        state=DeliveryState.FAILED,
        attempts=delivery.attempts - 1,
        next_attempt_at=now,
        last_error=_CROWDED_OUT,
    )


def crowded_out(delivery: Delivery) -> bool:
    """Whether the pace left no room for it in time."""
    return delivery.state is DeliveryState.FAILED and delivery.last_error == _CROWDED_OUT


def no_such_mailbox(delivery: Delivery) -> bool:
    """Whether the relay refused it because nobody has this address."""
    said = delivery.last_error
    return delivery.state is DeliveryState.FAILED and is_permanent(status_in(said), said)


def cancelled(delivery: Delivery, why: str) -> Delivery:
    """The delivery that must not take place any more."""
    return replace(delivery, state=DeliveryState.CANCELLED, last_error=why)


def _again_at(
    delivery: Delivery, now: datetime, until: datetime, retries: Retries
) -> datetime | None:
    """When to try again; there is a last try shortly before the end."""
    is_digest = delivery.errand is Errand.DIGEST
    waits = retries.digest_waits if is_digest else retries.letter_waits
    again = now + waits[min(delivery.attempts, len(waits)) - 1]
    last = until - _LAST_TRY
    if again <= last:
        return again
    return last if now < last else None


def still_ours(
    delivery: Delivery, now: Callable[[], datetime], *, is_shared: bool
) -> Callable[[], bool]:
    """Whether it is still ours alone: who was frozen beyond the lease goes on where they stood."""
    until = delivery.leased_until
    return lambda: not is_shared or until is None or now() < until
