"""A living installation in another database: whole, resumable, proven, and nothing else touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from blank_store import blank_store
from moving_world import MINUTE, NOON, YES, counts, fill, rows
from sqlalchemy import create_engine, text

from newsletter.errors import StoreError
from newsletter.model import Subscriber
from newsletter.store import Newcomer, moving, open_store
from newsletter.store.engine import engine_at
from newsletter.store.moving import move
from newsletter.store.schema import metadata
from newsletter.watch import Alarm


@pytest.fixture
def old(tmp_path) -> str:
    """A SQLite file with something in every table."""
    url = blank_store(tmp_path / "old.db")
    store = open_store(url)
    fill(store)
    store.close()
    return url


@pytest.fixture
def new(postgres):
    """A database without a table."""
    url = postgres.empty()
    yield url
    postgres.drop(url)


@pytest.fixture(autouse=True)
def small_portions(monkeypatch):
    monkeypatch.setattr(moving, "_PORTION", 7)


def quietly(*_: object) -> None:
    """Hears of the progress and says nothing."""


def stopping_at(word: str):
    """Interrupts at the second portion of what begins with the word."""
    heard = []

    def tell(what: str, done: int, of: int) -> None:
        heard.append(what)
        if heard.count(word) == 2:
            raise KeyboardInterrupt

    return tell


def test_every_row_of_every_table_arrives_and_the_old_database_stays_as_it_was(old, new):
    before = rows(old)
    assert all(before.values()), "the test has something in every table"

    moved = move(old, new, tell=quietly)

    assert rows(new) == before == rows(old)
    assert moved.rows == {name: len(kept) for name, kept in before.items()}
    assert moved.found == 0


def test_the_way_back_is_open_too(old, new, tmp_path):
    move(old, new, tell=quietly)
    back = f"sqlite:///{tmp_path / 'back.db'}"

    move(new, back, tell=quietly)

    assert rows(back) == rows(old)


def test_life_goes_on_in_the_new_database(old, new):
    """Numbers that a database gives go on after those that were moved."""
    move(old, new, tell=quietly)
    store = open_store(new)
    late = Subscriber(id="late", email="late@x.org")
    with store.changing_register() as register:
        register.insert([Newcomer(subscriber=late, key="late@x.org", consent=YES)], NOON)
        assert register.addresses.suppressed("gone@x.org") is not None
    store.hold_alarm(Alarm(name="relay", sentence="a", remedy="b"), NOON, until=NOON + MINUTE)

    assert [standing.alarm.name for standing in store.standing_alarms()] == ["disk", "relay"]
    store.close()


@pytest.mark.parametrize(
    "moment",
    ["Moving papers", "Moving subscribers", "Moving digests", "Comparing ledger"],
)
def test_an_interrupted_move_goes_on_where_it_was(old, new, moment):
    with pytest.raises(KeyboardInterrupt):
        move(old, new, tell=stopping_at(moment))
    with pytest.raises(StoreError, match="is not finished"):
        open_store(new)
    engine = engine_at(new)
    there = sum(counts(engine).values())
    engine.dispose()

    moved = move(old, new, tell=quietly)

    assert there > 0
    assert moved.found == there
    assert rows(new) == rows(old)


def test_the_progress_ends_where_it_said(old, new):
    heard: list[tuple[int, int]] = []

    move(old, new, tell=lambda what, done, of: heard.append((done, of)))

    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert len({of for _, of in heard}) == 1
    assert heard[-1][0] == heard[-1][1]


def refused(source: str, target: str) -> str:
    with pytest.raises(StoreError) as error:
        move(source, target, tell=quietly)
    return str(error.value)


def test_a_database_that_holds_another_installation_is_refused_and_left_alone(old, postgres):
    other = postgres.fresh()
    store = open_store(other)
    store.link_keys(NOON)
    store.close()
    before = rows(other)

    assert "is not empty (table link_keys)" in refused(old, other)
    assert rows(other) == before
    postgres.drop(other)


def test_a_database_of_something_else_gets_no_table_of_ours(old, new):
    engine = create_engine(new)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE lists (id integer)"))
    engine.dispose()

    assert "holds something else (lists, ...)" in refused(old, new)
    assert "holds no newsletter" in refused(new, old)


def test_a_second_move_of_the_same_installation_is_not_made(old, new):
    move(old, new, tell=quietly)

    assert "holds this installation already" in refused(old, new)
    assert "holds this installation already" in refused(old, old)


def test_a_move_begun_from_one_installation_is_not_finished_from_another(old, new, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        move(old, new, tell=stopping_at("Moving papers"))
    other = f"sqlite:///{tmp_path / 'other.db'}"
    store = open_store(other)
    fill(store)
    store.close()

    assert "a part of another installation" in refused(other, new)


@pytest.mark.parametrize("statement", ["DELETE FROM papers WHERE id = '2604.00001'"])
@pytest.mark.parametrize("moment", ["Moving papers", "Comparing papers"])
def test_what_was_written_between_two_runs_is_found(old, new, moment, statement):
    with pytest.raises(KeyboardInterrupt):
        move(old, new, tell=stopping_at(moment))
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()

    said = refused(old, new)

    assert "differ in the table" in said
    assert "start again" in said
    with pytest.raises(StoreError, match="is not finished"):
        open_store(new)


def test_one_changed_letter_is_found(old, new):
    def changes(what: str, done: int, of: int) -> None:
        if what == "Comparing papers" and not hasattr(changes, "done"):
            changes.done = True
            engine = create_engine(new)
            with engine.begin() as connection:
                connection.execute(text("UPDATE tokens SET purpose = 'confirM' WHERE id = 't1'"))
            engine.dispose()

    with pytest.raises(StoreError, match="differ in the table tokens"):
        move(old, new, tell=changes)


def test_what_is_written_while_it_moves_is_not_waited_for(old, new):
    """The move sees one instant's state, so what it says at the end is true of that instant."""
    before = rows(old)

    def writes(what: str, done: int, of: int) -> None:
        if what == "Moving papers" and not hasattr(writes, "done"):
            writes.done = True
            store = open_store(old)
            store.add_link_key(NOON)
            store.close()

    move(old, new, tell=writes)

    assert rows(new) == before != rows(old)


