"""One reader of whom something is broken in the store: nobody else waits for it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import update

from newsletter.app import App
from newsletter.composing import Composed
from newsletter.config import load_settings
from newsletter.delivery import DeliveryState
from newsletter.errors import StoreError, UnreadableError
from newsletter.jobs import Jobs
from newsletter.mail.folder import FolderTransport
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Tier, Verdict
from newsletter.pipeline import deliver_due, make, record
from newsletter.store import Move
from newsletter.store.schema import feedback, profiles, subscribers

MONDAY = date(2026, 3, 30)
EVENING = datetime(2026, 3, 29, 12, tzinfo=UTC)
MORNING = datetime(2026, 3, 30, 8, tzinfo=UTC)
YES = Consent(at=EVENING, origin="form", wording="yes")


class House:
    """Two readers whose digests are due at the same hour; of one something is broken by hand."""

    def __init__(self) -> None:
        self.now = EVENING
        self.app = App(load_settings(), now=lambda: self.now)
        entries = tuple(
            Entry(
                paper=Paper(id=f"2603.0000{n}", title=f"sparse attention {n}", url="https://p"),
                rank=n,
            )
            for n in range(1, 5)
        )
        record(
            self.app.store,
            Listing(source="daily", tier=Tier.API, entries=entries, listed_on=MONDAY),
            now=EVENING,
        )
        self.ada, self.ben = self._reader("ada"), self._reader("ben")
        self.alarms: list[str] = []

    def _reader(self, name: str, send_at: time = time(8)):
        wishes = Wishes(
            profile=Profile(topics=("sparse attention",)), cadence=Cadence.DAILY, send_at=send_at
        )
        return self.app.subscriptions.enrol(f"{name}@reader.example", wishes, YES, now=EVENING)

    def breaks(self, table, **values) -> None:
        whose = table.c.id if table is subscribers else table.c.subscriber_id
        with self.app.store._engine.begin() as connection:
            connection.execute(update(table).where(whose == self.ada.id).values(**values))

    def compose(self) -> None:
        jobs = Jobs(self.app, wake=lambda: None, names=["compose"])
        jobs.alarm = lambda name, sentence: self.alarms.append(f"{name}: {sentence}")
        jobs._looked.set()
        jobs.compose()

    def made_for(self, reader) -> int:
        with self.app.store.register() as register:
            return len(register.digests.of(reader.id))


@pytest.fixture
def house(tmp_path, monkeypatch, on_any_store) -> House:
    monkeypatch.setenv("NEWSLETTER_PATHS__STATE", str(tmp_path))
    made = House()
    yield made
    made.app.store.close()


def another_profile(house: House) -> None:
    house.breaks(profiles, profile={"topics": None})


def another_cadence(house: House) -> None:
    house.breaks(subscribers, cadence="hourly")


def another_vote(house: House) -> None:
    house.app.subscriptions.rate(house.ada.id, "2603.00001", Verdict.MORE, now=EVENING)
    house.breaks(feedback, verdict="meh")


@pytest.mark.parametrize("breaks", [another_profile, another_cadence, another_vote])
def test_who_cannot_be_read_waits_and_all_others_get_their_digest(house, breaks):
    breaks(house)
    house.now = MORNING

    house.compose()

    assert (house.made_for(house.ada), house.made_for(house.ben)) == (0, 1)
    (told,) = house.alarms
    assert told.startswith("readers: ")
    assert house.ada.id in told
    house.now += timedelta(minutes=29)
    house.compose()
    assert len(house.alarms) == 1
    house.now += timedelta(minutes=1)
    house.compose()
    assert len(house.alarms) == 2


def test_a_time_zone_that_is_gone_costs_its_reader_the_hour_and_nobody_a_digest(house):
    house.breaks(subscribers, timezone="US/Pacific-New")
    house.now = MORNING

    house.compose()

    assert (house.made_for(house.ada), house.made_for(house.ben)) == (1, 1)
    (told,) = house.alarms
    assert "US/Pacific-New" in told
    assert f"newsletter subscribers edit {house.ada.id} --timezone" in told
    assert house.app.subscriptions.find(house.ada.id).next_due_at == MORNING + timedelta(days=1)


def test_the_mail_of_somebody_who_cannot_be_read_is_put_off_and_all_others_leave(house, tmp_path):
    house.now = MORNING
    house.compose()
    another_cadence(house)

    transport = FolderTransport(tmp_path / "out")
    done = deliver_due(house.app.store, house.app.live_post, transport, now=lambda: house.now)

    assert (done.sent, done.deferred) == (1, 1)
    with house.app.store.register() as register:
        (mail,) = register.outbox.of(house.ada.id)
    assert mail.state is DeliveryState.DEFERRED
    assert "cannot be read by this version" in mail.last_error


def test_a_list_of_all_leaves_out_who_cannot_be_read_and_names_them(house, caplog):
    another_profile(house)

    assert [one.email for one in house.app.subscriptions.all()] == ["ben@reader.example"]

    assert house.ada.id in caplog.text
    with pytest.raises(UnreadableError, match="the profile's topics"):
        house.app.subscriptions.get(house.ada.id)


def test_a_vote_that_cannot_be_read_is_told_in_a_sentence(house):
    another_vote(house)

    with house.app.store.register() as register:
        with pytest.raises(UnreadableError, match=f"{house.ada.id} .*'meh'"):
            register.votes_of([house.ada.id])
        assert register.votes_of([house.ben.id]) == {house.ben.id: ()}


def test_what_goes_wrong_with_everybody_is_no_readers_fault(house, monkeypatch):
    for n in range(12):
        house._reader(f"r{n}")
    house.now = MORNING

    def broken(*_: object, **__: object) -> Composed:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("newsletter.pipeline.make", broken)
    with pytest.raises(RuntimeError):
        house.compose()
    with house.app.store.register() as register:
        assert register.calendar.count_due(MORNING) == 14


def test_many_who_fail_hold_up_nobody_who_becomes_due_later(house, monkeypatch):
    for n in range(11):
        house._reader(f"r{n}")
    eve = house._reader("eve", send_at=time(9))

    def broken(store, askings, *papers_and_now):
        if any(one.subscriber.id != eve.id for one in askings):
            raise RuntimeError("a profile that is too much for us")
        return make(store, askings, *papers_and_now)

    monkeypatch.setattr("newsletter.pipeline.make", broken)
    for house.now in (MORNING, MORNING + timedelta(hours=1)):
        with suppress(RuntimeError):
            house.compose()

    assert house.made_for(eve) == 1
    (told,) = house.alarms
    assert told.endswith("(12 more: see the log).")


def test_what_goes_wrong_only_with_many_together_is_told_in_the_log(house, monkeypatch, caplog):
    def broken(store, askings, *papers_and_now):
        if len(askings) > 1:
            raise RuntimeError("a fault of ours")
        return make(store, askings, *papers_and_now)

    monkeypatch.setattr("newsletter.pipeline.make", broken)
    house.now = MORNING
    house.compose()

    assert (house.made_for(house.ada), house.made_for(house.ben)) == (1, 1)
    assert house.alarms == []
    assert "a fault of ours" in caplog.text


def test_who_was_served_by_another_process_meanwhile_is_not_put_off(house, monkeypatch):
    house.now, tomorrow = MORNING, MORNING + timedelta(days=1)

    def broken(store, askings, *_: object):
        if [one.subscriber.id for one in askings] == [house.ada.id]:
            with store.changing_register() as register:
                register.calendar.move([Move(house.ada.id, MORNING, tomorrow)])
        raise RuntimeError("a fault of this version")

    monkeypatch.setattr("newsletter.pipeline.make", broken)
    house.compose()

    assert house.app.subscriptions.find(house.ada.id).next_due_at == tomorrow
    assert house.app.subscriptions.find(house.ben.id).next_due_at == MORNING + timedelta(minutes=30)


def test_a_database_that_does_not_answer_is_told_as_such(house, monkeypatch):
    house.now = MORNING

    def gone(*_: object, **__: object) -> Composed:
        raise StoreError("gone")

    monkeypatch.setattr("newsletter.pipeline.make", gone)
    with pytest.raises(StoreError, match="gone"):
        house.compose()
    assert house.alarms == []
