"""Everybody's digest when it is due: once, over gaps, quiet days and pauses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta

import pytest

from newsletter.app import App
from newsletter.composing import Composed
from newsletter.config import load_settings
from newsletter.delivery import Errand
from newsletter.errors import StoreError
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Tier, Verdict
from newsletter.pipeline import compose_due, look_back, record
from newsletter.schedule import LONGEST_GAP
from newsletter.store import Move, open_store
from newsletter.store.subscribers import Outbox

MONDAY = date(2026, 3, 30)
START = datetime(2026, 3, 29, 12, tzinfo=UTC)
YES = Consent(at=START, origin="form", wording="yes")
FIELDS = ("sparse attention", "robot hands", "protein folding", "weather maps")


class World:
    """A store with a list for each day, and a clock moved by hand."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.now = START

    def lists(self, day: date, fields=FIELDS) -> None:
        """Eight papers of the day's list, two of each field."""
        entries = tuple(
            Entry(
                paper=Paper(
                    id=f"26{day:%m}.{day.day:02d}{n:03d}",
                    title=f"{field} study {day:%d}{n}",
                    abstract=f"All about {field}.",
                    url=f"https://papers.example/{n}",
                    listed_on=day,
                ),
                rank=n,
                upvotes=n,
            )
            for n, field in enumerate(fields * 2, start=1)
        )
        listing = Listing(source=f"daily:{day}", tier=Tier.API, entries=entries, listed_on=day)
        record(self.app.store, listing, now=self.now)

    def reader(self, topic="sparse attention", address="ines@reader.example", **wishes):
        profile = Profile(topics=(topic,), max_papers=20, surprise=False)
        asked = Wishes(profile=profile, **({"cadence": Cadence.DAILY} | wishes))
        return self.app.subscriptions.enrol(address, asked, YES, now=self.now)

    def compose(self, at: datetime, **rules) -> Composed:
        self.now = at
        pool = look_back(self.app.store, days=LONGEST_GAP + 3)
        return compose_due(self.app.store, pool, now=at, days=3, **rules)

    def digests(self, reader):
        with self.app.store.register() as register:
            return register.digests.of(reader.id)


@pytest.fixture
def world(tmp_path, monkeypatch, on_any_store) -> World:
    monkeypatch.setenv("NEWSLETTER_PATHS__STATE", str(tmp_path))
    made = World(App(load_settings()))
    made.lists(MONDAY)
    yield made
    made.app.store.close()


def morning(day: int, hour: int = 8) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_nobody_gets_a_digest_before_their_hour_and_everybody_one_at_it(world):
    reader = world.reader()

    assert world.compose(morning(30, 7)) == Composed()
    assert world.compose(morning(30)) == Composed(due=1, made=1)
    assert world.compose(morning(30)) == Composed()
    assert [digest.edition for digest in world.digests(reader)] == ["2026-03-30"]
    assert world.app.subscriptions.get(reader.id).next_due_at == morning(31)


def test_the_hour_is_the_readers_own(world):
    world.reader(timezone="Asia/Tokyo", send_at=time(6, 30))

    assert world.compose(datetime(2026, 3, 29, 21, 29, tzinfo=UTC)) == Composed()
    assert world.compose(datetime(2026, 3, 29, 21, 30, tzinfo=UTC)).made == 1


def test_a_day_without_a_fit_makes_no_mail_and_the_next_one_says_so(world):
    reader = world.reader("protein folding")
    world.compose(morning(30))
    world.lists(MONDAY + timedelta(days=1), fields=("robot hands",))
    assert world.compose(morning(31)) == Composed(due=1, made=0)

    world.lists(MONDAY + timedelta(days=2))
    world.compose(morning(31) + timedelta(days=1))

    last = world.digests(reader)[-1]
    assert last.notes == (
        "No digest came on 31 March 2026: nothing new was close enough to your interests.",
    )
    world.lists(MONDAY + timedelta(days=3))
    world.compose(morning(31) + timedelta(days=2))
    assert world.digests(reader)[-1].notes == ()


def test_the_next_digest_says_what_the_votes_moved_and_the_one_after_does_not(world):
    reader = world.reader("sparse attention")
    world.compose(morning(30))
    (first,) = world.digests(reader)
    assert first.notes == ()
    world.lists(MONDAY + timedelta(days=1), fields=("sparse attention", "robot hands"))
    hands = next(p for p in world.app.store.papers() if "robot hands" in p.title)
    world.app.subscriptions.rate(reader.id, hands.id, Verdict.MORE, now=morning(30, 9))

    world.compose(morning(31))

    assert "moved because of your votes." in world.digests(reader)[-1].notes[0]
    world.lists(MONDAY + timedelta(days=2))
    world.compose(morning(31) + timedelta(days=1))
    assert world.digests(reader)[-1].notes == ()


def test_fewer_papers_than_the_operator_wants_are_kept_for_the_next_digest(world):
    reader = world.reader()
    assert world.compose(morning(30), min_papers=4).made == 0
    world.lists(MONDAY + timedelta(days=1))

    assert world.compose(morning(31), min_papers=4).made == 1
    assert len(world.digests(reader)[-1].picks) >= 4


