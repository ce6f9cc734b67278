"""Rounds of the watch: an alarm is told once, over once, told again when it returns."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from blank_store import blank_store
from operator_world import MINUTE, NOON, PUBLICATION, TAKEN, Relay

from newsletter.config import load_settings
from newsletter.delivery import Delivery, DeliveryState, Errand, Outcome, Result
from newsletter.errors import StoreError
from newsletter.journal import Journal
from newsletter.membership import Consent, Wishes
from newsletter.model import Entry, Listing, Paper, Tier
from newsletter.store import open_store
from newsletter.subscriptions import Subscriptions
from newsletter.watch import Reading, Rules
from newsletter.watchman import Lookout, Teller, Watchman, rules_of

PUT_OFF = Outcome(result=Result.DEFERRED, reply=535, detail="AUTH: wrong password")


class House:
    """A watch over a real store, with a clock moved by hand."""

    def __init__(self, store, relay: Relay, folder, at=NOON, **facts) -> None:
        self.at = at
        self.relay = relay
        self.store = store
        self.journal = Journal(at - 90 * MINUTE, jobs=["compose"])
        lookout = Lookout(
            store,
            self.journal,
            Rules(disk_bytes=0, disk_share=0),
            now=self.now,
            place=folder,
            **{"whole": True, "sources": ["daily"], **facts},
        )
        teller = Teller(
            PUBLICATION, address="op@papers.example", webhook_url="", make_transport=relay.make
        )
        self.lookout = lookout
        self.watchman = Watchman(lookout, store, teller, now=self.now)

    def now(self):
        return self.at

    def look(self, minutes: int = 1) -> list[str]:
        """The next round; answers the subjects of the mails it caused."""
        self.at += minutes * MINUTE
        before = len(self.relay.mails)
        self.watchman.look()
        return [
            mail["Subject"].removeprefix("Trending papers: ") for mail in self.relay.mails[before:]
        ]


@pytest.fixture
def house(tmp_path, relay):
    store = open_store(blank_store(tmp_path / "n.db"))
    paper = Paper(id="2604.00001", title="One")
    store.record(Listing(source="a", tier=Tier.API, entries=(Entry(paper=paper, rank=1),)), NOON)
    yield House(store, relay, tmp_path)
    store.close()


def test_an_alarm_is_told_once_over_once_and_again_when_it_returns(house):
    assert house.look() == []
    house.journal.mail_ended(PUT_OFF, house.at)
    assert house.look() == ["alarm: relay login"]
    assert [house.look() for _ in range(20)] == [[]] * 20

    house.journal.mail_ended(TAKEN, house.at)
    assert house.look(9) == []
    assert house.look(1) == ["over: relay login"]
    assert house.look() == []

    house.journal.mail_ended(PUT_OFF, house.at)
    assert house.look() == ["alarm: relay login"]


def test_two_alarms_of_one_round_come_in_one_mail(house):
    house.journal.mail_ended(PUT_OFF, house.at)
    for _ in range(2):
        house.journal.source_read(Reading(name="daily", at=house.at, problem="HTTP 500"))

    assert house.look() == ["alarm: source daily, relay login"]


def test_what_nobody_could_be_told_is_tried_again_a_little_later(house):
    house.journal.mail_ended(PUT_OFF, house.at)
    house.relay.outcome = PUT_OFF
    assert house.look() == []
    assert house.relay.opened == 1
    assert house.look() == []
    assert house.relay.opened == 1

    house.relay.outcome = TAKEN
    assert house.look(5) == ["alarm: relay login"]
    assert house.look() == []


def test_a_restart_forgets_no_alarm_and_tells_none_twice(house, tmp_path):
    house.journal.mail_ended(PUT_OFF, house.at)
    house.look()
    again = House(house.store, house.relay, tmp_path, house.at)

    assert again.look() == []
    again.journal.mail_ended(TAKEN, again.at)
    assert again.look(10) == ["over: relay login"]


def test_after_a_restart_the_trouble_with_a_relay_is_not_over_before_a_mail_was_tried(
    house, tmp_path
):
    house.journal.mail_ended(PUT_OFF, house.at)
    house.look()
    again = House(house.store, house.relay, tmp_path, house.at)
    yes = Consent(at=NOON, origin="test", wording="yes")
    reader = Subscriptions(house.store).enrol("ines@reader.example", Wishes(), yes, now=NOON)
    put_off = Delivery(
        id="a" * 32,
        errand=Errand.SETTINGS,
        subscriber_id=reader.id,
        created_at=NOON,
        next_attempt_at=NOON + 60 * MINUTE,
        state=DeliveryState.DEFERRED,
    )
    with house.store.changing_register() as register:
        register.outbox.add(put_off)
        register.outbox.record([put_off])

    assert again.look(25) == []

    again.journal.mail_ended(TAKEN, again.at)
    assert again.look(9) == []
    assert again.look() == ["over: relay login"]


BY_API = Reading(name="daily", at=NOON, tier=Tier.API, best=Tier.API)
FAILED = Reading(name="daily", at=NOON, problem="HTTP 500")


def test_after_a_restart_the_trouble_with_a_list_is_not_over_before_it_was_read(house, tmp_path):
    for _ in range(2):
        house.journal.source_read(replace(FAILED, at=house.at))
    assert house.look() == ["alarm: source daily"]
    again = House(house.store, house.relay, tmp_path, house.at)

    assert again.look(25) == []
    again.journal.source_read(replace(FAILED, at=again.at))
    assert again.look(25) == [], "it failed once since, which is no alarm and no end of one"

    again.journal.source_read(replace(BY_API, at=again.at))
    assert again.look(9) == []
    assert again.look() == ["over: source daily"]


def test_after_a_restart_a_list_that_still_comes_a_worse_way_is_not_over(house, tmp_path):
    by_page = replace(BY_API, tier=Tier.PAGE_JSON)
    for _ in range(2):
        house.journal.source_read(replace(by_page, at=house.at))
    assert house.look() == ["alarm: tier daily"]
    again = House(house.store, house.relay, tmp_path, house.at)

    again.journal.source_read(replace(by_page, at=again.at))
    assert again.look(25) == []

    again.journal.source_read(replace(BY_API, at=again.at))
    assert again.look(10) == ["over: tier daily"]


def test_after_a_restart_the_trouble_with_a_job_is_not_over_before_it_did_its_work(house, tmp_path):
    for _ in range(3):
        house.journal.job_ended("compose", house.at, "KeyError")
    assert house.look() == ["alarm: job compose"]
    again = House(house.store, house.relay, tmp_path, house.at)

    again.journal.job_ended("compose", again.at, "KeyError")
    assert again.look(25) == []

    again.journal.job_ended("compose", again.at)
    assert again.look(10) == ["over: job compose"]


def test_a_restart_makes_nothing_that_is_late_less_late(house, tmp_path):
    house.at = NOON + 200 * MINUTE
    assert house.look() == ["alarm: no list"]
    again = House(house.store, house.relay, tmp_path, house.at + 90 * MINUTE)

    assert again.look(25) == []

    again.journal.source_read(replace(BY_API, at=again.at))
    assert again.look() == ["over: no list"]


def test_what_is_not_read_or_done_any_more_is_over(house, tmp_path):
    house.journal.job_ended("reports", house.at)
    for _ in range(3):
        house.journal.job_ended("reports", house.at, "no login")
        house.journal.source_read(replace(FAILED, at=house.at))
    assert house.look() == ["alarm: source daily, job reports"]

    again = House(house.store, house.relay, tmp_path, house.at, sources=["trending"])

    assert again.look(10) == ["over: source daily, job reports"]


def test_who_reads_no_lists_ends_no_alarm_about_them(house, tmp_path):
    for _ in range(3):
        house.journal.source_read(replace(FAILED, at=house.at))
        house.journal.job_ended("compose", house.at, "KeyError")
    house.look()
    web = House(house.store, house.relay, tmp_path, house.at, whole=False, sources=[])

    assert web.look(25) == []


def test_what_one_process_saw_working_before_is_no_proof_that_it_works_again(house, tmp_path):
    other = House(house.store, house.relay, tmp_path, house.at)
    other.journal.job_ended("compose", other.at)
    for _ in range(3):
        house.journal.job_ended("compose", house.at + MINUTE, "KeyError")
    house.look()
    assert other.look(25) == []

    other.journal.job_ended("compose", other.at)
    assert other.look() == ["over: job compose"]


def test_what_one_process_alone_knows_is_told_by_whoever_looks_and_stands_while_it_lasts(
    house, tmp_path
):
    other = House(house.store, house.relay, tmp_path, house.at)
    told = []
    for minute in range(30):
        house.at = NOON + minute * MINUTE
        house.journal.job_ended("compose", house.at, "this disk is broken")
        house.watchman.remind()
        other.journal.job_ended("compose", house.at)
        told += other.look()
    assert told == ["alarm: job compose"]

    house.journal.job_ended("compose", house.at)
    house.watchman.remind()
    other.journal.job_ended("compose", other.at + MINUTE)
    assert other.look(10) == ["over: job compose"]


def test_a_process_without_trouble_has_nothing_to_remind_of(house, monkeypatch):
    monkeypatch.setattr(house.store, "hold_alarms", None)

    house.watchman.remind()


def test_a_process_that_knows_no_better_does_not_raise_again_what_is_over(house, tmp_path):
    for _ in range(2):
        house.journal.source_read(replace(FAILED, at=house.at))
    house.look()
    other = House(house.store, house.relay, tmp_path, house.at)
    other.journal.source_read(replace(BY_API, at=other.at))
    assert other.look(10) == ["over: source daily"]

    assert house.look(12) == []

    house.journal.source_read(replace(FAILED, at=house.at))
    assert house.look() == ["alarm: source daily"]


def test_what_the_doorman_says_is_told_in_the_next_round_and_is_over_after_an_hour(house):
    house.watchman.hear("sign-up flood", "200 mails within an hour, ines@reader.example among them")
    assert house.relay.mails == []

    assert house.look() == ["alarm: sign-up flood"]
    assert "ines" not in house.relay.mails[0].get_content()
    assert house.look(58) == []
    assert house.look(1) == ["over: sign-up flood"]


def test_a_store_that_does_not_answer_is_told_once_and_once_when_it_does(house, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(house.store, "figures", broken)
        assert house.look() == []  # a database may be locked for a moment
        assert house.look() == ["alarm: database"]
        assert house.look() == []
        assert "the disk is full" in house.relay.mails[0].get_content()

    assert house.look() == ["over: database"]
    assert house.look() == []


def test_what_happened_while_the_store_was_away_is_at_least_in_the_log(house, caplog):
    house.store.hold_alarm = lambda *_, **__: (_ for _ in ()).throw(StoreError("locked"))

    with caplog.at_level(logging.ERROR):
        house.watchman.hear("sign-up flood", "many came")

    assert "many came" in caplog.text


def test_an_honestly_empty_list_counts_as_read(house):
    house.at = NOON + 200 * MINUTE
    assert house.lookout.facts().figures.last_look_at == NOON

    house.journal.source_read(Reading(name="daily", at=house.at, tier=Tier.API, best=Tier.API))
    assert house.lookout.facts().figures.last_look_at == house.at


def test_a_disk_that_cannot_be_asked_is_no_alarm(house, tmp_path):
    gone = Lookout(
        house.store, house.journal, Rules(), now=house.now, place=tmp_path / "gone", whole=True
    )

    assert gone.facts().disk is None


def test_the_rules_follow_the_settings(monkeypatch):
    monkeypatch.setenv("NEWSLETTER_OPERATOR__LATE_MINUTES", "45")
    monkeypatch.setenv("NEWSLETTER_SCHEDULE__INGEST_MINUTES", "240")

    rules = rules_of(load_settings())

    assert (rules.late, rules.unread) == (45 * MINUTE, 720 * MINUTE)
    assert replace(rules, late=Rules().late, unread=Rules().unread) == Rules()
