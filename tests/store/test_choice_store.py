"""One parameter for many values: the same rows as an IN list, found by their index."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, insert, select, text

from newsletter.store.choice import one_of
from newsletter.store.kinds import String

CHOICES = Table(
    "choices", MetaData(), Column("id", Integer), Column("said", String(64), unique=True)
)
SPOKEN = ["a", "b'", 'c"', "d\\", "é", "x" * 64]


@pytest.fixture
def connection(any_store_url):
    """A database of each kind with a table of texts, which nobody else sees."""
    engine = create_engine(any_store_url)
    with engine.connect() as connection:
        CHOICES.create(connection)
        rows = [{"id": number, "said": said} for number, said in enumerate(SPOKEN)]
        connection.execute(insert(CHOICES), rows)
        yield connection
        connection.rollback()
    engine.dispose()


def chosen(connection, texts) -> set[str]:
    return set(connection.scalars(select(CHOICES.c.said).where(one_of(CHOICES.c.said, texts))))


@pytest.mark.parametrize("said", SPOKEN)
def test_a_text_is_found_whatever_stands_in_it(connection, said):
    assert chosen(connection, [said]) == {said}


def test_of_thousands_asked_for_those_that_exist_are_found(connection):
    assert chosen(connection, [*SPOKEN[:3], *map(str, range(5_000))]) == set(SPOKEN[:3])


def test_nothing_asked_for_finds_nothing(connection):
    assert chosen(connection, []) == set()


def test_the_same_question_with_other_values_has_other_answers(connection):
    assert [chosen(connection, [said]) for said in SPOKEN] == [{said} for said in SPOKEN]


def test_what_no_database_takes_is_looked_for_as_it_would_have_been_written(connection):
    assert chosen(connection, ["a\0", "\ud800"]) == {"a"}


def test_sqlite_looks_each_up_in_the_index_and_reads_no_whole_table():
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE choices (id INTEGER, said TEXT PRIMARY KEY)"))
        query = select(CHOICES.c.id).where(one_of(CHOICES.c.said, ["a"]))
        compiled = query.compile(
            dialect=engine.dialect, compile_kwargs={"render_postcompile": True}
        )
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", ('["a"]',)).fetchall()
    engine.dispose()
    assert any("SEARCH choices USING INDEX" in row[-1] for row in plan)
    assert not any("SCAN choices" in row[-1] for row in plan)
