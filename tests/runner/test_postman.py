"""The postman: woken when mail waits, alone at his work, and gone in time when the house closes."""

from __future__ import annotations

import logging
from threading import Event

import pytest
from runner_world import START

from newsletter.delivery import Delivery, DeliveryState, Errand, Outcome, Result
from newsletter.errors import StoreError
from newsletter.journal import Journal
from newsletter.postman import Postman, listener

WAIT_SECONDS = 30


def postman(*rounds, **options) -> Postman:
    return Postman(rounds, stopping=Event(), **options)


def delivery() -> Delivery:
    return Delivery(
        id="d-17",
        errand=Errand.DIGEST,
        subscriber_id="s1",
        created_at=START,
        next_attempt_at=START,
        state=DeliveryState.SENDING,
    )


def test_who_is_woken_works_at_once():
    worked = Event()

    def work() -> float:
        worked.set()
        return WAIT_SECONDS * 10

    at_work = postman(work, pause_seconds=WAIT_SECONDS * 10)
    at_work.start()
    assert worked.wait(WAIT_SECONDS)
    worked.clear()

    at_work.wake()

    assert worked.wait(WAIT_SECONDS)
    assert at_work.stop(seconds=WAIT_SECONDS)


def test_who_has_more_to_do_goes_on_without_being_woken():
    rounds = []
    done = Event()

    def work() -> float:
        rounds.append(1)
        if len(rounds) < 3:
            return 0.0
        done.set()
        return WAIT_SECONDS * 10

    at_work = postman(work, pause_seconds=WAIT_SECONDS * 10)
    at_work.start()

    assert done.wait(WAIT_SECONDS)
    assert at_work.stop(seconds=WAIT_SECONDS)


@pytest.mark.parametrize("trouble", [StoreError("locked"), KeyError("boom")])
def test_a_round_that_fails_is_followed_by_another(trouble):
    rounds = []
    done = Event()

    def once() -> float:
        rounds.append(1)
        if len(rounds) >= 3:
            done.set()
            return WAIT_SECONDS * 10
        raise trouble

    at_work = postman(once, pause_seconds=0.01)
    at_work.start()
    assert done.wait(WAIT_SECONDS)
    at_work.stop()


def test_who_only_stands_by_does_not_say_that_the_work_goes_on(caplog):
    """A worker whose database is gone has no part of the rates a moment later."""
    ends = iter(["gone", None, "gone", None])
    done = Event()

    def work() -> float | None:
        words = next(ends, "")
        if words:
            raise StoreError(words)
        if words == "":
            done.set()
        return None

    at_work = postman(work, pause_seconds=0.0)
    at_work.start()
    assert done.wait(WAIT_SECONDS)
    assert at_work.stop(seconds=WAIT_SECONDS)

    assert [record.getMessage() for record in caplog.records] == ["the postman: gone"]


def test_the_same_trouble_is_told_once_and_once_that_it_is_over(caplog):
    ends = iter(["gone", "gone", "gone", "full", "", ""])
    done = Event()

    def work() -> float:
        words = next(ends, None)
        if words:
            raise StoreError(words)
        if words is None:
            done.set()
        return 0.0

    at_work = postman(work, pause_seconds=0.0)
    at_work.start()
    assert done.wait(WAIT_SECONDS)
    assert at_work.stop(seconds=WAIT_SECONDS)

    assert [record.getMessage() for record in caplog.records] == [
        "the postman: gone",
        "the postman: full",
        "the postman goes on",
    ]


def test_one_connection_that_hangs_holds_up_neither_the_others_nor_the_end():
    begun, release, worked = Event(), Event(), Event()

    def hangs() -> float:
        begun.set()
        release.wait(WAIT_SECONDS)
        return 0.0

    def works() -> float:
        begun.wait(WAIT_SECONDS)
        worked.set()
        return WAIT_SECONDS

    at_work = postman(hangs, works)
    at_work.start()
    assert worked.wait(WAIT_SECONDS)

    assert not at_work.stop(seconds=0.05)
    release.set()
    assert at_work.stop(seconds=WAIT_SECONDS)


def test_every_outcome_is_counted_and_told_by_the_id_of_the_mail_alone(caplog):
    journal = Journal(START)
    heard = listener(journal, lambda: START)
    taken = Outcome(result=Result.ACCEPTED, reply=250, detail="taken")
    refused = Outcome(result=Result.REJECTED, reply=550, status="5.1.1", detail="RCPT TO: unknown")
    with caplog.at_level(logging.INFO):
        heard(delivery(), taken)
        heard(delivery(), refused)

    assert [(r.levelname, r.getMessage(), r.delivery, r.reply) for r in caplog.records] == [
        ("INFO", "mail accepted: taken", "d-17", 250),
        ("WARNING", "mail rejected: RCPT TO: unknown", "d-17", 550),
    ]
    assert dict(journal.mails) == {
        Result.ACCEPTED: 1,
        Result.DEFERRED: 0,
        Result.REJECTED: 1,
    }


def test_a_mail_that_was_let_go_tells_the_log_and_nothing_of_the_relay(caplog):
    journal = Journal(START)
    let_go = Outcome(result=Result.DEFERRED, detail="this process stood still", let_go=True)

    listener(journal, lambda: START)(delivery(), let_go)

    assert "this process stood still" in caplog.text
    assert (journal.mails, journal.relay) == (Journal(START).mails, Journal(START).relay)