def test_two_moves_into_one_database_do_not_mix(old, new):
    said = []

    def meanwhile(what: str, done: int, of: int) -> None:
        if not said:
            said.append(refused(old, new))

    move(old, new, tell=meanwhile)

    assert "another move into the database" in said[0]
    assert rows(new) == rows(old)


def test_a_source_that_is_not_there_is_not_made(new, tmp_path):
    assert "there is no database" in refused(f"sqlite:///{tmp_path / 'typo.db'}", new)
    assert "there is no database" in refused("sqlite://", new)
    assert list(tmp_path.iterdir()) == []


def test_a_source_of_an_older_or_newer_shape_is_left_as_it_is(old, new):
    engine = create_engine(old)
    for revision, sentence in (("0005", "older shape"), ("9999", "newer version of newsletter")):
        with engine.begin() as connection:
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))

        assert sentence in refused(old, new)
    engine.dispose()


def test_a_source_that_is_only_half_there_is_refused(old, new, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        move(old, new, tell=stopping_at("Moving papers"))

    assert "being moved into" in refused(new, f"sqlite:///{tmp_path / 'third.db'}")


def test_texts_that_postgresql_cannot_keep_arrive_without_what_it_cannot(old, new):
    """Such as a version before this one may have written."""
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(text("UPDATE papers SET abstract = :it"), {"it": "a\0b"})
    engine.dispose()

    move(old, new, tell=quietly)

    store = open_store(new)
    assert {paper.abstract for paper in store.papers()} == {"ab"}
    store.close()


def test_no_table_of_the_schema_is_forgotten():
    assert {table.name for table in moving._TABLES} == set(metadata.tables)


def test_refusals_name_nobody(old, new):
    """A row that the new database refuses is told without what stands in it."""
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(text("UPDATE subscribers SET timezone = :it"), {"it": "x" * 65})
    engine.dispose()

    said = refused(old, new)

    assert "value too long" in said
    assert "@" not in said.replace("postgres@", "")
    assert Path(old.removeprefix("sqlite:///")).is_file()


def test_a_service_at_work_on_the_old_database_is_noticed_on_postgres_too(new, tmp_path):
    """So that no mail leaves by the old one after its rows were read."""
    at_work = open_store(new)
    fill(at_work)
    back = f"sqlite:///{tmp_path / 'back.db'}"

    with pytest.raises(StoreError, match="stop every `newsletter run`, `serve` and worker"):
        move(new, back, tell=quietly)
    at_work.close()

    assert move(new, back, tell=quietly).found == 0
