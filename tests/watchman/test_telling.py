"""The operator is told by mail and webhook, in words fit for them; telling never fails loudly."""

from __future__ import annotations

import email
import email.policy
import logging
from email.message import EmailMessage

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from dripping_server import dripping_headers
from operator_world import DISK, NOON, PUBLICATION, RELAY, Relay

from newsletter import watchman
from newsletter.delivery import Outcome, Result
from newsletter.errors import MailError
from newsletter.mail.alarm_letter import alarm_letter
from newsletter.mail.dkim import Signer
from newsletter.watch import Alarm
from newsletter.watchman import Teller


def teller(relay: Relay, *, address: str = "op@papers.example", webhook_url: str = "") -> Teller:
    return Teller(PUBLICATION, address=address, webhook_url=webhook_url, make_transport=relay.make)


def body(mail: EmailMessage) -> str:
    return mail.get_content().replace("\r\n", "\n")


def test_an_alarm_is_mailed_as_plain_text_with_what_to_do(relay):
    assert teller(relay).tell([DISK], [], NOON)

    (mail,) = relay.mails
    assert relay.recipients == ["op@papers.example"]
    assert mail["To"] == "op@papers.example"
    assert mail["Subject"] == "Trending papers: alarm: disk"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    text = body(mail)
    assert "Something is wrong with Trending papers (https://papers.example):" in text
    assert "disk: The disk is nearly full.\nWhat to do: Make room." in text


def test_everything_to_tell_goes_into_one_mail(relay):
    teller(relay).tell([DISK], [RELAY], NOON)

    (mail,) = relay.mails
    assert mail["Subject"] == "Trending papers: alarm: disk; over: relay"
    assert "This is over:\n\nrelay. The alarm said: The relay takes nothing." in body(mail)


def test_the_mail_has_an_id_and_a_date_of_its_own(relay):
    teller(relay).tell([DISK], [], NOON)
    teller(relay).tell([RELAY], [], NOON)

    first, second = relay.mails
    assert first["Message-ID"].startswith("<alarm-20260408120000-")
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Date"] == "Wed, 08 Apr 2026 12:00:00 +0000"


def test_the_way_out_is_closed_after_the_one_mail(relay):
    teller(relay).tell([DISK], [], NOON)

    assert (relay.opened, relay.closed) == (1, 1)


def test_the_webhook_is_posted_each_alarm_with_its_state(relay, hook):
    assert teller(relay, address="", webhook_url=hook.url).tell([DISK], [RELAY], NOON)

    assert hook.posted == [
        {
            "name": "disk",
            "sentence": "The disk is nearly full.",
            "remedy": "Make room.",
            "state": "raised",
        },
        {
            "name": "relay",
            "sentence": "The relay takes nothing.",
            "remedy": "Ask them.",
            "state": "cleared",
        },
    ]
    assert relay.opened == 0


def test_without_any_way_to_tell_the_log_is_enough(relay, caplog):
    with caplog.at_level(logging.INFO):
        assert teller(relay, address="").tell([DISK], [RELAY], NOON)

    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("ERROR", "alarm: The disk is nearly full."),
        ("WARNING", "alarm is over: relay"),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        Relay(outcome=Outcome(result=Result.DEFERRED, detail="AUTH: no")),
        Relay(error=MailError("the relay cannot be used")),
        Relay(error=RuntimeError("boom")),
    ],
)
def test_a_relay_that_does_not_take_the_mail_is_no_error_but_nobody_heard(broken):
    assert not teller(broken).tell([DISK], [], NOON)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_takes_nothing_is_no_error_but_nobody_heard(relay, hook, status):
    hook.status = status

    assert not teller(relay, address="", webhook_url=hook.url).tell([DISK, RELAY], [], NOON)
    assert len(hook.posted) == 1


def test_a_webhook_that_is_not_there_is_told_without_its_address(relay, hook, caplog):
    address = "http://127.0.0.1:1/secret-path"

    assert not teller(relay, address="", webhook_url=address).tell([DISK], [], NOON)
    assert "secret-path" not in caplog.text
    assert "the webhook does not answer (ConnectionError)" in caplog.text


def test_a_webhook_whose_headers_drip_is_given_up(relay, caplog, monkeypatch):
    monkeypatch.setattr(watchman, "_WEBHOOK_SECONDS", 0.05)
    with dripping_headers() as url:
        assert not teller(relay, address="", webhook_url=url).tell([DISK], [], NOON)

    assert "the webhook does not answer (TimeoutError)" in caplog.text


def test_one_way_that_works_is_enough(hook):
    broken = Relay(error=RuntimeError("boom"))

    assert teller(broken, webhook_url=hook.url).tell([DISK], [], NOON)


def test_the_mail_is_seven_bit_in_short_lines_and_parses_without_defects(relay):
    long = Alarm(name="tier daily", sentence="ü" * 300 + " «x» " * 60, remedy="wait " * 50)
    raw = alarm_letter(PUBLICATION, to="op@papers.example", raised=[long], cleared=[DISK], at=NOON)
    parsed = email.message_from_bytes(raw, policy=email.policy.default)

    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert not parsed.defects
    assert "ü" * 300 in parsed.get_content()


def test_the_mail_is_signed_where_mails_are(relay):
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    signed = Teller(
        PUBLICATION,
        address="op@papers.example",
        webhook_url="",
        make_transport=relay.make,
        signer=Signer("papers.example", "news", key),
    )

    assert signed.tell([DISK], [], NOON)
    assert "d=papers.example" in relay.mails[0]["DKIM-Signature"]
