"""The ledger: which of the papers asked for a person was sent, whatever became of paper and mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect, text

import newsletter.store as store_room
from newsletter.errors import StoreError
from newsletter.model import Digest, Entry, Listing, Paper, Pick, Subscriber, Tier
from newsletter.store import Newcomer, open_store

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST, SECOND, THIRD = (
    Paper(id=f"2604.0000{n}", title=f"Paper {n}", listed_on=date(2026, 4, 3)) for n in (1, 2, 3)
)
NAMELESS = Paper(id="t:0123456789abcdef", title="A paper without number")


@pytest.fixture(autouse=True)
def reader(store):
    with store.changing_register() as register:
        crowd = [Subscriber(id=f"s{n}", email=f"r{n}@x.org") for n in (1, 2)]
        register.insert([Newcomer(subscriber=one, key=one.email) for one in crowd], NOON)


def listed(store, *papers, at=NOON, tier=Tier.API):
    entries = tuple(Entry(paper=paper, rank=rank) for rank, paper in enumerate(papers, 1))
    store.record(Listing(source=tier.value, tier=tier, entries=entries), at)


def made(*papers, at=NOON, subscriber_id="s1") -> Digest:
    edition = f"{at:%Y-%m-%d}"
    return Digest(
        id=f"d-{subscriber_id}-{edition}",
        subscriber_id=subscriber_id,
        edition=edition,
        subject="",
        preheader="",
        picks=tuple(Pick(paper=paper, score=0.5, reasons=()) for paper in papers),
        considered=3,
        created_at=at,
    )


def keep(store, *digests):
    with store.changing_register() as register:
        for digest in digests:
            register.digests.keep_all([digest])


def sent(store, *papers, to="s1"):
    with store.register() as register:
        return register.ledger.sent_among([to], [paper.id for paper in papers])[to]


def last_made_at(store, of="s1"):
    with store.register() as register:
        return register.digests.histories([of])[of].last_made_at


def test_of_the_papers_asked_for_those_are_told_that_a_person_was_sent(store):
    listed(store, FIRST, SECOND, THIRD)
    keep(store, made(FIRST), made(SECOND, at=NOON + DAY), made(THIRD, subscriber_id="s2"))

    assert sent(store, FIRST, THIRD) == {FIRST.id}
    assert sent(store, FIRST, SECOND, THIRD) == {FIRST.id, SECOND.id}
    assert sent(store) == frozenset()


def test_a_paper_that_comes_back_after_months_was_sent(store):
    listed(store, FIRST)
    keep(store, made(FIRST))
    keep(store, *(made(at=NOON + days * DAY) for days in range(1, 60)))
    listed(store, SECOND, at=NOON + 60 * DAY)

    assert sent(store, FIRST, SECOND) == {FIRST.id}


def test_a_clock_that_went_ahead_when_the_paper_was_met_makes_nobody_get_it_twice(store):
    listed(store, FIRST, at=NOON + 30 * DAY)  # its list was of the third of April
    keep(store, made(FIRST))

    assert sent(store, FIRST) == {FIRST.id}


def test_a_paper_that_takes_its_arxiv_id_later_was_sent_under_the_id_it_had(store):
    listed(store, NAMELESS, tier=Tier.DUMP)
    keep(store, made(NAMELESS))
    named = replace(NAMELESS, id="2604.09999")
    listed(store, named, at=NOON + DAY)

    assert sent(store, named) == {named.id}
    with store.overview() as overview:
        assert overview.digest_with("s1", named) == made(NAMELESS).id
    with store.register() as register:
        assert register.ledger.sent_to("s1", before=NOON + DAY) == {named.id}


def test_a_paper_whose_title_changed_before_its_id_is_found_under_each_id_it_had(store):
    listed(store, NAMELESS, tier=Tier.DUMP)
    keep(store, made(NAMELESS))
    longer = replace(NAMELESS, id="t:2222222222222222")
    listed(store, longer, at=NOON + DAY)
    keep(store, made(longer, at=NOON + DAY, subscriber_id="s2"))
    named = replace(NAMELESS, id="2604.09999")
    listed(store, named, at=NOON + 2 * DAY)

    assert sent(store, named) == {named.id}
    assert sent(store, named, to="s2") == {named.id}


def test_a_title_that_changes_back_and_forth_loses_nothing(store):
    listed(store, NAMELESS, tier=Tier.DUMP)
    keep(store, made(NAMELESS))
    other = replace(NAMELESS, id="t:2222222222222222")
    for day, paper in enumerate([other, NAMELESS, other, NAMELESS, other], 1):
        listed(store, paper, at=NOON + day * DAY)

    assert sent(store, other) == {other.id}


def test_two_papers_that_had_one_id_in_turn_count_as_sent_when_one_was(store):
    listed(store, NAMELESS, tier=Tier.DUMP)
    keep(store, made(NAMELESS))
    for number, title in ((1, "A paper without number"), (2, "Another title")):
        listed(store, replace(NAMELESS, title=title), tier=Tier.DUMP)
        listed(store, replace(NAMELESS, title=title, id=f"2604.1000{number}"))

    with store.register() as register:
        assert register.ledger.sent_to("s1") == {"2604.10001", "2604.10002"}
    first, second = (replace(NAMELESS, id=f"2604.1000{number}") for number in (1, 2))
    assert sent(store, first, second) == {first.id, second.id}


def test_papers_of_a_digest_that_never_arrived_may_come_again_and_it_was_made_all_the_same(store):
    listed(store, FIRST, SECOND)
    keep(store, made(FIRST), made(SECOND, at=NOON + DAY))
    with store.changing_register() as register:
        register.ledger.give_back(made(SECOND, at=NOON + DAY).id)
        register.ledger.give_back("a digest that nobody knows")

    assert sent(store, FIRST, SECOND) == {FIRST.id}
    assert last_made_at(store) == NOON + DAY


def test_a_paper_that_stood_in_two_digests_counts_while_one_of_them_arrived(store):
    listed(store, FIRST)
    keep(store, made(FIRST), made(FIRST, at=NOON + DAY))
    with store.overview() as overview:
        assert overview.digest_with("s1", FIRST) == made(FIRST).id
        assert overview.digest_with("s2", FIRST) == ""
    with store.changing_register() as register:
        register.ledger.give_back(made(FIRST).id)

    assert sent(store, FIRST) == {FIRST.id}


def test_the_newest_digest_of_each_is_known(store):
    keep(store, made(), made(at=NOON + DAY))

    assert last_made_at(store) == NOON + DAY
    assert last_made_at(store, of="s2") is None


def test_a_ledger_of_an_earlier_version_is_read_as_it_was_and_written_back(any_store_url):
    before = _filled_as_before(any_store_url)

    store = open_store(any_store_url)
    assert sent(store, FIRST, SECOND, THIRD) == {FIRST.id, SECOND.id}
    assert sent(store, THIRD, to="s2") == {THIRD.id}
    assert last_made_at(store) == NOON + 2 * DAY, "a digest without papers was made, too"
    store.close()

    engine = create_engine(any_store_url)
    _migrate(engine, command.downgrade, "0009")
    with engine.connect() as connection:
        again = connection.execute(text("SELECT * FROM sent_papers ORDER BY 1, 2"))
        assert list(map(tuple, again)) == before
    engine.dispose()


def test_an_upgrade_that_stumbles_leaves_the_old_shape_and_is_done_the_next_time(any_store_url):
    _filled_as_before(any_store_url)
    engine = create_engine(any_store_url)
    with engine.begin() as connection:  # the second table that the migration makes
        connection.execute(text("CREATE TABLE former_ids (id INTEGER)"))
    with pytest.raises(StoreError, match="former_ids"):
        open_store(any_store_url)

    with engine.begin() as connection:
        assert not inspect(connection).has_table("ledger")
        connection.execute(text("DROP TABLE former_ids"))
    engine.dispose()

    store = open_store(any_store_url)
    assert sent(store, FIRST, SECOND, THIRD) == {FIRST.id, SECOND.id}
    store.close()


def _filled_as_before(url):
    """Digests of two readers, and a paper in a digest that somebody deleted."""
    store = open_store(url)
    listed(store, FIRST, SECOND, THIRD)
    keep(store, made(FIRST), made(SECOND, at=NOON + DAY), made(at=NOON + 2 * DAY))
    keep(store, made(THIRD, subscriber_id="s2"))
    store.close()
    engine = create_engine(url)
    _migrate(engine, command.downgrade, "0009")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM digests WHERE subscriber_id = 's2'"))
        rows = connection.execute(text("SELECT * FROM sent_papers ORDER BY 1, 2"))
        before = list(map(tuple, rows))
    engine.dispose()
    assert before == [
        ("s1", FIRST.id, "d-s1-2026-04-03"),
        ("s1", SECOND.id, "d-s1-2026-04-04"),
        ("s2", THIRD.id, "d-s2-2026-04-03"),
    ]
    return before


def _migrate(engine, way, revision):
    config = Config()
    config.set_main_option("script_location", str(Path(store_room.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        way(config, revision)
