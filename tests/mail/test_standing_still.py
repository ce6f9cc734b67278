"""A process that was frozen beyond its lease says nothing more of the mails it had in hand."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest
from playing_relay import MANNERS, Part, playing
from relay_server import relay_running

from newsletter.delivery import Result
from newsletter.mail.servers.dial import Relay, Security
from newsletter.mail.servers.smtp import SmtpTransport
from newsletter.mail.transport import Envelope

WAIT_MILLISECONDS = 20_000
MAIL = b"Subject: hello\r\n\r\nhello\r\n"


@pytest.fixture
def relay():
    with relay_running() as running:
        yield running


@pytest.fixture
def transport(relay) -> Iterator[SmtpTransport]:
    made = SmtpTransport(Relay(host="127.0.0.1", port=relay.port, security=Security.NONE))
    yield made
    made.close()


def mail(to: str, *, asked: int = 1_000) -> Envelope:
    """It is ours for so many questions."""
    answers = iter([True] * asked)
    return Envelope(
        MAIL, "b@newsletter.example", f"{to}@reader.example", is_ours=lambda: next(answers, False)
    )


@pytest.mark.parametrize("asked", [0, 1, 2, 3])
def test_a_mail_that_others_may_have_is_let_go_before_its_content(relay, transport, asked):
    (outcome,) = transport.carry([mail("ada", asked=asked)])

    assert outcome.result is Result.DEFERRED
    assert "stood still" in outcome.detail
    assert outcome.let_go
    assert not outcome.unserved  # else the next relay would get it at once
    assert relay.desk.mails == []


def test_a_connection_that_broke_meanwhile_is_not_opened_for_it_again(relay, transport):
    assert [one.result for one in transport.carry([mail("ada")])] == [Result.ACCEPTED]
    relay.desk.hang_up_at = "rcpt"

    (outcome,) = transport.carry([mail("ben", asked=2)])

    assert "stood still" in outcome.detail
    assert len(relay.desk.mails) == 1


def test_the_next_mail_leaves_over_a_new_connection(relay, transport):
    outcomes = transport.carry([mail("ada", asked=1), mail("ben")])

    assert [one.result for one in outcomes] == [Result.DEFERRED, Result.ACCEPTED]
    assert [one.rcpt_tos for one in relay.desk.mails] == [["ben@reader.example"]]


@pytest.mark.parametrize("offers", MANNERS.values(), ids=MANNERS)
@pytest.mark.parametrize("asked", range(12))
def test_what_was_wholly_said_is_answered_first(offers, asked):
    part = Part(offers=offers)
    answers = iter([True] * asked)
    mails = [
        Envelope(
            MAIL,
            f"{n}@newsletter.example",
            f"{n}@reader.example",
            is_ours=lambda: next(answers, False),
        )
        for n in range(4)
    ]
    with playing(part) as port:
        transport = SmtpTransport(
            Relay(host="127.0.0.1", port=port, security=Security.NONE, window=4)
        )
        outcomes = list(transport.carry(mails))
        transport.close()

    accepted = [n for n, one in enumerate(outcomes) if one.result is Result.ACCEPTED]
    assert sorted(part.octets) == accepted
    assert all("stood still" in one.detail for n, one in enumerate(outcomes) if n not in accepted)


def test_an_answer_that_came_while_we_stood_still_is_heard_although_its_time_is_over(
    relay, transport, monkeypatch
):
    class Woken:
        """Says what Python says when a signal ends a wait after its time."""

        def __init__(self) -> None:
            self._real = real()
            self.register = self._real.register

        def poll(self, milliseconds: int) -> list[tuple[int, int]]:
            found = self._real.poll(WAIT_MILLISECONDS)
            return [] if milliseconds else found

    real = select.poll
    monkeypatch.setattr(select, "poll", Woken)

    (outcome,) = transport.carry([mail("ada")])

    assert outcome.result is Result.ACCEPTED
    assert len(relay.desk.mails) == 1
