"""What becomes of a delivery after each outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from newsletter.mail.outbox import after, cancelled
from newsletter.model import Delivery, DeliveryState, Errand, Outcome, Result

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)


def attempted(errand=Errand.DIGEST, attempts=1) -> Delivery:
    return Delivery(
        id="d1",
        errand=errand,
        subscriber_id="s1",
        created_at=NOON,
        next_attempt_at=NOON,
        state=DeliveryState.SENDING,
        attempts=attempts,
        leased_until=NOON + timedelta(minutes=10),
    )


def test_an_accepted_mail_is_sent_for_good():
    end = after(attempted(), Outcome(result=Result.ACCEPTED, reply=250), NOON)

    assert (end.state, end.sent_at, end.leased_until) == (DeliveryState.SENT, NOON, None)


def test_a_refused_mail_has_failed_with_the_words_of_the_relay():
    refusal = Outcome(result=Result.REJECTED, reply=550, status="5.1.1", detail="no such user")
    end = after(attempted(), refusal, NOON)

    assert (end.state, end.last_error) == (DeliveryState.FAILED, "550 5.1.1 no such user")


@pytest.mark.parametrize(
    ("errand", "minutes"), [(Errand.DIGEST, 30), (Errand.CONFIRM, 1), (Errand.SETTINGS, 1)]
)
def test_a_deferred_mail_is_tried_again_sooner_when_somebody_waits_for_it(errand, minutes):
    end = after(attempted(errand), Outcome(result=Result.DEFERRED), NOON)

    assert end.state is DeliveryState.DEFERRED
    assert end.next_attempt_at == NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize("errand", list(Errand))
def test_patience_grows_and_comes_to_an_end(errand):
    waits = []
    for attempts in range(1, 20):
        end = after(attempted(errand, attempts), Outcome(result=Result.DEFERRED), NOON)
        if end.state is DeliveryState.FAILED:
            break
        waits.append(end.next_attempt_at - NOON)

    assert end.state is DeliveryState.FAILED
    assert waits == sorted(waits)
    assert sum(waits, timedelta()) < timedelta(hours=24)


def test_a_cancelled_mail_says_why():
    end = cancelled(attempted(), "the subscriber is unsubscribed")

    assert (end.state, end.leased_until) == (DeliveryState.CANCELLED, None)
    assert end.last_error == "the subscriber is unsubscribed"
