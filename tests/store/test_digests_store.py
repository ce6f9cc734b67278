"""Digests, the ledger of papers sent, deliveries and keys, over real SQLite."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.membership import Consent
from newsletter.model import Digest, Entry, Listing, Paper, Pick, Reason, Subscriber, Tier, Why
from newsletter.store import Newcomer
from newsletter.store.schema import digests

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def papers(store):
    listed = tuple(
        Paper(id=f"2604.0000{n}", title=f"Paper {n}", listed_on=date(2026, 4, 3)) for n in (1, 2, 3)
    )
    entries = tuple(Entry(paper=paper, rank=n) for n, paper in enumerate(listed, start=1))
    store.record(Listing(source="daily", tier=Tier.API, entries=entries), NOON)
    return listed


@pytest.fixture(autouse=True)
def reader(store):
    with store.changing_register() as register:
        for n in (1, 2):
            someone = Subscriber(id=f"s{n}", email=f"r{n}@x.org")
            consent = Consent(at=NOON, origin="form", wording="yes")
            register.insert(
                [Newcomer(subscriber=someone, key=someone.email, consent=consent)], NOON
            )


def digest(papers, edition="2026-04-03", subscriber_id="s1") -> Digest:
    picks = tuple(
        Pick(
            paper=paper,
            score=0.5,
            reasons=(Reason(why=Why.TOPIC, detail="agents"),),
            upvotes=7,
        )
        for paper in papers
    )
    return Digest(
        id=f"d-{subscriber_id}-{edition}",
        subscriber_id=subscriber_id,
        edition=edition,
        subject="Paper 1, and 2 more",
        preheader="Also: Paper 2",
        picks=picks,
        considered=3,
        created_at=NOON,
        notes=("Welcome!",),
    )


def delivery(name="d1", **facts) -> Delivery:
    usual = {"errand": Errand.DIGEST, "subscriber_id": "s1", "created_at": NOON}
    return Delivery(**({"id": name, "next_attempt_at": NOON} | usual | facts))


def keep(store, made):
    """As composing does; false if the subscriber has this edition."""
    with store.changing_register() as register:
        new = register.digests.unknown([made])
        register.digests.keep_all(new)
        return bool(new)


def claim(store, now=NOON, most=10):
    with store.changing_register() as register:
        return register.outbox.claim(now, most=most, lease=10 * MINUTE)


def queue(store, *mails):
    with store.changing_register() as register:
        for mail in mails:
            register.outbox.add(mail)


def test_a_digest_comes_back_as_it_was_kept(store, papers):
    made = digest(papers)

    assert keep(store, made)
    assert store.digest(made.id) == made
    assert store.digest("unknown") is None


def test_a_subscriber_has_one_digest_of_an_edition(store, papers):
    keep(store, digest(papers))

    assert not keep(store, replace(digest(papers[:1]), id="another"))
    assert keep(store, digest(papers, subscriber_id="s2"))
    assert keep(store, digest(papers, edition="2026-04-04"))


def test_the_ledger_knows_every_paper_that_was_sent_to_a_person(store, papers):
    keep(store, digest(papers[:2]))
    keep(store, digest(papers[1:], edition="2026-04-04"))

    with store.register() as register:
        assert register.ledger.sent_to("s1") == {paper.id for paper in papers}
        assert register.ledger.sent_to("s2") == frozenset()
        assert [made.edition for made in register.digests.of("s1")] == ["2026-04-03", "2026-04-04"]
        assert register.digests.last_of("s2") is None


def test_digests_read_together_share_papers_and_reasons_and_leave_out_what_is_gone(store, papers):
    gone = Paper(id="2604.77777", title="Never stored")
    whole, other = digest(papers), digest([gone, *papers[1:]], subscriber_id="s2")
    keep(store, whole)
    keep(store, other)
    shelf = {papers[0].id: papers[0]}

    with store.register() as register:
        first = register.digests.among([whole.id], shelf)
        both = register.digests.among([whole.id, other.id], shelf)

    assert first == {whole.id: whole}
    assert both == {whole.id: whole, other.id: replace(other, picks=other.picks[1:])}
    assert shelf == {paper.id: paper for paper in papers}
    picks = [pick for made in both.values() for pick in made.picks]
    assert len({id(pick.reasons) for pick in picks}) == 1
    assert len({id(pick.paper) for pick in picks}) == len(papers)


def test_a_digest_of_the_time_when_each_value_had_its_name_is_read(store, papers):
    made = digest(papers)
    keep(store, made)
    pick = {"score": 0.5, "reasons": [["topic", "agents"]]}
    pick |= {"upvotes": 7, "comments": None, "stars": None}
    named = [pick | {"paper_id": papers[0].id}]
    named.append(pick | {"paper_id": "t:0123456789abcdef", "title_key": papers[1].key})
    with store._engine.begin() as connection:
        connection.execute(update(digests).values(picks=named))

    assert store.digest(made.id) == replace(made, picks=made.picks[:2])


def test_a_paper_that_takes_its_arxiv_id_later_stays_in_the_digest_and_the_ledger(store):
    nameless = Paper(id="t:0123456789abcdef", title="A paper without number")
    store.record(
        Listing(source="dump", tier=Tier.DUMP, entries=(Entry(paper=nameless, rank=1),)), NOON
    )
    keep(store, digest([nameless]))
    named = replace(nameless, id="2604.09999")
    store.record(Listing(source="api", tier=Tier.API, entries=(Entry(paper=named, rank=1),)), NOON)

    made = store.digest("d-s1-2026-04-03")
    assert [pick.paper.id for pick in made.picks] == ["2604.09999"]
    with store.register() as register:
        assert register.ledger.sent_to("s1") == {"2604.09999"}


def test_a_mail_is_claimed_once_and_counts_its_attempt_before_it_leaves(store):
    queue(store, delivery("d1"), delivery("d2", next_attempt_at=NOON + MINUTE))

    (mine,) = claim(store)
    assert (mine.id, mine.state, mine.attempts) == ("d1", DeliveryState.SENDING, 1)
    assert mine.leased_until == NOON + 10 * MINUTE
    assert claim(store) == ()
    assert [mail.id for mail in claim(store, NOON + MINUTE)] == ["d2"]


def test_a_mail_whose_sender_vanished_is_taken_over_when_the_lease_is_over(store):
    queue(store, delivery())
    claim(store)

    assert claim(store, NOON + 9 * MINUTE) == ()
    (again,) = claim(store, NOON + 10 * MINUTE)
    assert again.attempts == 2


def test_what_is_recorded_as_sent_is_not_claimed_again(store):
    queue(store, delivery())
    (mine,) = claim(store)
    with store.changing_register() as register:
        register.outbox.record([replace(mine, state=DeliveryState.SENT, sent_at=NOON)])

    assert claim(store, NOON + timedelta(days=1)) == ()
    with store.register() as register:
        assert register.outbox.waiting() == 0
        assert register.outbox.get("d1").sent_at == NOON


def test_the_mail_of_a_digest_waits_as_any_other_from_when_it_was_made(store, papers):
    made = digest(papers)
    with store.changing_register() as register:
        register.outbox.add_digests([made])
        register.outbox.add_digests([])

    with store.register() as register:
        assert register.outbox.get(made.id) == delivery(made.id)


def test_a_column_is_written_as_each_database_takes_it_whatever_stands_in_one_row(store, papers):
    plain = [digest(papers, edition=f"2026-05-{day:02}") for day in range(1, 25)]
    odd = replace(digest(papers), subject="“é” \ud800\0", notes=("“é”",))
    with store.changing_register() as register:
        register.digests.keep_all([*plain, odd, digest([], subscriber_id="s2")])

    assert store.digest(odd.id) == replace(odd, subject="“é” ?")
    assert [store.digest(one.id) for one in plain] == plain
    assert store.digest("d-s2-2026-04-03").picks == ()


def test_the_oldest_mails_are_claimed_first_and_no_more_than_asked_for(store):
    queue(store, *(delivery(f"d{n}", next_attempt_at=NOON - n * MINUTE) for n in range(5)))

    assert [mail.id for mail in claim(store, most=2)] == ["d4", "d3"]


def test_who_is_erased_takes_digests_ledger_and_mails_along(store, papers):
    keep(store, digest(papers))
    queue(store, delivery())
    with store.changing_register() as register:
        register.erase(["s1"])

    assert store.digest("d-s1-2026-04-03") is None
    with store.register() as register:
        assert register.ledger.sent_to("s1") == frozenset()
        assert register.outbox.get("d1") is None


def test_the_first_key_is_made_once_and_a_new_one_signs_from_then_on(store):
    (first,) = store.link_keys(NOON)
    assert store.link_keys(NOON) == (first,)

    second = store.add_link_key(NOON)
    assert [key.version for key in store.link_keys(NOON)] == [1, 2]
    assert len(first.secret) == 64
    assert first.secret != second.secret

    assert store.drop_link_key(1)
    assert not store.drop_link_key(1)
    assert store.link_keys(NOON) == (second,)
