"""Several processes on one store: each has its own connections, and nothing happens twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.membership import Consent
from newsletter.model import Subscriber
from newsletter.store import Newcomer, News, Store, open_store
from newsletter.store.engine import engine_at
from newsletter.watch import Alarm

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DISK = Alarm(name="disk", sentence="100 MB are free", remedy="make room")
RELAY = Alarm(name="relay", sentence="it takes nothing", remedy="ask")
LEASE = 10 * MINUTE


@pytest.fixture
def processes(any_store_url) -> Iterator[list[Store]]:
    """The same store, opened four times."""
    stores = [open_store(any_store_url) for _ in range(4)]
    yield stores
    for store in stores:
        store.close()


def at_once(stores: list[Store], act: Callable) -> list:
    with ThreadPoolExecutor(len(stores)) as threads:
        return list(threads.map(act, stores))


def test_a_new_database_is_made_once_however_many_open_it(tmp_path):
    url = f"sqlite:///{tmp_path / 'newsletter.db'}"

    with ThreadPoolExecutor(8) as threads:
        stores = list(threads.map(open_store, [url] * 8))

    assert {store.count() for store in stores} == {0}
    for store in stores:
        store.close()


def test_who_opens_a_database_that_another_is_making_waits_for_it(tmp_path):
    file = tmp_path / "newsletter.db"
    maker = sqlite3.connect(file)
    maker.execute("BEGIN IMMEDIATE")
    said: list[str] = []

    def until_it_has_to_wait(statement: str) -> None:
        said.append(statement)
        if statement == "BEGIN EXCLUSIVE":
            maker.commit()

    engine = engine_at(f"sqlite:///{file}")
    event.listen(
        engine,
        "connect",
        lambda connection, _: connection.set_trace_callback(until_it_has_to_wait),
        insert=True,
    )

    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    assert said.count("BEGIN EXCLUSIVE") == 1


def queue(store: Store, many: int) -> set[str]:
    """So many mails that are due, and their ids."""
    someone = Subscriber(id="s1", email="r@x.org")
    consent = Consent(at=NOON, origin="form", wording="yes")
    ids = {f"d{n:03}" for n in range(many)}
    with store.changing_register() as register:
        register.insert([Newcomer(subscriber=someone, key="r@x.org", consent=consent)], NOON)
        for name in ids:
            register.outbox.add(
                Delivery(
                    id=name,
                    errand=Errand.DIGEST,
                    subscriber_id="s1",
                    created_at=NOON,
                    next_attempt_at=NOON,
                )
            )
    return ids


def claim(store: Store, now: datetime = NOON, most: int = 7) -> tuple[Delivery, ...]:
    with store.changing_register() as register:
        return register.outbox.claim(now, most=most, lease=LEASE)


def test_claims_made_at_once_share_no_mail_and_leave_none(processes):
    ids = queue(processes[0], 100)

    def all_that_is_left(store: Store) -> list[str]:
        mine: list[str] = []
        while some := claim(store):
            mine += [mail.id for mail in some]
        return mine

    taken = [name for mine in at_once(processes, all_that_is_left) for name in mine]

    assert len(taken) == len(ids)
    assert set(taken) == ids


def test_what_a_process_claimed_before_it_died_is_taken_over_once_when_its_lease_is_over(processes):
    first, *others = processes
    ids = queue(first, 5)
    assert {mail.id for mail in claim(first)} == ids
    first.close()

    assert at_once(others, lambda store: claim(store, NOON + LEASE - MINUTE)) == [()] * 3
    again = [m for some in at_once(others, lambda s: claim(s, NOON + LEASE)) for m in some]
    assert sorted((mail.id, mail.attempts) for mail in again) == [(name, 2) for name in sorted(ids)]


def test_a_claim_that_died_before_it_was_written_down_holds_nothing(processes):
    first, second, *_ = processes
    ids = queue(first, 3)

    def dies() -> None:
        with first.changing_register() as register:
            register.outbox.claim(NOON, most=3, lease=LEASE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dies()

    mine = claim(second)
    assert {mail.id for mail in mine} == ids
    assert {(mail.attempts, mail.state) for mail in mine} == {(1, DeliveryState.SENDING)}


def test_an_alarm_that_all_raise_at_once_is_given_to_one_of_them_to_tell(processes):
    for minute in range(5):
        now = NOON + minute * MINUTE
        heard = at_once(processes, lambda store, now=now: store.raise_alarms([DISK, RELAY], now))
        told = [standing.alarm.name for news in heard for standing in news.new]
        assert sorted(told) == (["disk", "relay"] if minute == 0 else [])
        assert all(news.cleared == () for news in heard)


def test_the_end_of_an_alarm_is_given_to_one_of_them_to_tell(processes):
    processes[0].alarms_told(processes[1].raise_alarms([DISK], NOON), NOON)

    heard = at_once(processes, lambda store: store.raise_alarms([], NOON + 10 * MINUTE))

    assert [standing.alarm.name for news in heard for standing in news.cleared] == ["disk"]


def test_who_died_while_telling_is_followed_by_another(processes):
    first, second, *_ = processes
    assert first.raise_alarms([DISK], NOON) != News()
    first.close()

    assert second.raise_alarms([DISK], NOON + 4 * MINUTE) == News()
    assert [s.alarm for s in second.raise_alarms([DISK], NOON + 5 * MINUTE).new] == [DISK]


def test_the_first_key_of_links_is_made_by_one_of_them(processes):
    keys = at_once(processes, lambda store: store.link_keys(NOON))

    assert len(set(keys)) == 1
