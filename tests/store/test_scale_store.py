"""What a million rows ask of the statements: SQLite says how it would find them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from newsletter.model import Entry, Listing, Paper, Subscriber, Tier
from newsletter.store import Newcomer, open_store

NOW = datetime(2026, 4, 3, 12, tzinfo=UTC)


@pytest.fixture
def plans(tmp_path):
    """A store of its own, and what its statements since then would do."""
    store = open_store(f"sqlite:///{tmp_path}/newsletter.db")
    said: list[tuple[str, object]] = []

    @event.listens_for(store._engine, "before_cursor_execute")
    def keep(_connection, _cursor, statement, parameters, *_rest):
        said.append((statement, parameters))

    def told() -> str:
        asked = [one for one in said if one[0].startswith("SELECT")]
        with store._engine.connect() as connection:
            driver = connection.connection.driver_connection
            rows = [
                row[-1]
                for statement, parameters in asked
                for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
        return "\n".join(rows)

    with store.changing_register() as register:
        readers = [Subscriber(id=f"s{n}", email=f"r{n}@x.org") for n in range(3)]
        register.insert([Newcomer(subscriber=one, key=one.email) for one in readers], NOW)
    said.clear()
    yield store, told
    store.close()


def test_who_is_due_is_found_in_order_without_sorting_all_who_are(plans):
    store, told = plans
    with store.register() as register:
        assert len(register.calendar.due(NOW, most=500)) == 3
    assert told().count("ix_subscribers_due") == 2
    assert "TEMP B-TREE" not in told()


def test_mails_that_may_leave_are_found_without_a_look_at_those_that_left(plans):
    store, told = plans
    with store.changing_register() as register:
        register.outbox.claim(NOW, most=500, lease=timedelta(minutes=10))
    assert "SEARCH deliveries" in told()
    assert "SCAN deliveries" not in told()


def test_what_somebody_was_sent_is_read_from_the_end_of_their_part_of_the_ledger(plans):
    store, told = plans
    papers = [Paper(id=f"2604.0000{n}", title=f"Paper {n}") for n in (1, 2)]
    entries = tuple(Entry(paper=paper, rank=1) for paper in papers)
    store.record(Listing(source="daily", tier=Tier.API, entries=entries), NOW)
    with store.register() as register:
        register.digests.histories(["s1", "s2"])
        register.ledger.sent_among(["s1", "s2"], [paper.id for paper in papers])
    assert "SEARCH ledger USING PRIMARY KEY (subscriber_id=?)" in told()
    assert "SEARCH ledger USING PRIMARY KEY (subscriber_id=? AND made_at>?)" in told()
    assert "SCAN ledger" not in told()
