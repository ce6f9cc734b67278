"""With an access token the relay and the mailbox let us in, and nothing of it is shown."""

from __future__ import annotations

import base64
import mailbox as stdlib_mailbox
from datetime import UTC, datetime, timedelta

import pytest
from dovecot_server import dovecot_running, maildir_home
from relay_server import LOGIN, relay_running
from scripted_relay import scripted_relay
from token_server import USER, provider_running

from newsletter.delivery import Result
from newsletter.errors import MailError
from newsletter.mail.servers.dial import Relay, Security
from newsletter.mail.servers.mailboxes import ImapAccount, ImapBox
from newsletter.mail.servers.oauth import Grant, TokenSource
from newsletter.mail.servers.smtp import SmtpTransport
from newsletter.mail.transport import send as hand_over

MAIL = b"Subject: hello\r\n\r\nhello\r\n"
FROM, TO = "bounces@newsletter.example", "ada@reader.example"
OPEN = {"auth_require_tls": False}


class Clock:
    now = datetime(2026, 4, 3, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def provider():
    with provider_running() as running:
        yield running


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tokens(provider, clock):
    grant = Grant(token_url=provider.url, client_id="client-1", refresh_token="refresh-s3cret")
    return TokenSource(grant, now=clock)


@pytest.fixture
def relay(provider):
    with relay_running(**OPEN) as running:
        running.desk.takes = provider.takes
        yield running


@pytest.fixture
def dial(tokens):
    """Makes transports that log in with tokens; closed after the test."""
    made = []

    def transport(port: int, **changes) -> SmtpTransport:
        given = {"security": Security.NONE, "username": LOGIN[0], "timeout_seconds": 10}
        relay = Relay(host="127.0.0.1", port=port, tokens=tokens, **(given | changes))
        made.append(SmtpTransport(relay))
        return made[-1]

    yield transport
    for one in made:
        one.close()


def send(transport: SmtpTransport):
    return hand_over(transport, MAIL, sender=FROM, recipient=TO)


def test_a_token_opens_the_relay(relay, dial, provider):
    transport = dial(relay.port)
    assert send(transport).result is Result.ACCEPTED
    assert relay.desk.shown == [f"user={LOGIN[0]}\1auth=Bearer token-1\1\1"]
    assert relay.desk.logins == []


def test_a_token_goes_through_tls_like_a_password(dial, certificate, provider):
    ca_file, context = certificate
    with relay_running(starttls=context, require_starttls=True) as relay:
        relay.desk.takes = provider.takes
        outcome = send(dial(relay.port, security=Security.STARTTLS, ca_file=ca_file))
        assert outcome.result is Result.ACCEPTED, outcome
        assert relay.desk.encrypted == [True]


def test_a_token_longer_than_a_command_line_is_taken(relay, dial, provider):
    long = "x" * 600  # 860 octets as base64; a command ends after 512
    provider.more["access_token"] = long
    provider.good = {long}
    assert send(dial(relay.port)).result is Result.ACCEPTED


def test_connections_share_a_token(relay, dial, provider):
    for _ in range(3):
        assert send(dial(relay.port)).result is Result.ACCEPTED
    assert relay.desk.connections == 3
    assert len(provider.asked) == 1


def test_a_token_the_relay_takes_no_more_is_followed_by_another_at_once(
    relay, dial, provider, tokens, clock
):
    tokens.token()
    clock.now += timedelta(minutes=5)
    provider.good = {"token-2"}
    assert send(dial(relay.port)).result is Result.ACCEPTED
    assert [line.rpartition(" ")[2].strip("\1") for line in relay.desk.shown] == [
        "token-1",
        "",  # the empty line that ends the challenge
        "token-2",
    ]
    assert relay.desk.connections == 1


def test_a_relay_that_takes_no_token_defers_and_is_not_quoted(relay, dial, provider):
    provider.good = set()
    outcome = send(dial(relay.port))
    assert (outcome.result, outcome.reply, outcome.status) == (Result.DEFERRED, 535, "5.7.8")
    assert outcome.detail.startswith("AUTH: ")
    assert relay.desk.mails == []
    assert len(provider.asked) == 1


def test_a_relay_that_cannot_tell_now_does_not_cost_a_token(dial, provider, tokens, clock):
    tokens.token()
    clock.now += timedelta(minutes=5)
    hello = b"250-hi\r\n250 AUTH XOAUTH2\r\n"
    with scripted_relay(b"220 hi\r\n", hello, b"334 \r\n", b"454 4.7.0 not now\r\n") as port:
        outcome = send(dial(port))
    assert (outcome.result, outcome.reply) == (Result.DEFERRED, 454)
    assert len(provider.asked) == 1


def test_a_relay_that_repeats_the_token_is_not_quoted(dial, tokens):
    spelled = base64.b64encode(f"user={LOGIN[0]}\1auth=Bearer token-1\1\1".encode())
    told = b"535 5.7.8 " + spelled + b" and token-1 are wrong\r\n"
    hello = b"250-hi\r\n250 AUTH XOAUTH2\r\n"
    with scripted_relay(b"220 hi\r\n", hello, b"334 \r\n", b"334 e30=\r\n", told) as port:
        outcome = send(dial(port))
    assert outcome.result is Result.DEFERRED
    assert outcome.detail == "AUTH: (hidden) and (hidden) are wrong"


def test_a_provider_that_refuses_defers_the_mail_with_its_words(relay, dial, provider):
    provider.answers.append((400, b'{"error": "invalid_grant"}'))
    outcome = send(dial(relay.port))
    assert outcome.result is Result.DEFERRED
    assert outcome.detail == "AUTH: no access token from 127.0.0.1: HTTP 400 invalid_grant"
    assert relay.desk.shown == []


def test_a_relay_without_xoauth2_gets_no_token(dial, provider):
    with scripted_relay(b"220 hi\r\n", b"250-hi\r\n250 AUTH PLAIN LOGIN\r\n") as port:
        outcome = send(dial(port))
    assert outcome.detail == "AUTH: the relay does not offer XOAUTH2"
    assert provider.asked == []


@pytest.mark.parametrize(
    "challenge", [b"334 \r\n", b"334 not base64!\r\n", b"334 e30\r\n", b"\xff\r\n", b""]
)
def test_a_relay_that_goes_on_asking_or_talks_nonsense_defers(dial, challenge):
    hello = b"250-hi\r\n250 AUTH XOAUTH2\r\n"
    patience = 10 if challenge else 2  # one that falls silent is waited for in earnest
    with scripted_relay(b"220 hi\r\n", hello, b"334 \r\n", *[challenge] * 9) as port:
        outcome = send(dial(port, timeout_seconds=patience))
    assert outcome.result is Result.DEFERRED
    assert outcome.detail.startswith("AUTH: ")
    assert "token-1" not in outcome.detail


def test_a_token_is_never_taken_across_the_network_in_the_clear(dial, tokens):
    given = {"host": "relay.example", "port": 25, "username": "me", "tokens": tokens}
    with pytest.raises(MailError, match="unencrypted"):
        SmtpTransport(Relay(**given, security=Security.NONE))
    with pytest.raises(MailError, match="go together"):
        SmtpTransport(Relay(**(given | {"username": ""})))
    with pytest.raises(MailError, match="unencrypted"):
        ImapBox(
            ImapAccount(host="imap.example", username="me", tokens=tokens, security=Security.NONE)
        )


# -- the mailbox, with a real server


@pytest.fixture
def account(provider, tokens):
    """A mailbox with one mail in a dovecot that asks the provider about tokens."""
    with maildir_home() as home:
        stdlib_mailbox.Maildir(home / "mail", create=True)
        (home / "mail" / "new" / "1775197800.M1P1.host").write_bytes(MAIL)
        url = f"http://127.0.0.1:{provider.port}/tokeninfo"
        with dovecot_running(home, tokens_at=url) as port:
            yield ImapAccount(
                host="127.0.0.1",
                port=port,
                username=USER,
                tokens=tokens,
                security=Security.NONE,
                timeout_seconds=10,
            )


def read(account: ImapAccount) -> list[bytes]:
    reports = ImapBox(account)
    try:
        return [raw for _, raw in reports.read()]
    finally:
        reports.close()


def test_a_token_opens_the_mailbox(account):
    assert read(account) == [MAIL]


def test_a_token_the_mailbox_takes_no_more_is_followed_by_another(account, provider, tokens, clock):
    tokens.token()
    clock.now += timedelta(minutes=5)
    provider.good = {"token-2"}
    assert read(account) == [MAIL]


def test_a_mailbox_that_takes_no_token_is_told_without_it(account, provider):
    provider.good = set()
    with pytest.raises(MailError, match=r"reports cannot be read from 127\.0\.0\.1: ") as caught:
        read(account)
    assert "token-1" not in str(caught.value)


def test_a_provider_that_refuses_is_told_in_its_words(account, provider):
    provider.answers.append((400, b'{"error": "invalid_grant"}'))
    with pytest.raises(MailError, match=r"no access token from .*invalid_grant"):
        read(account)
