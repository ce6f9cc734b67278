"""From a subscriber to a mail at the relay: composed once, stopped at the last moment when needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.delivery import DeliveryState, Outcome, Result
from newsletter.membership import Consent, Wishes
from newsletter.model import Entry, Listing, Paper, Profile, Tier
from newsletter.pipeline import Delivered, compose, deliver_due, record

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
YES = Consent(at=NOON, origin="form", wording="yes")
TOPICS = ("sparse attention", "robot hands", "protein folding", "weather maps")


class Relay:
    """Takes or refuses what a test wants it to, and remembers it."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.taken: list[tuple[str, str, bytes]] = []
        self.meanwhile = lambda: None

    def carry(self, mails):
        for mail in mails:
            yield self.take(mail.raw, sender=mail.sender, recipient=mail.recipient)

    def take(self, raw: bytes, *, sender: str, recipient: str) -> Outcome:
        self.meanwhile()
        self.taken.append((sender, recipient, raw))
        return self.outcomes.pop(0) if self.outcomes else Outcome(result=Result.ACCEPTED)

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def app(tmp_path, monkeypatch, on_any_store) -> App:
    monkeypatch.setenv("NEWSLETTER_PATHS__STATE", str(tmp_path))
    made = App(load_settings(), now=lambda: NOON)
    entries = tuple(
        Entry(
            paper=Paper(
                id=f"2604.{n:05d}",
                title=f"{TOPICS[n % 4]} study {n}",
                abstract=f"All about {TOPICS[n % 4]}.",
                url=f"https://papers.example/{n}",
                listed_on=date(2026, 4, 3),
            ),
            rank=n,
            upvotes=n,
        )
        for n in range(1, 13)
    )
    listing = Listing(source="daily", tier=Tier.API, entries=entries, listed_on=date(2026, 4, 3))
    record(made.store, listing, now=NOON)
    yield made
    made.store.close()


@pytest.fixture
def reader(app):
    wishes = Wishes(profile=Profile(topics=("sparse attention",), max_papers=2))
    return app.subscriptions.enrol("ines@reader.example", wishes, YES, now=NOON)


def composed(app, reader, edition="2026-04-03", **more):
    return compose(app.store, reader, app.pool(), edition=edition, now=NOON, **more)


def delivered(app, relay, now=NOON) -> Delivered:
    return deliver_due(app.store, app.live_post, relay, now=lambda: now)


def end_of(app, digest):
    with app.store.register() as register:
        return register.outbox.get(digest.id)


def test_a_digest_is_kept_queued_and_sent_once(app, reader):
    digest = composed(app, reader, notes=("Welcome to your first digest.",))
    relay = Relay()

    assert delivered(app, relay) == Delivered(sent=1)
    assert delivered(app, relay) == Delivered()
    ((sender, recipient, raw),) = relay.taken
    assert (sender, recipient) == ("digest@newsletter.example", "ines@reader.example")
    assert digest.id.encode() in raw
    assert b"Welcome to your first digest." in raw


def test_the_same_edition_is_composed_once(app, reader):
    assert composed(app, reader)
    assert composed(app, reader) is None
    assert delivered(app, Relay()) == Delivered(sent=1)


def test_no_paper_reaches_a_person_twice(app, reader):
    first, second = composed(app, reader), composed(app, reader, edition="2026-04-04")

    seen = {pick.paper.id for pick in first.picks}
    assert seen
    assert seen.isdisjoint(pick.paper.id for pick in second.picks)


def test_nothing_worth_a_mail_makes_no_mail(app, reader):
    for day in range(3, 12):
        composed(app, reader, edition=f"2026-04-{day:02d}")

    assert composed(app, reader, edition="2026-05-01") is None


def test_who_left_between_composing_and_sending_gets_nothing(app, reader):
    digest = composed(app, reader)
    app.subscriptions.unsubscribe(reader.id, now=NOON)
    relay = Relay()

    assert delivered(app, relay) == Delivered(cancelled=1)
    assert relay.taken == []
    assert end_of(app, digest).last_error == "the subscriber is unsubscribed"


def test_a_suppressed_address_gets_nothing(app, reader):
    digest = composed(app, reader)
    app.subscriptions.complain(reader.id, now=NOON)

    assert delivered(app, Relay()) == Delivered(cancelled=1)
    assert "suppressed" in end_of(app, digest).last_error


def test_a_mail_that_the_relay_puts_off_is_sent_later(app, reader):
    digest = composed(app, reader)
    relay = Relay(Outcome(result=Result.DEFERRED, reply=451, status="4.7.1", detail="greylisted"))

    assert delivered(app, relay) == Delivered(deferred=1)
    assert end_of(app, digest).last_error == "451 4.7.1 greylisted"
    assert delivered(app, relay, NOON + timedelta(minutes=29)) == Delivered()
    assert delivered(app, relay, NOON + timedelta(minutes=30)) == Delivered(sent=1)
    first, second = (raw for _, _, raw in relay.taken)
    assert first == second


