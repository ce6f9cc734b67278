"""When digests are due: at everybody's own hour, over clock changes, pauses and moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.model import Cadence, Status, Subscriber
from newsletter.schedule import due_after, edition_at, next_due

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "America/St_Johns",
    "Africa/Casablanca",
)


def reader(zone="Europe/Berlin", at=time(8, 0), cadence=Cadence.DAILY, **facts) -> Subscriber:
    return Subscriber(id="s1", email="a@x.org", timezone=zone, send_at=at, cadence=cadence, **facts)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


readers = st.builds(
    reader,
    st.sampled_from(ZONES),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from(list(Cadence)),
    weekday=st.integers(0, 6),
)
instants = st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


@given(readers, instants)
def test_the_next_digest_lies_ahead_and_soon_enough(someone, now):
    due = next_due(someone, now)

    longest = {Cadence.DAILY: 3, Cadence.WEEKDAYS: 5, Cadence.WEEKLY: 15}[someone.cadence]
    assert now < due <= now + timedelta(days=longest)


@given(readers, instants)
def test_a_chain_of_digests_grows_strictly_and_names_each_edition_once(someone, now):
    chain = [now]
    for _ in range(12):
        chain.append(next_due(someone, chain[-1]))

    assert chain == sorted(set(chain))
    editions = [edition_at(someone, due) for due in chain[1:]]
    assert len(set(editions)) == len(editions)


@given(readers, instants, st.floats(0, 1))
def test_nothing_is_due_between_now_and_the_next_digest(someone, now, part):
    due = next_due(someone, now)
    between = now + (due - now) * part

    assert next_due(someone, min(between, due - timedelta(seconds=1))) == due


@given(readers, instants)
def test_every_digest_comes_at_the_hour_that_was_asked_for(someone, now):
    due = next_due(someone, now)
    local = due.astimezone(ZoneInfo(someone.timezone))
    wanted = datetime.combine(local.date(), someone.send_at, tzinfo=local.tzinfo)

    exists = wanted.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) == (
        wanted.replace(tzinfo=None)
    )
    assert not exists or local.time() == someone.send_at


def test_a_time_that_does_not_exist_comes_an_hour_later_and_only_once():
    someone = reader(at=time(2, 30))

    first = next_due(someone, utc(2026, 3, 28, 12))
    assert first.astimezone(ZoneInfo("Europe/Berlin")).isoformat() == "2026-03-29T03:30:00+02:00"
    assert next_due(someone, first) == utc(2026, 3, 30, 0, 30)


def test_a_time_that_exists_twice_comes_once():
    someone = reader(at=time(2, 30))

    first = next_due(someone, utc(2026, 10, 24, 12))
    assert first == utc(2026, 10, 25, 0, 30)
    assert next_due(someone, first) == utc(2026, 10, 26, 1, 30)


def test_weekdays_leave_the_weekend_out_where_the_reader_lives():
    someone = reader("Pacific/Auckland", cadence=Cadence.WEEKDAYS)

    friday = utc(2026, 4, 9, 20)  # Friday, 8 o'clock in Auckland
    assert next_due(someone, friday - timedelta(minutes=1)) == friday
    assert next_due(someone, friday) == utc(2026, 4, 12, 20)


def test_a_week_runs_from_their_day_to_their_day():
    someone = reader(cadence=Cadence.WEEKLY, weekday=2)

    wednesday = utc(2026, 4, 8, 6)
    assert next_due(someone, wednesday - timedelta(seconds=1)) == wednesday
    assert next_due(someone, wednesday) == wednesday + timedelta(days=7)


def test_a_pause_ends_on_its_day_and_the_digest_of_that_day_comes():
    someone = reader(status=Status.PAUSED, paused_until=date(2026, 4, 20))

    assert next_due(someone, utc(2026, 4, 3)) == utc(2026, 4, 20, 6)


@given(readers, st.dates(min_value=date(9999, 11, 1)))
def test_a_pause_for_ever_lasts_to_the_end_of_the_calendar(someone, until):
    paused = replace(someone, status=Status.PAUSED, paused_until=until)

    assert next_due(paused, utc(2026, 4, 3)) > utc(9999, 10, 30)


def test_who_moves_gets_the_next_digest_at_the_hour_of_the_new_place():
    before = reader("Europe/Berlin")
    due = next_due(before, utc(2026, 4, 3, 12))
    after = next_due(replace(before, timezone="America/New_York"), due)

    assert after.astimezone(ZoneInfo("America/New_York")).time() == time(8, 0)
    assert after > due


@pytest.mark.parametrize(
    "status", [Status.PENDING, Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED]
)
def test_who_gets_no_digests_is_never_due(status):
    assert next_due(reader(status=status), utc(2026, 4, 3)) is None


# -- after a digest that came late


@pytest.mark.parametrize(
    ("made_at", "following"),
    [
        (utc(2026, 4, 6, 8, 1), utc(2026, 4, 7, 8)),
        (utc(2026, 4, 7, 2, 0), utc(2026, 4, 7, 8)),
        (utc(2026, 4, 7, 2, 1), utc(2026, 4, 8, 8)),
        (utc(2026, 4, 7, 7, 59), utc(2026, 4, 8, 8)),
    ],
)
def test_a_next_one_within_six_hours_of_a_late_one_is_left_out(made_at, following):
    late = reader("UTC", next_due_at=utc(2026, 4, 6, 8))

    assert due_after(late, made_at) == following


def test_one_that_is_hardly_late_leaves_none_out():
    often = reader("UTC", at=time(8), next_due_at=utc(2026, 4, 7, 3))

    assert due_after(often, utc(2026, 4, 7, 8, 0)) == utc(2026, 4, 8, 8)
    assert due_after(often, utc(2026, 4, 7, 7, 0)) == utc(2026, 4, 7, 8)
