"""What comes back changes the right subscriber, once."""

from __future__ import annotations

import email.message
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.delivery import Outcome, Result
from newsletter.errors import UnreadableError
from newsletter.membership import Consent, Wishes
from newsletter.model import Entry, Listing, Paper, Profile, Status, Tier
from newsletter.pipeline import compose, deliver_due, record
from newsletter.store.schema import subscribers
from newsletter.subscriptions.bouncing import Consequence

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
YES = Consent(at=NOON, origin="form", wording="yes")


class Relay:
    """Remembers envelopes; refuses where told to."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.outcome = outcome or Outcome(result=Result.ACCEPTED)
        self.envelopes: list[tuple[str, str, bytes]] = []

    def carry(self, mails):
        for mail in mails:
            yield self.take(mail.raw, sender=mail.sender, recipient=mail.recipient)

    def take(self, raw: bytes, *, sender: str, recipient: str) -> Outcome:
        self.envelopes.append((sender, recipient, raw))
        return self.outcome

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def app(tmp_path, monkeypatch, on_any_store) -> App:
    for key, value in {
        "PATHS__STATE": str(tmp_path),
        "BOUNCES__ADDRESS": "b@bounce.newsletter.example",
        "BOUNCES__MAILDIR": str(tmp_path / "reports"),
    }.items():
        monkeypatch.setenv(f"NEWSLETTER_{key}", value)
    for folder in ("cur", "new", "tmp"):
        (tmp_path / "reports" / folder).mkdir(parents=True)
    made = App(load_settings(), now=lambda: NOON)
    paper = Paper(id="2604.00001", title="Sparse attention", listed_on=date(2026, 4, 3))
    listing = Listing(
        source="daily",
        tier=Tier.API,
        entries=(Entry(paper=paper, rank=1),),
        listed_on=date(2026, 4, 3),
    )
    record(made.store, listing, now=NOON)
    yield made
    made.store.close()


@pytest.fixture
def sent(app):
    """A reader and the envelope of the digest they were sent."""
    wishes = Wishes(profile=Profile(topics=("sparse attention",)))
    reader = app.subscriptions.enrol("ines@reader.example", wishes, YES, now=NOON)
    compose(app.store, reader, app.pool(), edition="2026-04-03", now=NOON)
    relay = Relay()
    deliver_due(app.store, app.live_post, relay, now=lambda: NOON)
    ((sender, _, _),) = relay.envelopes
    return reader, sender


def report(sender: str, status: str, action: str = "failed") -> bytes:
    """A delivery status notification as RFC 3464 has it, sent to the return path."""
    return (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.reader.example\r\nTo: {sender}\r\n"
        "Subject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.reader.example\r\n\r\n"
        "Final-Recipient: rfc822; ines@reader.example\r\n"
        f"Action: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such user here\r\n\r\n--b--\r\n"
    ).encode()


def arrive(app, raw: bytes, name: str = "1.host") -> None:
    (app.settings.state_dir / "reports" / "new" / name).write_bytes(raw)


def take_back(app, now=NOON):
    return app.returns.take_back(app.report_box(), now=now)


def status(app, reader) -> Status:
    return app.subscriptions.get(reader.id).status


def test_every_mail_leaves_with_a_return_path_of_its_own(sent):
    _, sender = sent

    assert sender.startswith("b+")
    assert sender.endswith("@bounce.newsletter.example")


def test_a_hard_bounce_ends_the_mails_and_is_dealt_with_once(app, sent):
    reader, sender = sent
    arrive(app, report(sender, "5.1.1"))

    assert take_back(app) == {Consequence.BOUNCE: 1}
    assert take_back(app) == {}
    assert status(app, reader) is Status.BOUNCED


def test_a_full_mailbox_counts_and_three_days_of_it_are_enough(app, sent):
    reader, sender = sent
    for day, expected in enumerate((Consequence.COUNT, Consequence.COUNT, Consequence.BOUNCE)):
        arrive(app, report(sender, "5.2.2"), f"{day}.host")
        assert take_back(app, NOON + timedelta(days=day)) == {expected: 1}

    assert status(app, reader) is Status.BOUNCED


def test_who_comes_back_starts_with_a_clean_sheet(app, sent):
    reader, sender = sent
    for day in range(3):
        arrive(app, report(sender, "5.2.2"), f"{day}.host")
        take_back(app, NOON + timedelta(days=day))
    app.subscriptions.come_back(reader.id, YES, now=NOON + timedelta(days=3))
    arrive(app, report(sender, "5.2.2"), "9.host")

    assert take_back(app, NOON + timedelta(days=3)) == {Consequence.COUNT: 1}


def test_a_forged_return_path_changes_nothing(app, sent):
    reader, sender = sent
    local, _, domain = sender.partition("@")
    arrive(app, report(f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}", "5.1.1"))

    assert take_back(app) == {Consequence.IGNORE: 1}
    assert status(app, reader) is Status.ACTIVE


def test_a_mail_that_asks_to_be_let_go_is_heard(app, sent):
    reader, _ = sent
    with app.store.register() as register:
        digest = register.digests.last_of(reader.id)
    mail = email.message.EmailMessage()
    mail["From"], mail["To"] = "ines@reader.example", "hello@newsletter.example"
    mail["Subject"] = f"unsubscribe {digest.id}"
    mail.set_content("")
    arrive(app, mail.as_bytes())

    assert take_back(app) == {Consequence.UNSUBSCRIBE: 1}
    assert status(app, reader) is Status.UNSUBSCRIBED


def test_what_a_person_wrote_is_flagged_and_a_report_is_not(app, sent):
    _, sender = sent
    arrive(app, report(sender, "5.1.1"), "1.host")
    arrive(app, b"From: ines@reader.example\r\nSubject: Re: One paper\r\n\r\nNo more.", "2.host")

    assert take_back(app) == {Consequence.BOUNCE: 1, Consequence.IGNORE: 1}
    put_away = (app.settings.state_dir / "reports" / "cur").iterdir()
    assert {mail.name for mail in put_away} == {"1.host:2,S", "2.host:2,FS"}


def test_a_report_about_somebody_who_cannot_be_read_waits_and_all_others_count(app):
    wishes = Wishes(profile=Profile(topics=("sparse attention",)))
    relay = Relay()
    ines, otto = (
        app.subscriptions.enrol(f"{name}@reader.example", wishes, YES, now=NOON)
        for name in ("ines", "otto")
    )
    for number, reader in enumerate((ines, otto)):
        compose(app.store, reader, app.pool(), edition="2026-04-03", now=NOON)
        deliver_due(app.store, app.live_post, relay, now=lambda: NOON)
        arrive(app, report(relay.envelopes[-1][0], "5.1.1"), f"{number}.host")
    cadence = {"cadence": "hourly"}
    with app.store._engine.begin() as connection:
        connection.execute(update(subscribers).where(subscribers.c.id == ines.id).values(cadence))

    with pytest.raises(UnreadableError, match=ines.id):
        take_back(app)

    assert status(app, otto) is Status.BOUNCED
    with app.store._engine.begin() as connection:
        connection.execute(update(subscribers).values(cadence="daily"))
    assert take_back(app) == {Consequence.BOUNCE: 1}
    assert status(app, ines) is Status.BOUNCED


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(result=Result.REJECTED, reply=550, status="5.1.1", detail="no"), Status.BOUNCED),
        (Outcome(result=Result.REJECTED, reply=552, status="5.2.2", detail="full"), Status.ACTIVE),
        (Outcome(result=Result.REJECTED, reply=554, status="5.7.1", detail="spam"), Status.ACTIVE),
    ],
)
def test_a_relay_that_knows_no_such_mailbox_counts_like_a_bounce(app, outcome, expected):
    wishes = Wishes(profile=Profile(topics=("sparse attention",)))
    reader = app.subscriptions.enrol("ines@reader.example", wishes, YES, now=NOON)
    compose(app.store, reader, app.pool(), edition="2026-04-03", now=NOON)

    done = deliver_due(app.store, app.live_post, Relay(outcome), now=lambda: NOON)
    app.returns.refused(done.refused, now=NOON)

    assert status(app, reader) is expected


def test_who_is_forgotten_while_a_relay_refuses_mails_keeps_no_other_refusal_from_counting(app):
    """The mails of a round come to their end one by one, and what follows from them after all."""
    wishes = Wishes(profile=Profile(topics=("sparse attention",)))
    readers = [
        app.subscriptions.enrol(f"{name}@reader.example", wishes, YES, now=NOON)
        for name in ("ines", "otto", "vera")
    ]
    for reader in readers:
        compose(app.store, reader, app.pool(), edition="2026-04-03", now=NOON)
    unknown = Outcome(result=Result.REJECTED, reply=550, status="5.1.1", detail="no")
    done = deliver_due(app.store, app.live_post, Relay(unknown), now=lambda: NOON)
    gone = done.refused[0].subscriber_id
    app.subscriptions.forget(gone, now=NOON)

    app.returns.refused(done.refused, now=NOON)

    left = [reader for reader in readers if reader.id != gone]
    assert [status(app, reader) for reader in left] == [Status.BOUNCED, Status.BOUNCED]
