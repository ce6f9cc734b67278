"""Alarms in the store: told once, over when it is calm, told as over once; over real SQLite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from blank_store import blank_store
from hypothesis import given
from hypothesis import strategies as st

from newsletter.store import News, open_store
from newsletter.watch import Alarm

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DISK = Alarm(name="disk", sentence="100 MB are free", remedy="make room")
RELAY = Alarm(name="relay", sentence="it takes nothing", remedy="ask")


def names(news: News) -> tuple[list[str], list[str]]:
    return (
        [standing.alarm.name for standing in news.new],
        [standing.alarm.name for standing in news.cleared],
    )


def look(store, minute: int, *current: Alarm, told: bool = True) -> tuple[list[str], list[str]]:
    """One round of the watch at a minute after noon; what was to tell is told unless said."""
    now = NOON + minute * MINUTE
    news = store.raise_alarms(current, now)
    if told:
        store.alarms_told(news, now)
    return names(news)


def test_an_alarm_is_told_once_while_it_stands(store):
    assert look(store, 0, DISK) == (["disk"], [])
    assert look(store, 1, DISK) == ([], [])
    assert look(store, 900, DISK) == ([], [])
    (standing,) = store.standing_alarms()
    assert (standing.alarm, standing.since, standing.told_at) == (DISK, NOON, NOON)


def test_what_was_wrong_is_told_as_over_once_when_it_has_been_calm(store):
    look(store, 0, DISK, RELAY)

    assert look(store, 9, RELAY) == ([], [])
    assert look(store, 10, RELAY) == ([], ["disk"])
    assert look(store, 11, RELAY) == ([], [])
    assert [standing.alarm.name for standing in store.standing_alarms()] == ["relay"]


def test_an_alarm_that_returns_is_told_again(store):
    look(store, 0, DISK)
    look(store, 10)

    assert look(store, 30, DISK) == (["disk"], [])
    (standing,) = store.standing_alarms()
    assert standing.since == NOON + 30 * MINUTE


def test_what_comes_and_goes_within_minutes_is_told_once(store):
    assert look(store, 0, DISK) == (["disk"], [])
    for minute in range(1, 60):
        assert look(store, minute, *([DISK] if minute % 5 == 0 else [])) == ([], [])


def test_what_could_not_be_told_is_told_later(store):
    assert look(store, 0, DISK, told=False) == (["disk"], [])
    assert look(store, 4, DISK) == ([], [])
    assert look(store, 5, DISK) == (["disk"], [])
    assert look(store, 15, told=False) == ([], ["disk"])
    assert look(store, 19) == ([], [])
    assert look(store, 20) == ([], ["disk"])
    assert look(store, 25) == ([], [])


def test_nobody_hears_the_end_of_what_they_never_heard_of(store):
    look(store, 0, DISK, told=False)

    assert look(store, 10) == ([], [])
    assert store.standing_alarms() == ()


def test_a_standing_alarm_has_the_newest_words(store):
    look(store, 0, DISK)
    worse = Alarm(name="disk", sentence="1 MB is free", remedy="make room now")
    look(store, 1, worse)

    (standing,) = store.standing_alarms()
    assert standing.alarm == worse


def test_something_that_happened_stands_until_its_time_or_longer_if_it_happens_again(store):
    store.hold_alarm(RELAY, NOON, until=NOON + 60 * MINUTE)
    assert look(store, 1) == (["relay"], [])
    store.hold_alarm(RELAY, NOON + 30 * MINUTE, until=NOON + 90 * MINUTE)

    assert look(store, 89) == ([], [])
    assert look(store, 90) == ([], ["relay"])


def test_history_is_kept_for_three_months(store):
    look(store, 0, DISK)
    look(store, 10)
    later = NOON + timedelta(days=91)
    store.raise_alarms([RELAY], later)

    from sqlalchemy import func, select

    from newsletter.store.schema import alarms

    with store._engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(alarms)) == 1


def test_a_quiet_house_writes_nothing(store, monkeypatch):
    monkeypatch.setattr("newsletter.store.wait_for_turn", lambda _: pytest.fail("it wrote"))

    assert store.raise_alarms([], NOON) == News()


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.booleans()), max_size=25))
def test_every_alarm_that_was_told_is_told_as_over_once_and_never_twice_in_a_row(rounds):
    minute, heard = 0, []
    with TemporaryDirectory() as folder:
        store = open_store(blank_store(Path(folder) / "n.db"))
        for passed, wrong, works in rounds:
            minute += passed
            new, cleared = look(store, minute, *([DISK] if wrong else []), told=works)
            heard += (["raised"] * len(new) + ["cleared"] * len(cleared)) if works else []
        store.close()

    assert all(first != second for first, second in pairwise(heard))
    assert heard[:1] in ([], ["raised"])
