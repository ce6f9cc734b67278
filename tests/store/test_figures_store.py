"""Counts and ages of everything, as the watch and the metrics ask for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.membership import Consent
from newsletter.model import Entry, Listing, Paper, Status, Subscriber, Tier
from newsletter.store import Newcomer, Suppressed, open_store
from newsletter.watch import Figures

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LATE = 30 * MINUTE
YES = Consent(at=NOON, origin="form", wording="yes")


@pytest.fixture(autouse=True)
def readers(store):
    people = (
        Subscriber(id="s1", email="a@x.org", next_due_at=NOON - HOUR),
        Subscriber(id="s2", email="b@x.org", next_due_at=NOON - 10 * MINUTE),
        Subscriber(id="s3", email="c@x.org", next_due_at=NOON - HOUR, status=Status.PENDING),
    )
    with store.changing_register() as register:
        register.insert([Newcomer(subscriber=p, key=p.email, consent=YES) for p in people], NOON)


def queue(store, *mails: Delivery) -> None:
    with store.changing_register() as register:
        for mail in mails:
            register.outbox.add(mail)


def mail(name: str, since: datetime = NOON, **facts: object) -> Delivery:
    usual = {"errand": Errand.DIGEST, "subscriber_id": "s1", "next_attempt_at": since}
    return Delivery(**({"id": name, "created_at": since} | usual | facts))


def figures(store) -> Figures:
    return store.figures(NOON, late=LATE)


def test_an_empty_store_has_figures_too():
    store = open_store("sqlite://")

    assert figures(store) == Figures()
    store.close()


def test_papers_and_the_last_look_are_known(store):
    old = Entry(paper=Paper(id="2604.00001", title="One", listed_on=date(2026, 4, 1)), rank=1)
    new = Entry(paper=Paper(id="2604.00002", title="Two", listed_on=date(2026, 4, 2)), rank=2)
    store.record(Listing(source="a", tier=Tier.API, entries=(old,)), NOON - 5 * HOUR)
    store.record(Listing(source="a", tier=Tier.API, entries=(old, new)), NOON - 3 * HOUR)
    store.record(Listing(source="a", tier=Tier.API, entries=(old,)), NOON - HOUR)

    known = figures(store)
    assert (known.papers, known.last_look_at, known.last_new_paper_at) == (
        2,
        NOON - HOUR,
        NOON - 3 * HOUR,
    )


def test_who_is_due_for_longer_than_late_and_has_no_digest_is_counted(store):
    known = figures(store)

    assert (known.undone, known.undone_since) == (1, NOON - HOUR)
    assert dict(known.subscribers) == {Status.ACTIVE: 2, Status.PENDING: 1}


def test_mails_that_nobody_takes_are_overdue_but_not_those_put_off_or_in_hand(store):
    put_off = {"state": DeliveryState.DEFERRED, "next_attempt_at": NOON + HOUR}
    in_hand = {"state": DeliveryState.SENDING, "leased_until": NOON + MINUTE}
    lost = {"state": DeliveryState.SENDING, "leased_until": NOON - 40 * MINUTE}
    queue(
        store,
        mail("forgotten", NOON - 50 * MINUTE),
        mail("new", NOON - MINUTE),
        mail("put off", NOON - 3 * HOUR, **put_off),
        mail("in hand", NOON - HOUR, **in_hand),
        mail("lost", NOON - 2 * HOUR, **lost),
    )

    known = figures(store)
    assert (known.overdue, known.overdue_since) == (2, NOON - 50 * MINUTE)
    assert known.waiting_since == NOON - 3 * HOUR


def test_digests_of_the_last_day_are_counted_once_they_had_time_to_leave(store):
    queue(
        store,
        mail("sent", NOON - 2 * HOUR, state=DeliveryState.SENT),
        mail("failed", NOON - 2 * HOUR, state=DeliveryState.FAILED),
        mail("cancelled", NOON - 2 * HOUR, state=DeliveryState.CANCELLED),
        mail("waits", NOON - 2 * HOUR, state=DeliveryState.DEFERRED, last_error="450 busy"),
        mail("fresh", NOON - MINUTE),
        mail("of old", NOON - 30 * HOUR, state=DeliveryState.SENT),
        mail("a letter", NOON - 2 * HOUR, errand=Errand.CONFIRM),
    )

    known = figures(store)
    assert (known.made, known.unsent, known.trouble) == (3, 1, "450 busy")


def test_what_ended_is_counted_for_thirty_days_and_what_waits_for_ever(store):
    long_ago = NOON - timedelta(days=40)
    queue(
        store,
        mail("sent", NOON - timedelta(days=20), state=DeliveryState.SENT),
        mail("sent long ago", long_ago, state=DeliveryState.SENT),
        mail("waits", long_ago),
    )

    known = figures(store)
    assert dict(known.deliveries) == {DeliveryState.SENT: 1, DeliveryState.QUEUED: 1}
    assert known.mailed == 1


def test_bounces_and_complaints_are_counted_for_thirty_days(store):
    refused = {"state": DeliveryState.FAILED, "last_error": "550 5.1.1 RCPT TO: no such user"}
    ours = {"state": DeliveryState.FAILED, "last_error": "550 5.7.1 MAIL FROM: not from here"}
    tired = {"state": DeliveryState.FAILED, "last_error": "450 RCPT TO: busy"}
    queue(store, mail("a", **refused), mail("b", **refused), mail("c", **ours), mail("d", **tired))
    with store.changing_register() as register:
        register.addresses.suppress("a@x.org", Suppressed.BOUNCED, NOON)
        register.addresses.suppress("b@x.org", Suppressed.COMPLAINED, NOON - timedelta(days=29))
        register.addresses.suppress("c@x.org", Suppressed.COMPLAINED, NOON - timedelta(days=31))
        register.addresses.suppress("d@x.org", Suppressed.FORGOTTEN, NOON)

    known = figures(store)
    assert (known.mailed, known.bounced, known.complained) == (4, 2, 1)


def test_figures_name_nobody(store):
    queue(store, replace(mail("d1"), last_error=""))

    assert "@" not in repr(figures(store))


def test_mails_that_are_held_back_are_counted_with_the_rules_they_break(store):
    put_off = {"state": DeliveryState.DEFERRED}
    queue(
        store,
        mail("d1", **put_off, last_error="pre-flight: no template leftovers"),
        mail("d2", **put_off, last_error="pre-flight: no template leftovers"),
        mail("d3", **put_off, last_error="451 4.7.1 RCPT TO: pre-flight: later"),
        mail("d4", state=DeliveryState.FAILED, last_error="pre-flight: no template leftovers"),
    )

    known = figures(store)
    assert (known.held_back, known.why_held_back) == (2, "no template leftovers")
