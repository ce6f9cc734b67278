"""A relay's every answer becomes accepted, deferred or rejected, and nothing leaves unprotected."""

from __future__ import annotations

import re
import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_samples import make_picks
from relay_server import LOGIN, relay_running
from scripted_relay import scripted_relay

from newsletter.delivery import Result
from newsletter.errors import MailError
from newsletter.mail.servers.dial import Relay, Security
from newsletter.mail.servers.replies import Reply, Step, discreet, refusal
from newsletter.mail.servers.smtp import SmtpTransport
from newsletter.mail.transport import send as hand_over

MAIL = b"Subject: hello\r\n\r\nFirst line\r\n.\r\n..two dots\r\n.one dot\r\nlast line\r\n"
FROM = "bounces+token@newsletter.example"
TO = "ada.byron@reader.example"
ME = "client.example"


def relay_at(port: int, **changes) -> Relay:
    plain = Relay(
        host="127.0.0.1",
        port=port,
        security=Security.NONE,
        timeout_seconds=10,
        local_hostname=ME,
    )
    return replace(plain, **changes)


@pytest.fixture
def dial():
    """Makes transports that are closed after the test."""
    made = []

    def transport(port: int, **changes) -> SmtpTransport:
        made.append(SmtpTransport(relay_at(port, **changes)))
        return made[-1]

    yield transport
    for one in made:
        one.close()


@pytest.fixture
def relay():
    with relay_running() as running:
        yield running


def send(transport: SmtpTransport, raw: bytes = MAIL, to: str = TO):
    return hand_over(transport, raw, sender=FROM, recipient=to)


def test_the_octets_arrive_as_they_were(relay, dial):
    outcome = send(dial(relay.port))
    assert (outcome.result, outcome.reply, outcome.status) == (Result.ACCEPTED, 250, "2.0.0")
    assert outcome.detail == "taken as 4711"
    (mail,) = relay.desk.mails
    assert mail.content == MAIL
    assert (mail.mail_from, mail.rcpt_tos) == (FROM, [TO])


def test_a_whole_digest_arrives_unchanged(relay, dial, send_digest):
    assert send(dial(relay.port), send_digest.raw).result is Result.ACCEPTED
    assert relay.desk.mails[0].content == send_digest.raw


@pytest.fixture(name="send_digest")
def a_digest(request):
    return request.getfixturevalue("send")(make_picks(3))


def test_many_mails_go_over_one_connection(relay, dial):
    transport = dial(relay.port)
    assert {send(transport).result for _ in range(5)} == {Result.ACCEPTED}
    assert (len(relay.desk.mails), relay.desk.connections) == (5, 1)


def test_we_name_ourselves_as_told(relay, dial):
    heard = []
    original = relay.desk.handle_EHLO

    async def listen(server, session, envelope, hostname, responses):
        heard.append(hostname)
        return await original(server, session, envelope, hostname, responses)

    relay.desk.handle_EHLO = listen
    send(dial(relay.port))
    assert heard == [ME]


STAGES = [
    ("mail", "451 4.3.0 try later", Result.DEFERRED, 451, "4.3.0", "MAIL FROM: try later"),
    ("mail", "550 5.7.1 not you", Result.DEFERRED, 550, "5.7.1", "MAIL FROM: not you"),
    ("rcpt", "450 4.2.1 busy", Result.DEFERRED, 450, "4.2.1", "RCPT TO: busy"),
    ("rcpt", "452 full", Result.DEFERRED, 452, "", "RCPT TO: full"),
    ("rcpt", "550 5.1.1 who?", Result.REJECTED, 550, "5.1.1", "RCPT TO: who?"),
    ("rcpt", "550 4.1.1 who?", Result.REJECTED, 550, "", "RCPT TO: who?"),
    ("rcpt", "530 5.7.0 log in first", Result.DEFERRED, 530, "5.7.0", "RCPT TO: log in first"),
    ("data", "451 4.7.1 greylisted", Result.DEFERRED, 451, "4.7.1", "DATA: greylisted"),
    ("data", "554 5.7.28 flood", Result.REJECTED, 554, "5.7.28", "DATA: flood"),
    ("data", "552", Result.REJECTED, 552, "", "DATA: refused without a word"),
]


