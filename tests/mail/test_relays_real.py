"""Two real SMTP servers: the second gets what the first does not serve, and never a second copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from relay_server import LOGIN, RunningRelay, relay_running

from newsletter.delivery import Outcome, Result
from newsletter.listen import bind
from newsletter.mail.relays import Failover, Relays
from newsletter.mail.servers.smtp import Relay, Security, SmtpTransport
from newsletter.mail.transport import Envelope

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
MAIL = b"Subject: x\r\n\r\nhello\r\n"
NAMES = ("r0@a.example", "r1@a.example")


class Ways:
    """The connection under test, its relays and the clock."""

    def __init__(self, *relays: Relay) -> None:
        self.at = NOON
        self.relays = Relays([f"r{n}" for n in range(len(relays))], now=lambda: self.at)
        self._failover = Failover(
            [SmtpTransport(relay) for relay in relays], self.relays, now=lambda: self.at
        )

    def carry(self, *names: str) -> list[Outcome]:
        mails = (Envelope(raw=MAIL, sender="d@x.org", recipient=name) for name in names)
        outcomes = list(self._failover.carry(mails))
        self._failover.close()
        return outcomes

    def results(self, *names: str) -> list[Result]:
        return [outcome.result for outcome in self.carry(*names)]


@pytest.fixture
def servers() -> Iterator[list[RunningRelay]]:
    with ExitStack() as stack:
        yield [stack.enter_context(relay_running(auth_require_tls=False)) for _ in range(2)]


def relay(port: int, **more: str) -> Relay:
    return Relay(host="127.0.0.1", port=port, security=Security.NONE, timeout_seconds=20, **more)


def taken(server: RunningRelay) -> list[str]:
    return [name for mail in server.desk.mails for name in mail.rcpt_tos]


def test_a_relay_that_is_down_is_passed_over(servers):
    with bind("127.0.0.1", 0) as nobody:
        port = nobody.getsockname()[1]
    ways = Ways(relay(port), relay(servers[1].port))

    assert ways.results(*NAMES) == [Result.ACCEPTED] * 2
    assert taken(servers[1]) == list(NAMES)
    assert ways.relays.standings[0].words == "connecting: Connection refused"


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("mail", "421 4.3.2 closing for now"),
        ("mail", "451 4.3.0 no room"),
        ("mail", "550 5.7.1 not your address"),
        ("rcpt", "530 5.7.0 log in first"),
    ],
)
def test_a_relay_that_sends_us_away_before_it_speaks_of_the_mail_is_passed_over(
    servers, stage, reply
):
    setattr(servers[0].desk, stage, reply)
    ways = Ways(*(relay(server.port) for server in servers))

    assert ways.results(*NAMES) == [Result.ACCEPTED] * 2
    assert taken(servers[0]) == []
    assert taken(servers[1]) == list(NAMES)
    assert [one.rests for one in ways.relays.standings] == [1, 0]


def test_a_relay_that_refuses_our_login_is_passed_over_and_says_so(servers):
    first = relay(servers[0].port, username=LOGIN[0], password="not-the-word")
    ways = Ways(first, relay(servers[1].port))

    assert ways.results(*NAMES) == [Result.ACCEPTED] * 2
    assert ways.relays.standings[0].words.startswith("535 AUTH")


def test_a_relay_that_hangs_up_at_the_recipient_has_not_taken_the_mail(servers):
    servers[0].desk.hang_up_at = "rcpt"
    ways = Ways(*(relay(server.port) for server in servers))

    assert ways.results(*NAMES) == [Result.ACCEPTED] * 2
    assert taken(servers[1]) == list(NAMES)


def test_a_mail_whose_relay_dies_after_the_dot_never_goes_to_a_second_one(servers):
    servers[0].desk.hang_up_at = "data"  # it has the whole mail by then
    ways = Ways(*(relay(server.port) for server in servers))

    (outcome,) = ways.carry(NAMES[0])

    assert (outcome.result, outcome.unserved) == (Result.DEFERRED, False)
    assert servers[1].desk.connections == 0
    assert ways.relays.standings[0].rests == 0


@pytest.mark.parametrize(
    ("stage", "reply", "result"),
    [
        ("rcpt", "450 4.7.1 greylisted", Result.DEFERRED),
        ("rcpt", "550 5.1.1 no such user", Result.REJECTED),
        ("data", "451 4.3.0 later", Result.DEFERRED),
        ("data", "554 5.7.1 no", Result.REJECTED),
    ],
)
def test_what_a_relay_says_of_the_mail_is_asked_of_no_other(servers, stage, reply, result):
    setattr(servers[0].desk, stage, reply)
    ways = Ways(*(relay(server.port) for server in servers))

    assert ways.results(NAMES[0]) == [result]
    assert servers[1].desk.connections == 0


def test_the_first_relay_gets_the_mails_when_it_is_back(servers):
    servers[0].desk.mail = "421 4.3.2 closing for now"
    ways = Ways(*(relay(server.port) for server in servers))
    ways.carry(NAMES[0])
    servers[0].desk.mail = ""
    ways.carry(NAMES[0])
    assert taken(servers[0]) == []

    ways.at += timedelta(minutes=1)
    ways.carry(*NAMES)

    assert taken(servers[0]) == list(NAMES)
    assert taken(servers[1]) == [NAMES[0]] * 2
