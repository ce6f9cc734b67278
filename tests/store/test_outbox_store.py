"""Mails on their way: who may take them, and whose word counts in the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from blank_store import blank_store

from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.mail.outbox import given_back
from newsletter.model import Subscriber
from newsletter.store import Newcomer, open_store

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path):
    opened = open_store(blank_store(tmp_path / "n.db"))
    with opened.changing_register() as register:
        someone = Subscriber(id="s1", email="r1@x.org")
        register.insert([Newcomer(subscriber=someone, key=someone.email)], NOON)
    yield opened
    opened.close()


def mail(name, errand=Errand.DIGEST, **facts) -> Delivery:
    usual = {"subscriber_id": "s1", "created_at": NOON, "next_attempt_at": NOON}
    return Delivery(**({"id": name, "errand": errand} | usual | facts))


def queue(store, *mails):
    with store.changing_register() as register:
        for one in mails:
            register.outbox.add(one)


def claim(store, now=NOON, most=10):
    with store.changing_register() as register:
        return register.outbox.claim(now, most=most, lease=10 * MINUTE)


def record(store, *ends):
    with store.changing_register() as register:
        register.outbox.record(ends)


def get(store, name):
    with store.register() as register:
        return register.outbox.get(name)


def test_letters_are_claimed_before_digests_that_wait_for_longer(store):
    digests = [mail(f"d{n}", next_attempt_at=NOON - n * MINUTE) for n in range(5)]
    queue(store, *digests, mail("confirm", Errand.CONFIRM), mail("settings", Errand.SETTINGS))

    assert [one.id for one in claim(store, most=3)] == ["confirm", "settings", "d4"]
    assert [one.id for one in claim(store)] == ["d3", "d2", "d1", "d0"]


def test_retries_and_mails_of_the_vanished_are_claimed_by_their_age_like_all_others(store):
    queue(
        store,
        mail("new", next_attempt_at=NOON - MINUTE),
        mail("again", next_attempt_at=NOON - 2 * MINUTE, state=DeliveryState.DEFERRED, attempts=1),
        mail(
            "left",
            next_attempt_at=NOON - 3 * MINUTE,
            state=DeliveryState.SENDING,
            leased_until=NOON - MINUTE,
            attempts=1,
        ),
    )

    claimed = claim(store)
    assert [(one.id, one.attempts) for one in claimed] == [("left", 2), ("again", 2), ("new", 1)]
    assert claimed == tuple(get(store, one.id) for one in claimed)


def test_a_claim_that_is_given_back_counts_no_attempt_and_waits_until_its_time(store):
    queue(store, mail("d1"), mail("d2"))
    first, second = claim(store)
    record(store, given_back(first), given_back(second, NOON + MINUTE))

    assert get(store, "d1") == mail("d1")
    assert [one.id for one in claim(store)] == ["d1"]
    assert [one.id for one in claim(store, NOON + MINUTE)] == ["d2"]


def test_that_a_relay_took_a_mail_counts_whoever_has_it_now(store):
    queue(store, mail("d1"))
    (late,) = claim(store)
    claim(store, NOON + 10 * MINUTE)  # somebody took it over
    record(store, replace(late, state=DeliveryState.SENT, sent_at=NOON))
    record(store, replace(late, state=DeliveryState.DEFERRED, last_error="451"))

    end = get(store, "d1")
    assert (end.state, end.sent_at, end.last_error) == (DeliveryState.SENT, NOON, "")


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.DEFERRED])
def test_any_other_end_counts_only_while_the_mail_is_claimed(store, state):
    queue(store, mail("d1"))
    (late,) = claim(store)
    record(store, given_back(late))
    record(store, replace(late, state=state, last_error="550"))

    assert get(store, "d1") == mail("d1")


def test_all_that_a_dead_process_had_in_hand_may_leave_at_once(store):
    queue(store, mail("d1"), mail("d2", next_attempt_at=NOON + MINUTE))
    claim(store)
    with store.changing_register() as register:
        assert register.outbox.free_all(NOON) == 1

    assert [one.id for one in claim(store)] == ["d1"]


def test_the_next_time_at_which_a_mail_may_leave_is_known(store):
    with store.register() as register:
        assert register.outbox.next_due_at() is None
    queue(
        store,
        mail("d1", next_attempt_at=NOON + 5 * MINUTE),
        mail("d2", next_attempt_at=NOON + 2 * MINUTE, state=DeliveryState.DEFERRED),
        mail("d3", state=DeliveryState.SENT),
    )
    with store.register() as register:
        assert register.outbox.next_due_at() == NOON + 2 * MINUTE


def test_mails_of_today_are_counted(store):
    queue(
        store,
        mail("d1", state=DeliveryState.SENT, sent_at=NOON),
        mail("d2", state=DeliveryState.SENT, sent_at=NOON - MINUTE),
        mail("d3", state=DeliveryState.FAILED),
    )
    with store.register() as register:
        assert register.outbox.sent_since(NOON) == 1
        assert register.outbox.sent_since(NOON - MINUTE) == 2


def test_mails_that_wait_for_their_pace_are_counted_and_are_not_late(store):
    hour = timedelta(hours=1)
    made = {"created_at": NOON - hour}
    queue(
        store,
        mail("paced", next_attempt_at=NOON + MINUTE, **made),
        mail("due", **made),
        mail("again", next_attempt_at=NOON + MINUTE, state=DeliveryState.DEFERRED, **made),
    )

    figures = store.figures(NOON, late=30 * MINUTE)
    assert (figures.paced, figures.unsent) == (1, 2)


def test_letters_are_found_by_an_index_of_their_own(store):
    asked = (
        "explain query plan select * from deliveries where state = 'queued' and "
        "next_attempt_at <= '2026' and errand <> 'digest' order by next_attempt_at limit 9"
    )
    with store._engine.connect() as connection:
        plan = " ".join(str(row) for row in connection.exec_driver_sql(asked))

    assert "ix_deliveries_letters" in plan
    assert "TEMP B-TREE" not in plan


def test_a_claim_that_is_held_for_longer_is_taken_over_later(store):
    queue(store, mail("d1"), mail("d2"))
    claimed = claim(store)
    until = NOON + 25 * MINUTE

    with store.changing_register() as register:
        assert register.outbox.renew(claimed, until) == {"d1", "d2"}
        assert register.outbox.renew(claimed, until) == frozenset(), "it is another lease now"

    assert claim(store, now=NOON + 20 * MINUTE) == ()
    assert len(claim(store, now=until)) == 2


def test_a_claim_that_somebody_else_took_over_is_not_held_for_longer(store):
    queue(store, mail("d1"), mail("d2"))
    late = claim(store)
    record(store, given_back(late[1]))
    claim(store, now=NOON + 11 * MINUTE, most=1)

    with store.changing_register() as register:
        assert register.outbox.renew(late, NOON + 30 * MINUTE) == frozenset()
