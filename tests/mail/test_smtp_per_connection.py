"""A connection carries so many mails and no more, whether we or the relay count them."""

from __future__ import annotations

import pytest
from relay_server import relay_running

from newsletter.delivery import Result
from newsletter.errors import MailError
from newsletter.mail.servers.dial import Relay, Security
from newsletter.mail.servers.smtp import SmtpTransport
from newsletter.mail.transport import send as hand_over

MAIL = b"Subject: hello\r\n\r\nhello\r\n"
FROM, TO = "bounces@newsletter.example", "ada@reader.example"


@pytest.fixture
def relay():
    with relay_running() as running:
        yield running


@pytest.fixture
def dial(relay):
    """Makes transports to the relay that are closed after the test."""
    made = []

    def transport(most: int = 100) -> SmtpTransport:
        given = Relay(
            host="127.0.0.1", port=relay.port, security=Security.NONE, mails_per_connection=most
        )
        made.append(SmtpTransport(given))
        return made[-1]

    yield transport
    for one in made:
        one.close()


def send(transport: SmtpTransport):
    return hand_over(transport, MAIL, sender=FROM, recipient=TO)


def per_connection(relay, monkeypatch, most: int, answer: str):
    """Has the relay answer MAIL so after `most` mails over one connection; counts goodbyes."""
    counts: dict[object, int] = {}
    goodbyes = []

    async def on_mail(server, session, envelope, address, options):
        counts[session] = counts.get(session, 0) + 1
        if counts[session] > most:
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def on_quit(server, session, envelope):
        goodbyes.append(session)
        return "221 Bye"

    monkeypatch.setattr(relay.desk, "handle_MAIL", on_mail)
    monkeypatch.setattr(relay.desk, "handle_QUIT", on_quit, raising=False)
    return goodbyes


def test_after_so_many_mails_a_connection_is_left_politely(relay, dial, monkeypatch):
    goodbyes = per_connection(relay, monkeypatch, 1000, "")
    transport = dial(most=2)
    assert {send(transport).result for _ in range(5)} == {Result.ACCEPTED}
    assert (len(relay.desk.mails), relay.desk.connections) == (5, 3)
    assert len(goodbyes) == 2


def test_mails_that_are_refused_count_too(relay, dial):
    transport = dial(most=2)
    relay.desk.rcpt = "550 5.1.1 who?"
    assert {send(transport).result for _ in range(4)} == {Result.REJECTED}
    assert relay.desk.connections == 2


@pytest.mark.parametrize(
    ("answer", "leaves"),
    [
        ("452 4.5.3 too many messages in this connection", True),
        ("421 4.7.0 too many messages in this connection", False),
        ("421 too many messages", False),
    ],
)
def test_a_relay_that_has_had_enough_gets_the_same_mail_over_a_new_connection(
    relay, dial, monkeypatch, answer, leaves
):
    goodbyes = per_connection(relay, monkeypatch, 2, answer)
    transport = dial()
    assert [send(transport).result for _ in range(5)] == [Result.ACCEPTED] * 5
    assert (len(relay.desk.mails), relay.desk.connections) == (5, 3)
    assert len(goodbyes) == (2 if leaves else 0)


@pytest.mark.parametrize("answer", ["452 4.5.3 too many messages", "421 4.7.0 not now"])
def test_a_relay_that_has_had_enough_from_the_start_defers_after_one_try(relay, dial, answer):
    relay.desk.mail = answer
    transport = dial()
    outcome = send(transport)
    assert (outcome.result, outcome.reply) == (Result.DEFERRED, int(answer[:3]))
    assert relay.desk.connections == 1


@pytest.mark.parametrize("answer", ["452 4.3.1 no space", "452 no space", "450 4.7.1 slow down"])
def test_other_words_are_no_reason_for_a_new_connection(relay, dial, answer):
    transport = dial()
    send(transport)
    relay.desk.mail = answer
    assert send(transport).result is Result.DEFERRED
    assert relay.desk.connections == 1


def test_a_relay_that_stays_full_defers_and_is_not_asked_in_circles(relay, dial):
    transport = dial()
    send(transport)
    relay.desk.mail = "452 4.5.3 too many messages"
    outcome = send(transport)
    assert (outcome.result, outcome.status) == (Result.DEFERRED, "4.5.3")
    assert relay.desk.connections == 2
    assert len(relay.desk.mails) == 1


def test_a_connection_for_no_mail_at_all_is_refused():
    with pytest.raises(MailError, match="1 mail or more"):
        SmtpTransport(Relay(host="127.0.0.1", port=25, mails_per_connection=0))