@pytest.mark.parametrize(("stage", "answer", "result", "reply", "status", "detail"), STAGES)
def test_a_refusal_means_what_its_stage_says(
    relay, dial, stage, answer, result, reply, status, detail
):
    setattr(relay.desk, stage, answer)
    outcome = send(dial(relay.port))
    assert (outcome.result, outcome.reply, outcome.status) == (result, reply, status)
    assert outcome.detail == detail


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("answer", ["451 later", "550 never"])
def test_after_a_refusal_the_next_mail_goes_over_the_same_connection(relay, dial, stage, answer):
    transport = dial(relay.port)
    setattr(relay.desk, stage, answer)
    assert send(transport).result is not Result.ACCEPTED
    setattr(relay.desk, stage, "")
    assert send(transport).result is Result.ACCEPTED
    assert relay.desk.connections == 1


@pytest.mark.parametrize("answer", ["421 4.3.2 closing", "421 bye"])
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_relay_that_is_closing_gets_a_new_connection_next_time(relay, dial, stage, answer):
    transport = dial(relay.port)
    setattr(relay.desk, stage, answer)
    outcome = send(transport)
    assert (outcome.result, outcome.reply) == (Result.DEFERRED, 421)
    setattr(relay.desk, stage, "")
    assert send(transport).result is Result.ACCEPTED
    assert relay.desk.connections == 2


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_connection_that_breaks_defers_the_mail(relay, dial, stage):
    transport = dial(relay.port)
    relay.desk.hang_up_at = stage
    outcome = send(transport)
    assert (outcome.result, outcome.reply) == (Result.DEFERRED, 0)
    assert outcome.detail
    relay.desk.hang_up_at = ""
    assert send(transport).result is Result.ACCEPTED


def test_a_connection_that_breaks_after_a_refusal_does_not_change_the_verdict(relay, dial):
    transport = dial(relay.port)
    relay.desk.rcpt, relay.desk.hang_up_at = "550 5.1.1 who?", "rset"
    outcome = send(transport)
    assert (outcome.result, outcome.status) == (Result.REJECTED, "5.1.1")
    relay.desk.rcpt, relay.desk.hang_up_at = "", ""
    assert send(transport).result is Result.ACCEPTED


def test_a_connection_lost_between_two_mails_costs_nothing(relay, dial):
    transport = dial(relay.port)
    send(transport)
    relay.drop_all()
    assert send(transport).result is Result.ACCEPTED
    assert (len(relay.desk.mails), relay.desk.connections) == (2, 2)


def test_a_closed_transport_opens_again(relay, dial):
    transport = dial(relay.port)
    transport.close()
    send(transport)
    transport.close()
    transport.close()
    assert send(transport).result is Result.ACCEPTED


def test_a_port_where_nobody_listens_defers(dial):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = send(dial(port))
    assert (outcome.result, outcome.reply) == (Result.DEFERRED, 0)
    assert outcome.detail == "connecting: Connection refused"


GREETINGS = [
    ((b"554 5.3.2 no service here\r\n",), "connecting: no service here", 554),
    ((b"421 too busy\r\n",), "connecting: too busy", 421),
    ((b"220 hi\r\n", b"550 go away\r\n", b"550 go away\r\n"), "EHLO: go away", 550),
    ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "connecting: ", 0),
    ((b"",), "connecting: ", 0),
    ((b"220 hi\r\n", b"250 hi\r\n", b"\xff\xfe\r\n"), "MAIL FROM: ", 0),
    (
        (b"220 hi\r\n", b"250 hi\r\n", b"250 ok\r\n", b"299 ok\r\n", b"250 no 354\r\n"),
        "DATA: ",
        250,
    ),
    ((b"220 hi\r\n", b"250 hi\r\n", b"5" * 9_000 + b"\r\n"), "MAIL FROM: ", 0),
    ((b"220 hi\r\n", b"250 hi\r\n", b"5" * 90_000), "MAIL FROM: ", 0),
    ((b"220 hi\r\n", b"250 hi\r\n", b"250-more\r\n" * 9_000), "MAIL FROM: ", 0),
    ((b"220 hi\r\n", b"250 hi\r\n250 and more\r\n"), "EHLO: ", 0),
]


@pytest.mark.parametrize(("script", "detail", "reply"), GREETINGS)
def test_a_strange_relay_defers_and_never_raises(dial, script, detail, reply):
    with scripted_relay(*script) as port:
        outcome = send(dial(port))
    assert (outcome.result, outcome.reply) == (Result.DEFERRED, reply)
    assert outcome.detail.startswith(detail)
    assert len(outcome.detail) > len("EHLO: ")


def test_a_relay_that_says_nothing_is_not_waited_for_endlessly(dial):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outcome = send(dial(listener.getsockname()[1], timeout_seconds=0.05))
    assert outcome.result is Result.DEFERRED
    assert "in time" in outcome.detail or "timed out" in outcome.detail


