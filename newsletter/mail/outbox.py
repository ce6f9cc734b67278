"""Life of a delivery: the outcome of an attempt -> its next state and time (pure)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from newsletter.model import Delivery, DeliveryState, Errand, Outcome, Result

LEASE = timedelta(minutes=10)

# Somebody waits at the form for these two; a digest may take its time (RFC 5321 section 4.5.4.1
# asks for 30 minutes).
_PATIENCE_OF_LETTERS = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240, 720))
_PATIENCE_OF_DIGESTS = tuple(timedelta(minutes=m) for m in (30, 60, 120, 240, 480))


def after(delivery: Delivery, outcome: Outcome, now: datetime) -> Delivery:
    """The delivery after an attempt that ended so."""
    if outcome.result is Result.ACCEPTED:
        return replace(
            delivery, state=DeliveryState.SENT, sent_at=now, leased_until=None, last_error=""
        )
    wait = _wait(delivery) if outcome.result is Result.DEFERRED else None
    said = " ".join(filter(None, (str(outcome.reply or ""), outcome.status, outcome.detail)))
    return replace(
        delivery,
        state=DeliveryState.FAILED if wait is None else DeliveryState.DEFERRED,
        next_attempt_at=now + (wait or timedelta()),
        leased_until=None,
        last_error=said,
    )


def cancelled(delivery: Delivery, why: str) -> Delivery:
    """The delivery that must not take place any more."""
    return replace(delivery, state=DeliveryState.CANCELLED, leased_until=None, last_error=why)


def _wait(delivery: Delivery) -> timedelta | None:
    """How long until the next attempt; `None` when patience is at its end."""
    waits = _PATIENCE_OF_DIGESTS if delivery.errand is Errand.DIGEST else _PATIENCE_OF_LETTERS
    return waits[delivery.attempts - 1] if delivery.attempts <= len(waits) else None