def test_after_a_breakdown_one_digest_covers_the_gap(world):
    reader = world.reader()
    world.compose(morning(30))
    for day in range(1, 6):
        world.lists(MONDAY + timedelta(days=day))

    assert world.compose(datetime(2026, 4, 4, 7, tzinfo=UTC)) == Composed(due=1, made=1)
    assert world.compose(datetime(2026, 4, 4, 8, tzinfo=UTC)) == Composed()

    days = {pick.paper.listed_on for pick in world.digests(reader)[-1].picks}
    assert days == {MONDAY + timedelta(days=n) for n in range(1, 6)}
    assert world.app.subscriptions.get(reader.id).next_due_at == datetime(2026, 4, 5, 8, tzinfo=UTC)


def test_a_weekly_digest_covers_its_week(world):
    reader = world.reader(cadence=Cadence.WEEKLY, weekday=6)
    for day in range(1, 7):
        world.lists(MONDAY + timedelta(days=day))

    world.compose(datetime(2026, 4, 5, 8, tzinfo=UTC))

    days = {pick.paper.listed_on for pick in world.digests(reader)[-1].picks}
    assert len(days) == 7


def test_late_arrivals_on_an_earlier_list_still_come(world):
    reader = world.reader()
    world.compose(morning(30))
    world.lists(MONDAY + timedelta(days=1))
    late = Paper(
        id="2603.99999",
        title="sparse attention late",
        abstract="sparse attention",
        listed_on=MONDAY,
    )
    entry = Entry(paper=late, rank=9)
    world.app.store.record(
        Listing(source="late", tier=Tier.API, entries=(entry,), listed_on=MONDAY), world.now
    )

    world.compose(morning(31))

    assert "2603.99999" in {pick.paper.id for pick in world.digests(reader)[-1].picks}


def test_no_paper_comes_twice_over_a_week(world):
    reader = world.reader()
    for day in range(7):
        world.lists(MONDAY + timedelta(days=day))
        world.compose(morning(30) + timedelta(days=day))

    sent = [pick.paper.id for digest in world.digests(reader) for pick in digest.picks]
    assert len(sent) == len(set(sent)) >= 14


def test_who_is_paused_gets_nothing_until_the_day_they_named(world):
    reader = world.reader()
    world.app.subscriptions.pause(reader.id, date(2026, 4, 1), now=START)

    assert world.compose(morning(30)) == Composed()
    world.app.subscriptions.resume_due(now=datetime(2026, 4, 1, 0, 1, tzinfo=UTC))
    assert world.compose(datetime(2026, 4, 1, 8, tzinfo=UTC)).due == 1


def test_a_change_of_the_hour_does_not_make_a_second_digest_of_the_day(world):
    reader = world.reader()
    world.compose(morning(30))
    later = Wishes(profile=reader.profile, cadence=Cadence.DAILY, send_at=time(20, 0))
    world.app.subscriptions.change(reader.id, later, now=morning(30, 12))

    assert world.compose(morning(30, 20)) == Composed(due=1, made=0)
    assert len(world.digests(reader)) == 1


def test_votes_count_at_once(world):
    reader = world.reader()
    world.app.subscriptions.rate(reader.id, "2603.30002", Verdict.MORE, now=START)

    world.compose(morning(30))

    liked = [str(reason) for pick in world.digests(reader)[0].picks for reason in pick.reasons]
    assert any("robot hands study" in reason for reason in liked)


def test_composers_at_work_at_once_make_one_digest_of_an_edition(world, on_any_store):
    """Each has its own connections, as processes have, and begins at another reader."""
    readers = [world.reader(address=f"r{n}@reader.example") for n in range(12)]
    stores = [open_store(on_any_store) for _ in range(4)]
    pool = look_back(world.app.store, days=LONGEST_GAP + 3)

    def composes(store) -> int:
        return compose_due(store, pool, now=morning(30), days=3).made

    with ThreadPoolExecutor(4) as threads:
        made = sum(threads.map(composes, stores))

    assert made == 12
    with world.app.store.register() as register:
        for reader in readers:
            assert len(register.digests.of(reader.id)) == 1
            assert [m.errand for m in register.outbox.of(reader.id)] == [Errand.DIGEST]
            assert register.by_id(reader.id).subscriber.next_due_at == morning(31)
    for store in stores:
        store.close()


def test_a_digest_that_could_not_be_queued_leaves_the_reader_due(world, monkeypatch):
    """Time, digest, ledger and mail are one transaction: all of it, or nothing."""
    reader = world.reader()

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "add_digests", full)
        with pytest.raises(StoreError):
            world.compose(morning(30))

    assert world.digests(reader) == ()
    assert world.compose(morning(30)) == Composed(due=1, made=1)


def test_somebody_from_before_the_schedule_gets_a_time(world):
    reader = world.reader()
    with world.app.store.changing_register() as register:
        register.calendar.move([Move(subscriber_id=reader.id, since=reader.next_due_at, to=None)])

    assert world.compose(morning(30, 7)).due == 1
    assert world.app.subscriptions.get(reader.id).next_due_at == morning(30)