def test_starttls_encrypts_and_logs_in(dial, certificate):
    ca_file, context = certificate
    with relay_running(starttls=context, require_starttls=True) as relay:
        outcome = send(
            dial(
                relay.port,
                security=Security.STARTTLS,
                ca_file=ca_file,
                username=LOGIN[0],
                password=LOGIN[1],
            )
        )
        assert outcome.result is Result.ACCEPTED, outcome
        assert relay.desk.encrypted == [True]
        assert relay.desk.logins == [LOGIN]
        assert relay.desk.mails[0].content == MAIL


def test_tls_encrypts_from_the_first_octet(dial, certificate):
    ca_file, context = certificate
    with relay_running(tls=context) as relay:
        outcome = send(dial(relay.port, security=Security.TLS, ca_file=ca_file))
        assert outcome.result is Result.ACCEPTED, outcome
        assert relay.desk.encrypted == [True]


def test_a_relay_without_starttls_gets_neither_mail_nor_password(dial, relay):
    given = {"username": LOGIN[0], "password": LOGIN[1]}
    outcome = send(dial(relay.port, security=Security.STARTTLS, **given))
    assert outcome.result is Result.DEFERRED
    assert outcome.detail == (
        "STARTTLS: the relay does not offer it, and nothing is sent to it unencrypted"
    )
    assert (relay.desk.mails, relay.desk.logins) == ([], [])


def test_a_relay_that_refuses_starttls_gets_nothing(dial):
    script = (b"220 hi\r\n", b"250-hi\r\n250 STARTTLS\r\n", b"454 4.7.0 no TLS today\r\n")
    with scripted_relay(*script) as port:
        outcome = send(dial(port, security=Security.STARTTLS))
    assert (outcome.result, outcome.status) == (Result.DEFERRED, "4.7.0")
    assert outcome.detail == "STARTTLS: no TLS today"


def test_a_relay_that_says_nothing_is_told_as_one_that_did_not_answer(dial):
    with scripted_relay(b"", b"") as port:
        outcome = send(dial(port, timeout_seconds=0.1))
    assert outcome.detail == "connecting: the relay did not answer in time"


def test_a_relay_without_tls_on_its_port_is_told_in_words(dial, relay):
    outcome = send(dial(relay.port, security=Security.TLS))
    assert outcome.detail == "connecting: the relay does not speak TLS on this port"


def test_a_relay_that_hangs_up_at_the_first_word_of_tls_is_told_in_words(dial):
    with scripted_relay(b"220 hi\r\n", b"250-hi\r\n250 STARTTLS\r\n", b"220 go\r\n") as port:
        outcome = send(dial(port, security=Security.STARTTLS))
    assert outcome.detail.startswith("STARTTLS: ")
    assert "_ssl.c" not in outcome.detail


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_certificate_nobody_vouches_for_is_refused(dial, certificate, security):
    _, context = certificate
    kind = "starttls" if security is Security.STARTTLS else "tls"
    with relay_running(**{kind: context}) as relay:
        outcome = send(dial(relay.port, security=security))
        assert outcome.result is Result.DEFERRED
        assert "certificate is not trusted: self-signed certificate" in outcome.detail
        assert relay.desk.mails == []


def test_a_certificate_for_another_host_is_refused(dial, certificate):
    ca_file, context = certificate
    with relay_running(starttls=context) as relay:
        outcome = send(
            dial(relay.port, host="localhost", security=Security.STARTTLS, ca_file=ca_file)
        )
        assert outcome.result is Result.DEFERRED
        assert "Hostname mismatch" in outcome.detail
        assert relay.desk.mails == []


def test_a_wrong_password_defers_and_is_not_quoted(dial, certificate):
    ca_file, context = certificate
    with relay_running(starttls=context) as relay:
        given = {"username": LOGIN[0], "password": "wrong-word"}
        outcome = send(dial(relay.port, security=Security.STARTTLS, ca_file=ca_file, **given))
    assert (outcome.result, outcome.reply, outcome.status) == (Result.DEFERRED, 535, "5.7.8")
    assert outcome.detail.startswith("AUTH: ")
    assert "wrong-word" not in outcome.detail


def test_a_relay_that_repeats_the_password_is_not_quoted(dial):
    hello = b"250-hi\r\n250 AUTH PLAIN LOGIN\r\n"
    told = b"535 5.7.8 AG5ld3NsZXR0ZXIAczNjcmV0LXdvcmQ= is s3cret-word and wrong\r\n"
    with scripted_relay(b"220 hi\r\n", hello, told, told, told) as port:
        outcome = send(dial(port, username=LOGIN[0], password=LOGIN[1]))
    assert outcome.result is Result.DEFERRED
    assert outcome.detail == "AUTH: (hidden) is (hidden) and wrong"


