"""A list that only repeats an earlier day's is noticed: weekends lead to the list of Friday."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from blank_store import blank_store

from newsletter.model import Entry, Listing, Paper, Tier
from newsletter.pipeline import record
from newsletter.store import Store, open_store

FRIDAY = date(2026, 4, 3)


def listed(store: Store, day: date | None, *numbers: int) -> date | None:
    """Writes a list down, and answers which day's it repeats."""
    entries = tuple(
        Entry(paper=Paper(id=f"2604.{n:05d}", title=f"Paper {n}", listed_on=FRIDAY), rank=rank)
        for rank, n in enumerate(numbers, 1)
    )
    listing = Listing(source="d", tier=Tier.API, entries=entries, listed_on=day)
    now = datetime.combine(day or FRIDAY, time(12), UTC)
    return record(store, listing, now=now).repeats


@pytest.fixture
def store(tmp_path) -> Store:
    made = open_store(blank_store(tmp_path / "n.db"))
    listed(made, FRIDAY, 1, 2)
    yield made
    made.close()


@pytest.mark.parametrize(("days", "repeats"), [(1, FRIDAY), (2, FRIDAY), (3, FRIDAY), (4, None)])
def test_the_same_papers_within_three_days_are_a_repetition(store, days, repeats):
    assert listed(store, FRIDAY + timedelta(days=days), 2, 1) == repeats


@pytest.mark.parametrize("numbers", [(1,), (1, 2, 3), ()])
def test_other_papers_are_none(store, numbers):
    assert listed(store, FRIDAY + timedelta(days=1), *numbers) is None


def test_a_list_without_a_day_is_none(store):
    assert listed(store, None, 1, 2) is None
