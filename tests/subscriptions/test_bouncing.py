"""A mailbox counts as gone at once for a hard failure, and after several days of soft ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.mail.bounces import Kind, Report
from newsletter.subscriptions.bouncing import Consequence, fails_too_often, verdict

NOW = datetime(2026, 4, 20, 6, 30, tzinfo=UTC)


def days_ago(*days: float) -> list[date]:
    return [(NOW - timedelta(days=day)).date() for day in days]


def of(kind: Kind, earlier: list[date]) -> Consequence:
    return verdict(Report(kind=kind), earlier, NOW)


@pytest.mark.parametrize(
    ("kind", "consequence"),
    [
        (Kind.HARD, "bounce"),
        (Kind.SOFT, "count"),
        (Kind.COMPLAINT, "complain"),
        (Kind.UNSUBSCRIBE, "unsubscribe"),
        (Kind.DELAYED, "ignore"),
        (Kind.VACATION, "ignore"),
        (Kind.UNKNOWN, "ignore"),
    ],
)
def test_each_kind_has_its_consequence(kind, consequence):
    assert of(kind, []) == consequence


@pytest.mark.parametrize("kind", [Kind.DELAYED, Kind.VACATION, Kind.UNKNOWN])
def test_what_is_no_failure_drops_nobody_however_often_it_comes(kind):
    assert of(kind, days_ago(*range(30))) is Consequence.IGNORE


@pytest.mark.parametrize(
    ("earlier", "consequence"),
    [
        ((), "count"),
        ((1,), "count"),
        ((1, 2), "bounce"),
        ((0, 0, 0, 0, 0, 0), "count"),
        ((1, 1.1, 1.2, 1.05, 0), "count"),
        ((7, 14), "bounce"),
        ((7, 15), "count"),
        ((14.9, 13), "count"),
        ((14.2, 13), "bounce"),
        ((13, 16, 20), "count"),
        ((13, 16, 20, 29), "bounce"),
        ((13, 16, 20, 31), "count"),
        ((40, 50, 60, 70, 80), "count"),
        ((-1, -2, -3), "count"),
    ],
)
def test_soft_failures_count_by_days(earlier, consequence):
    assert of(Kind.SOFT, days_ago(*earlier)) == consequence


def test_the_third_edition_of_a_weekly_reader_decides():
    assert of(Kind.SOFT, days_ago(6.99, 14.01)) is Consequence.BOUNCE


days = st.lists(st.integers(-5, 60).map(lambda n: NOW.date() - timedelta(days=n)), max_size=8)


@given(days)
def test_more_failures_never_make_it_better(earlier):
    for cut in range(len(earlier)):
        if fails_too_often(earlier[:cut], NOW):
            assert fails_too_often(earlier, NOW)


@given(days, st.integers(-14, 14))
@example([NOW.date() - timedelta(days=1), NOW.date() - timedelta(days=2)], -14)  # yesterday there
def test_zone_and_order_do_not_matter(earlier, hours):
    there = timezone(timedelta(hours=hours))
    turned = list(reversed(earlier))
    assert fails_too_often(turned, NOW.astimezone(there)) == fails_too_often(earlier, NOW)
