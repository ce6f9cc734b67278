"""What becomes of a delivery after each outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from newsletter.delivery import Delivery, DeliveryState, Errand, Outcome, Result
from newsletter.mail.outbox import Retries, after, cancelled, patience

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
TOMORROW = NOON + timedelta(days=1)


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
    end = after(attempted(), Outcome(result=Result.ACCEPTED, reply=250), NOON, until=TOMORROW)

    assert (end.state, end.sent_at) == (DeliveryState.SENT, NOON)


def test_a_refused_mail_has_failed_with_the_words_of_the_relay():
    refusal = Outcome(result=Result.REJECTED, reply=550, status="5.1.1", detail="no such user")
    end = after(attempted(), refusal, NOON, until=TOMORROW)

    assert (end.state, end.last_error) == (DeliveryState.FAILED, "550 5.1.1 no such user")


@pytest.mark.parametrize(
    ("errand", "minutes"), [(Errand.DIGEST, 30), (Errand.CONFIRM, 1), (Errand.SETTINGS, 1)]
)
def test_a_deferred_mail_is_tried_again_sooner_when_somebody_waits_for_it(errand, minutes):
    end = after(attempted(errand), Outcome(result=Result.DEFERRED), NOON, until=TOMORROW)

    assert end.state is DeliveryState.DEFERRED
    assert end.next_attempt_at == NOON + timedelta(minutes=minutes)


def test_a_mail_that_was_let_go_may_leave_at_once_and_no_attempt_counts():
    let_go = Outcome(result=Result.DEFERRED, detail="stood still", let_go=True)
    end = after(attempted(attempts=2), let_go, NOON + timedelta(hours=1), until=TOMORROW)

    assert (end.state, end.next_attempt_at) == (DeliveryState.QUEUED, NOON)
    assert (end.attempts, end.last_error) == (1, "")


@pytest.mark.parametrize("errand", list(Errand))
def test_waits_grow_until_a_last_try_shortly_before_the_end(errand):
    now, tries = NOON, []
    for attempts in range(1, 50):
        end = after(
            attempted(errand, attempts), Outcome(result=Result.DEFERRED), now, until=TOMORROW
        )
        if end.state is DeliveryState.FAILED:
            break
        tries.append(end.next_attempt_at)
        now = end.next_attempt_at

    assert end.state is DeliveryState.FAILED
    assert tries == sorted(set(tries))
    assert tries[-1] == TOMORROW - timedelta(minutes=10)


def test_a_digest_is_given_up_when_the_next_one_is_due_and_a_letter_after_two_days():
    soon = NOON + timedelta(hours=20)

    assert patience(attempted(), soon) == soon
    assert patience(attempted(), None) == NOON + timedelta(hours=48)
    assert patience(attempted(), NOON + timedelta(days=7)) == NOON + timedelta(hours=48)
    assert patience(attempted(Errand.CONFIRM), soon) == NOON + timedelta(hours=48)


def test_a_cancelled_mail_says_why():
    end = cancelled(attempted(), "the subscriber is unsubscribed")

    assert end.state is DeliveryState.CANCELLED
    assert end.last_error == "the subscriber is unsubscribed"


def test_an_operator_may_wait_otherwise():
    own = Retries(
        digest_waits=(timedelta(minutes=5), timedelta(hours=3)),
        letter_waits=(timedelta(seconds=10),),
        give_up_after=timedelta(hours=12),
    )
    put_off, waits = Outcome(result=Result.DEFERRED), []
    for errand, attempts in ((Errand.DIGEST, 1), (Errand.DIGEST, 9), (Errand.CONFIRM, 1)):
        end = after(attempted(errand, attempts), put_off, NOON, until=TOMORROW, retries=own)
        waits.append(end.next_attempt_at - NOON)

    assert waits == [timedelta(minutes=5), timedelta(hours=3), timedelta(seconds=10)]
    assert patience(attempted(), TOMORROW, own) == NOON + timedelta(hours=12)
    assert patience(attempted(), NOON + timedelta(hours=2), own) == NOON + timedelta(hours=2)