def test_a_relay_that_cannot_log_us_in_defers(dial, relay):
    outcome = send(dial(relay.port, username=LOGIN[0], password=LOGIN[1]))
    assert outcome.result is Result.DEFERRED
    assert outcome.detail.startswith("AUTH: ")
    assert relay.desk.mails == []


@pytest.mark.parametrize(
    "host", ["relay.example", "192.0.2.1", "localhost.evil.example", "2001:db8::1"]
)
def test_a_password_is_never_taken_across_the_network_in_the_clear(host):
    with pytest.raises(MailError, match="unencrypted"):
        SmtpTransport(relay_at(25, host=host, username="me", password="secret"))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"])
def test_on_the_same_machine_a_password_may_go_in_the_clear(host):
    SmtpTransport(relay_at(25, host=host, username="me", password="secret"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"host": ""}, "host name"),
        ({"timeout_seconds": 0}, "time limit"),
        ({"username": "me"}, "go together"),
        ({"password": "secret"}, "go together"),
        ({"username": "me", "password": "gehe\u00efm"}, "ASCII"),
        ({"security": Security.TLS, "ca_file": "/nowhere/ca.pem"}, "cannot be read from /nowhere"),
    ],
)
def test_a_relay_described_wrongly_is_refused_at_once(changes, says):
    with pytest.raises(MailError, match=says):
        SmtpTransport(relay_at(25, **changes))


def test_a_file_that_holds_no_certificate_is_refused(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text("nothing to trust", encoding="utf-8")
    with pytest.raises(MailError, match=r"certificates to trust cannot be read from .*ca\.pem"):
        SmtpTransport(relay_at(25, security=Security.STARTTLS, ca_file=str(path)))


def test_a_password_is_not_shown_with_its_relay():
    assert "secret" not in repr(relay_at(25, username="me", password="secret"))


@pytest.mark.parametrize(
    "address", ["a\r\nRCPT TO:<x@evil.example>", "", "a b@x.example", "<a@b.example>"]
)
def test_an_envelope_that_cannot_be_written_never_reaches_the_relay(relay, dial, address):
    transport = dial(relay.port)
    with pytest.raises(MailError):
        hand_over(transport, MAIL, sender=FROM, recipient=address)
    with pytest.raises(MailError):
        hand_over(transport, MAIL, sender=address, recipient=TO)
    assert relay.desk.connections == 0


@pytest.mark.parametrize(
    "words",
    [
        "5.1.1 <ada.byron@reader.example>: no such user",
        "5.1.1 User ada.byron unknown",
        "5.1.1 ADA.BYRON@READER.EXAMPLE unknown, forwarded to a.king@elsewhere.example",
        "5.1.1 ada.byron%40reader.example unknown",
    ],
)
def test_the_address_is_not_in_the_detail(relay, dial, words):
    relay.desk.rcpt = f"550 {words}"
    outcome = send(dial(relay.port))
    assert outcome.status == "5.1.1"
    assert not {"ada.byron", "a.king", "@"} & set(
        outcome.detail.lower().replace("@", " @ ").split()
    )
    assert "byron" not in outcome.detail.lower()
    assert "king" not in outcome.detail
    assert "unknown" in outcome.detail or "no such user" in outcome.detail


def test_a_reply_of_many_lines_is_one_line_with_one_status(relay, dial):
    relay.desk.rcpt = "550-5.1.1 The account does not exist.\r\n550 5.1.1 Try another spelling."
    outcome = send(dial(relay.port))
    assert outcome.status == "5.1.1"
    assert outcome.detail == "RCPT TO: The account does not exist. Try another spelling."


@given(code=st.integers(-1, 999), text=st.binary(max_size=600), step=st.sampled_from(Step))
def test_any_reply_is_understood_and_fit_for_a_log(code, text, step):
    outcome = refusal(Reply.of(code, text), step)
    detail = discreet(outcome.detail, recipient=TO, secrets=("secret",))
    assert outcome.result in (Result.DEFERRED, Result.REJECTED)
    assert outcome.result is Result.DEFERRED or 500 <= outcome.reply < 600
    assert outcome.reply == 0 or 200 <= outcome.reply < 600
    assert len(detail) <= 300
    assert detail.isprintable()
    assert not re.search(r"\w@\w", detail)
