"""`newsletter test-send`: somebody's digest for somebody else, marked, and unable to do harm."""

from __future__ import annotations

import base64
import email
import email.policy
import re
from email.message import EmailMessage

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from operate_world import INES, Relay, composed, delivered, enrol, signing

from newsletter.app import App
from newsletter.links import Way, peek
from newsletter.model import Status
from newsletter.store import Suppressed

ME = "me@operator.example"


@pytest.fixture
def app(relay, app) -> App:
    """It mails to the relay."""
    return app


def mail_in(relay: Relay, place: int = -1) -> EmailMessage:
    return email.message_from_bytes(relay.mails[place].content, policy=email.policy.default)


def whole(mail: EmailMessage) -> str:
    parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join((*map(str, mail.values()), *parts))


def test_the_newest_digest_comes_marked_as_a_test(newsletter, app, relay):
    reader = enrol(app)
    composed(app, reader, "2026-04-02")

    ran = newsletter("test-send", ME, "--as", INES)

    assert ran.code == 0
    assert ran.out.startswith("sent “[Test] ")
    mail = mail_in(relay)
    assert relay.mails[-1].rcpt_tos == [ME]
    assert mail["To"] == ME
    assert mail["Subject"].startswith("[Test] sparse attention study ")
    note = "This is a test: the digest of Thursday, 2 April 2026"
    assert note in " ".join(whole(mail).split())


def test_nothing_in_it_can_act_for_the_reader(newsletter, app, relay):
    reader = enrol(app)
    digest = composed(app, reader)
    newsletter("test-send", ME, "--as", INES)

    said = whole(mail_in(relay))

    assert INES not in said
    assert digest.id not in said
    tokens = re.findall(rf"/({'|'.join(Way)})/([\w.~-]+)", said)
    assert len(tokens) > 5
    for way, token in tokens:
        assert app.links.read(way, token) is None
        assert not {reader.id, digest.id} & set(peek(token))
    assert app.subscriptions.get(reader.id).status is Status.ACTIVE


def test_it_leaves_like_every_mail_signed_and_with_a_return_path_of_its_own(
    newsletter, app, relay, monkeypatch, tmp_path
):
    key = signing(monkeypatch, tmp_path, "newsletter.example")
    monkeypatch.setenv("NEWSLETTER_BOUNCES__ADDRESS", "b@bounce.example")
    composed(app, enrol(app))

    assert newsletter("test-send", ME, "--as", INES).code == 0

    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; p=" + base64.b64encode(public)
    assert dkim.verify(relay.mails[-1].content, dnsfunc=lambda *_, **__: record)
    assert re.fullmatch(r"b\+.+@bounce\.example", relay.mails[-1].mail_from)


def test_nothing_of_it_is_kept(newsletter, app, relay):
    reader = enrol(app)
    with app.store.register() as register:
        before = (register.outbox.waiting(), register.digests.of(reader.id))

    assert newsletter("test-send", ME, "--as", INES, "--edition", "fresh").code == 0

    with app.store.register() as register:
        assert (register.outbox.waiting(), register.digests.of(reader.id)) == before
        assert register.ledger.sent_to(reader.id) == frozenset()


def test_two_tests_are_two_mails_to_a_mailbox(newsletter, app, relay):
    composed(app, enrol(app))
    delivered(app)
    for _ in range(2):
        newsletter("test-send", ME, "--as", INES)

    ids = [mail_in(relay, place)["Message-ID"] for place in range(3)]
    assert len(set(ids)) == 3


def test_without_a_digest_one_is_made_now(newsletter, app, relay):
    enrol(app)

    ran = newsletter("test-send", ME, "--as", INES)

    assert ran.code == 0
    assert "They have had no digest yet: one is made now, and not kept." in ran.err
    assert len(relay.mails) == 1


def test_an_earlier_edition_can_be_named(newsletter, app, relay):
    reader = enrol(app, max_papers=1)
    composed(app, reader, "2026-04-01")
    composed(app, reader, "2026-04-02")

    newsletter("test-send", ME, "--as", INES, "--edition", "2026-04-01")

    assert "Wednesday, 1 April 2026" in whole(mail_in(relay))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((ME, "--as", "nobody@reader.example"), "nobody@reader.example is not subscribed"),
        (("me", "--as", INES), "is no e-mail address we can use"),
        ((ME, "--as", INES, "--edition", "soon"), "“soon” is not latest, fresh or a day"),
        ((ME, "--as", INES, "--edition", "2020-01-01"), "has no digest of 2020-01-01"),
        ((ME,), "--as"),
    ],
)
def test_what_was_meant_otherwise_is_a_sentence(newsletter, app, relay, words, sentence):
    enrol(app)

    ran = newsletter("test-send", *words)

    assert ran.code == 2
    assert sentence in ran.err
    assert relay.mails == []


def test_a_suppressed_address_gets_no_test_either(newsletter, app, relay):
    enrol(app)
    with app.store.changing_register() as register:
        register.addresses.suppress(ME, Suppressed.COMPLAINED, app.now())

    ran = newsletter("test-send", ME, "--as", INES)

    assert ran.code == 2
    assert "must not be mailed (complained)" in ran.err
    assert relay.mails == []


def test_a_relay_that_refuses_is_told(newsletter, app, relay):
    enrol(app)
    relay.refusal = "550 5.7.1 not from here"

    ran = newsletter("test-send", ME, "--as", INES)

    assert ran.code == 1
    assert "the test was not taken: 550 RCPT TO: not from here" in ran.err
    assert "doctor" not in ran.err


def test_a_relay_that_is_not_there_is_told_with_who_knows_more(newsletter, app, relay, monkeypatch):
    enrol(app)
    monkeypatch.setenv("NEWSLETTER_SMTP__PORT", "1")

    ran = newsletter("test-send", ME, "--as", INES)

    assert ran.code == 1
    assert "the test was not taken: connecting: Connection refused" in ran.err
    assert "`newsletter doctor` looks at the relay" in ran.err
