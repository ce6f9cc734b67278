"""The postman: woken when mail waits, alone at his work, and gone in time when the house closes."""

from __future__ import annotations

import logging
from threading import Event

import pytest
from runner_world import START

from newsletter.delivery import DeliveryState, Outcome, Result
from newsletter.errors import StoreError
from newsletter.journal import Journal
from newsletter.pipeline import deliver_due
from newsletter.web.postman import NotedTransport, Postman, StoppedError, mail_id

WAIT_SECONDS = 30
RAW = b"From: a@x.org\r\nMessage-ID: <d-17@papers.example>\r\n\r\nMessage-ID: <no@x>\r\n"


class Relay:
    """Answers one outcome; counts what it was given."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.outcome = outcome or Outcome(result=Result.ACCEPTED, reply=250, detail="taken")
        self.taken = 0
        self.closed = False

    def send(self, raw: bytes, *, sender: str, recipient: str) -> Outcome:
        self.taken += 1
        return self.outcome

    def close(self) -> None:
        self.closed = True


def noted(relay: Relay, journal: Journal, go_on: bool = True) -> NotedTransport:
    return NotedTransport(relay, journal, now=lambda: START, may_go_on=lambda: go_on)


def test_who_is_woken_works_at_once():
    worked = Event()
    postman = Postman(lambda: worked.set() or False, pause_seconds=WAIT_SECONDS * 10)
    postman.start()
    assert worked.wait(WAIT_SECONDS)
    worked.clear()

    postman.wake()

    assert worked.wait(WAIT_SECONDS)
    assert postman.stop(seconds=WAIT_SECONDS)


@pytest.mark.parametrize("trouble", [StoreError("locked"), KeyError("boom")])
def test_a_round_that_fails_is_followed_by_another(trouble):
    rounds = []
    done = Event()

    def once() -> bool:
        rounds.append(1)
        if len(rounds) >= 3:
            done.set()
            return False
        raise trouble

    postman = Postman(once, pause_seconds=0.01)
    postman.start()
    assert done.wait(WAIT_SECONDS)
    postman.stop()


def test_a_mail_that_hangs_does_not_hold_up_the_end():
    begun, release = Event(), Event()

    def hangs() -> bool:
        begun.set()
        release.wait(WAIT_SECONDS)
        return False

    postman = Postman(hangs)
    postman.start()
    assert begun.wait(WAIT_SECONDS)

    assert not postman.stop(seconds=0.05)
    release.set()
    assert postman.stop(seconds=WAIT_SECONDS)


def test_when_the_house_closes_no_further_mail_is_begun_and_none_counts_as_tried_in_vain(house):
    reader = house.reader()
    house.runner.ingest()
    house.later(minutes=31)
    house.runner.compose()
    relay, journal = Relay(), Journal(START)

    with pytest.raises(StoppedError):
        deliver_due(
            house.app.store,
            house.app.live_post,
            noted(relay, journal, go_on=False),
            now=house.app.now,
        )

    assert relay.taken == 0
    with house.app.store.register() as register:
        (digest,) = register.digests.of(reader.id)
        assert register.outbox.get(digest.id).state is DeliveryState.SENDING
    house.later(minutes=11)
    done = deliver_due(
        house.app.store, house.app.live_post, noted(relay, journal), now=house.app.now
    )
    assert (done.sent, relay.taken) == (1, 1)


def test_every_outcome_is_counted_and_told_by_the_id_of_the_mail_alone(caplog):
    journal = Journal(START)
    refused = Outcome(result=Result.REJECTED, reply=550, status="5.1.1", detail="RCPT TO: unknown")
    with caplog.at_level(logging.INFO):
        noted(Relay(), journal).send(RAW, sender="d@x.org", recipient="ines@reader.example")
        noted(Relay(refused), journal).send(RAW, sender="d@x.org", recipient="i@reader.example")

    assert [(r.levelname, r.getMessage(), r.delivery, r.reply) for r in caplog.records] == [
        ("INFO", "mail accepted: taken", "d-17", 250),
        ("WARNING", "mail rejected: RCPT TO: unknown", "d-17", 550),
    ]
    assert "reader.example" not in caplog.text
    assert dict(journal.mails) == {
        Result.ACCEPTED: 1,
        Result.DEFERRED: 0,
        Result.REJECTED: 1,
    }


def test_what_is_wrapped_is_closed():
    relay = Relay()
    noted(relay, Journal(START)).close()

    assert relay.closed


@pytest.mark.parametrize(
    ("raw", "found"),
    [(RAW, "d-17"), (b"A: b\r\n\r\nMessage-ID: <no@x>\r\n", ""), (b"", ""), (b"no end", "")],
)
def test_the_id_is_read_from_the_head_alone(raw, found):
    assert mail_id(raw) == found