def test_the_papers_of_a_digest_that_never_arrived_come_with_the_next_one(app, reader):
    first = composed(app, reader)
    delivered(app, Relay(Outcome(result=Result.REJECTED, reply=550)))

    again = composed(app, reader, edition="2026-04-04")
    assert [pick.paper.id for pick in again.picks] == [pick.paper.id for pick in first.picks]


def test_a_refused_mail_is_not_tried_again(app, reader):
    digest = composed(app, reader)

    assert delivered(app, Relay(Outcome(result=Result.REJECTED, reply=550))) == Delivered(failed=1)
    assert end_of(app, digest).state is DeliveryState.FAILED


def test_two_senders_at_work_at_once_never_send_the_same_mail(app, reader):
    composed(app, reader)
    first, second = Relay(), Relay()
    first.meanwhile = lambda: delivered(app, second)

    delivered(app, first)

    assert (len(first.taken), len(second.taken)) == (1, 0)


def test_a_confirmation_that_would_come_too_late_does_not_leave(app):
    app.subscriptions.subscribe("new@reader.example", None, YES, now=NOON)

    assert delivered(app, Relay(), NOON + timedelta(hours=48)) == Delivered(cancelled=1)


def test_a_confirmation_of_somebody_who_left_meanwhile_does_not_leave(app):
    asked = app.subscriptions.subscribe("new@reader.example", None, YES, now=NOON)
    app.subscriptions.unsubscribe(asked.subscriber.id, now=NOON)

    assert delivered(app, Relay()) == Delivered(cancelled=1)


def test_a_broken_template_puts_mails_off_and_loses_none(app, reader, tmp_path):
    digest = composed(app, reader)
    broken = tmp_path / "own"
    broken.mkdir()
    (broken / "digest.txt.j2").write_text("{{ mail.no_such_thing }}")
    other = App(app.settings, now=lambda: NOON, templates=broken)

    assert deliver_due(app.store, other.live_post, Relay(), now=lambda: NOON) == Delivered(
        deferred=1
    )
    other.store.close()
    assert "no_such_thing" in end_of(app, digest).last_error
    assert delivered(app, Relay(), NOON + timedelta(hours=1)) == Delivered(sent=1)


def test_a_mail_that_cannot_be_made_for_a_reason_nobody_foresaw_is_put_off(
    app, reader, tmp_path, caplog
):
    digest = composed(app, reader)
    own = tmp_path / "own"
    own.mkdir()
    (own / "digest.txt.j2").write_text(r'{{ "half of a pair: \ud800" }}')
    other = App(app.settings, now=lambda: NOON, templates=own)

    assert deliver_due(app.store, other.live_post, Relay(), now=lambda: NOON) == Delivered(
        deferred=1
    )
    other.store.close()
    assert end_of(app, digest).last_error == "it cannot be made: UnicodeEncodeError"
    assert "a mail cannot be made" in caplog.text
    assert delivered(app, Relay(), NOON + timedelta(hours=1)) == Delivered(sent=1)


def test_votes_decide_what_is_composed(app, reader):
    liked = Profile(liked=("2604.00001",), max_papers=2, surprise=False)
    taste = replace(reader, profile=replace(liked, topics=("robot hands",)))

    digest = composed(app, taste)

    assert all("robot hands" in pick.paper.title for pick in digest.picks)


def test_the_export_of_a_reader_holds_their_digests_and_mails(app, reader):
    composed(app, reader)
    delivered(app, Relay(Outcome(result=Result.DEFERRED, reply=451, detail="greylisted")))

    kept = app.subscriptions.export(reader.id)

    assert [paper["id"] for paper in kept["digests"][0]["papers"]]
    assert "your topic “sparse attention”" in kept["digests"][0]["papers"][0]["why"]
    assert kept["mails"][0]["state"] == "deferred"
    assert kept["mails"][0]["last_error"] == "451 greylisted"


def test_a_broken_template_holds_the_digest_back_until_it_is_mended(app, reader, tmp_path):
    digest = composed(app, reader)
    own = tmp_path / "own"
    own.mkdir()
    (own / "digest.txt.j2").write_text("{{ '{{ title }}' }}")
    relay = Relay()
    wrong = App(app.settings, now=lambda: NOON, templates=own)

    assert deliver_due(app.store, wrong.live_post, relay, now=app.now) == Delivered(deferred=1)
    assert end_of(app, digest).last_error == "pre-flight: text: no template leftovers"
    assert app.store.figures(NOON, late=timedelta(minutes=30)).held_back == 1

    later = NOON + timedelta(minutes=30)
    assert delivered(app, relay, now=later) == Delivered(sent=1)
    assert len(relay.taken) == 1
    assert app.store.figures(later, late=timedelta(minutes=30)).held_back == 0
    wrong.store.close()
