"""Many digests in one go: the same as one by one, in one transaction, shared by ids."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from newsletter.composing import Composed
from newsletter.errors import StoreError
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Entry, Feedback, Listing, Paper, Profile, Tier, Verdict
from newsletter.pipeline import compose_due, look_back, record
from newsletter.store import open_store
from newsletter.subscriptions import Subscriptions

DAY = date(2026, 3, 30)
BEFORE = datetime(2026, 3, 29, 12, tzinfo=UTC)
EIGHT = datetime(2026, 3, 30, 8, tzinfo=UTC)
YES = Consent(at=BEFORE, origin="form", wording="yes")
FIELDS = ("sparse attention", "robot hands", "protein folding", "weather maps")


def stocked(url: str):
    """A store with one list and thirty readers; the ids are the same in every such store."""
    store = open_store(url)
    entries = tuple(
        Entry(
            paper=Paper(
                id=f"2603.{n:05}",
                title=f"{FIELDS[n % 4]} study {n}",
                abstract=f"All about {FIELDS[n % 4]}.",
                listed_on=DAY,
            ),
            rank=n,
        )
        for n in range(1, 25)
    )
    record(store, Listing(source="d", tier=Tier.API, entries=entries, listed_on=DAY), now=BEFORE)
    desk = Subscriptions(store)
    readers = [
        desk.enrol(
            f"r{n}@reader.example",
            Wishes(
                profile=Profile(topics=(FIELDS[n % 4],), max_papers=3, surprise=False),
                cadence=Cadence.DAILY,
                send_at=time(7 + n % 2),
            ),
            YES,
            now=BEFORE,
        )
        for n in range(30)
    ]
    with store.changing_register() as register:
        for reader in readers[::3]:
            vote = Feedback(
                subscriber_id=reader.id, paper_id="2603.00005", verdict=Verdict.MORE, at=EIGHT
            )
            register.vote(vote)
    return store, readers


@pytest.fixture
def world(any_store_url):
    store, readers = stocked(any_store_url)
    yield store, readers
    store.close()


def told(store, reader):
    """What stands in somebody's digest, but for its id."""
    with store.register() as register:
        (digest,) = register.digests.of(reader.id)
    return replace(digest, id="", subscriber_id="")


def test_many_composed_together_get_what_each_would_get_alone(world):
    store, readers = world
    pool = look_back(store, days=3)
    alone, lonely = stocked("sqlite://")

    assert compose_due(store, pool, now=EIGHT, days=3) == Composed(due=30, made=30)
    for _ in lonely:
        assert compose_due(alone, pool, now=EIGHT, days=3, most=1) == Composed(due=1, made=1)

    together = [told(store, reader) for reader in readers]
    assert together == [told(alone, reader) for reader in lonely]
    assert len({digest.subject for digest in together}) >= len(FIELDS)
    alone.close()


def test_processes_that_share_the_work_by_ids_make_every_digest_once(world):
    store, _ = world
    pool = look_back(store, days=3)

    done = [compose_due(store, pool, now=EIGHT, days=3, shard=one) for one in "0123456789abcdef"]

    assert sum(one.made for one in done) == sum(one.due for one in done) == 30
    assert sum(one.made > 0 for one in done) > 1
    assert compose_due(store, pool, now=EIGHT, days=3) == Composed()


def test_what_is_done_also_is_part_of_the_transaction(world):
    store, _ = world
    pool = look_back(store, days=3)
    seen = []

    def fails(register, mails):
        seen.extend(register.outbox.among([mail.id for mail in mails]))
        raise StoreError("no job could be written down")

    with pytest.raises(StoreError):
        compose_due(store, pool, now=EIGHT, days=3, also=fails)

    assert len(seen) == 30
    with store.register() as register:
        assert register.outbox.waiting() == 0
    assert compose_due(store, pool, now=EIGHT, days=3).made == 30
