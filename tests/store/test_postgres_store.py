"""What is particular to PostgreSQL: its settings, its refusals, and several processes at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from moving_world import fill, rows
from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import IntegrityError

from newsletter.errors import StoreError
from newsletter.logs import clean
from newsletter.store import engine as engine_module
from newsletter.store import open_store
from newsletter.store.backup import source_file
from newsletter.store.engine import UNFINISHED_MOVE, open_engine

NOON = datetime(2026, 4, 8, 12, tzinfo=UTC)
REMEDIES = {
    "lock": "another session holds what it has to change",
    "statement": "the server took longer than it may",
}


@pytest.fixture
def fresh(postgres):
    """Address of an empty store, gone after the test."""
    url = postgres.fresh()
    yield url
    postgres.drop(url)


@pytest.fixture
def nothing(postgres):
    """Address of a database without a table, gone after the test."""
    url = postgres.empty()
    yield url
    postgres.drop(url)


def shown(engine, setting: str) -> str:
    with engine.connect() as connection:
        return connection.execute(text(f"SHOW {setting}")).scalar_one()


def test_a_session_says_who_it_is_and_waits_for_nothing_for_ever(fresh):
    engine = open_engine(fresh)

    assert shown(engine, "application_name") == "newsletter"
    assert shown(engine, "statement_timeout") == "2min"
    assert shown(engine, "lock_timeout") == "10s"
    assert shown(engine, "idle_in_transaction_session_timeout") == "10min"
    assert shown(engine, "transaction_isolation") == "read committed"
    engine.dispose()


def test_the_address_may_say_otherwise(fresh):
    engine = open_engine(f"{fresh}&application_name=mine&options=-c%20lock_timeout%3D3s")

    assert shown(engine, "application_name") == "mine"
    assert shown(engine, "lock_timeout") == "3s"
    engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_an_address_as_hosting_companies_write_it_is_understood(fresh, scheme):
    engine = open_engine(fresh.replace("postgresql+psycopg", scheme))

    assert engine.dialect.driver == "psycopg"
    engine.dispose()


def refusal(url: str) -> str:
    with pytest.raises(StoreError) as refused:
        open_store(url)
    return str(refused.value)


def test_a_server_that_does_not_answer_is_a_sentence():
    said = refusal("postgresql+psycopg://me:hunter2@127.0.0.1:1/news")

    assert "the database postgresql+psycopg://127.0.0.1:1/news cannot be used" in said
    assert clean(said) == said  # the log, which hides mail addresses, says where it is, too
    assert "no server listens there; is it running? (Connection refused)" in said
    assert "\n" not in said


def test_an_address_with_a_port_that_is_none_is_a_sentence_without_its_password():
    said = refusal("postgresql+psycopg://me:hunter2@db:port/news")

    assert said.startswith("store.url (address not shown) is no usable database address")


def test_a_password_behind_the_question_mark_is_not_shown_either():
    said = refusal("postgresql://127.0.0.1:1/news?user=me&password=hunter2&sslpassword=hunter3")

    assert "Connection refused" in said
    assert "hunter" not in said


def test_a_password_with_an_at_sign_in_it_is_told_how_to_be_written_and_no_part_of_it_is_shown():
    said = refusal("postgresql://me:hun@ter/2@127.0.0.1:1/news")

    assert "(address not shown)" in said
    assert "write the @ in a password as %40" in said
    assert "ter/2" not in said


def test_an_at_sign_behind_the_question_mark_or_written_as_percent_40_is_no_mistake():
    for url in ("me:hun%40ter@127.0.0.1:1/news", "me:x@127.0.0.1:1/news?application_name=a@b"):
        assert "Connection refused" in refusal(f"postgresql://{url}")


def test_a_wrong_password_is_a_sentence_that_does_not_show_it(postgres):
    url = postgres.url("postgres").replace("postgres@", "guarded:hunter2@")

    said = refusal(url)

    assert "refuses this user with this password" in said
    assert "hunter2" not in said


def test_an_unknown_user_or_database_is_a_sentence(postgres):
    assert "make it with createdb" in refusal(postgres.url("nosuch"))
    nobody = postgres.url("postgres").replace("postgres@", "nobody@")
    assert "does not know this user" in refusal(nobody)


def test_a_missing_password_is_a_sentence_that_says_where_it_belongs(postgres, monkeypatch):
    monkeypatch.delenv("PGPASSWORD", raising=False)

    said = refusal(postgres.url("postgres").replace("postgres@", "guarded@"))

    assert "put it into store.url or PGPASSWORD" in said


def test_who_is_known_but_not_let_in_is_not_called_unknown(postgres, fresh):
    """So too a database that exists."""
    name = fresh.partition("?")[0].rpartition("/")[2]
    postgres.run("CREATE ROLE locked NOLOGIN")
    locked = refusal(fresh.replace("postgres@", "locked@"))
    postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    closed = refusal(fresh)
    postgres.run("DROP ROLE locked")

    assert "is not permitted to log in" in locked
    assert "does not know this user" not in locked
    assert "not currently accepting connections" in closed
    assert "createdb" not in closed


def test_a_user_without_rights_to_our_tables_is_told_what_is_missing(fresh):
    said = refusal(fresh.replace("postgres@", "guarded:right@"))

    assert "permission denied for table" in said
    assert "make it the owner of the database and of its tables" in said


def test_a_user_who_may_not_make_tables_is_told_what_is_missing(postgres, nothing):
    said = refusal(nothing.replace("postgres@", "guarded:right@"))

    assert "GRANT CREATE ON SCHEMA" in said


def test_a_database_that_is_still_being_moved_into_is_not_used(fresh):
    engine = open_engine(fresh)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {UNFINISHED_MOVE} (salt text)"))
    engine.dispose()

    assert "start `newsletter migrate-store` again" in refusal(fresh)


def test_a_server_that_takes_no_changes_is_told_as_one(postgres, fresh):
    name = fresh.partition("?")[0].rpartition("/")[2]
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    store = open_store(fresh)

    with pytest.raises(StoreError, match="it takes no changes: a standby, or"):
        store.add_link_key(NOON)
    store.close()


def test_a_server_without_room_for_a_connection_is_told_what_to_raise(postgres, fresh):
    name = fresh.partition("?")[0].rpartition("/")[2]
    postgres.run(f"ALTER DATABASE {name} CONNECTION LIMIT 0")

    said = refusal(fresh.replace("postgres@", "guarded:right@"))

    assert "raise max_connections of the server" in said


@pytest.mark.parametrize("what", ["lock", "statement"])
def test_a_session_that_waits_for_too_long_is_told_why(fresh, what):
    holder = open_engine(fresh)
    store = open_store(f"{fresh}&options=-c%20{what}_timeout%3D20")
    with holder.begin() as connection:
        connection.execute(text("LOCK TABLE papers"))
        with pytest.raises(StoreError) as told:
            store.count()
    store.close()
    holder.dispose()

    assert REMEDIES[what] in str(told.value)


def test_a_process_whose_connections_are_all_in_use_says_so(fresh, monkeypatch):
    usual = engine_module._manner
    few = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.01}
    monkeypatch.setattr(engine_module, "_manner", lambda url: usual(url) | few)
    store = open_store(fresh)
    with store.register(), pytest.raises(StoreError) as told:
        store.count()
    store.close()

    assert "every connection of this process is in use" in str(told.value)
    assert "sqlalche.me" not in str(told.value)


def test_processes_that_start_at_once_on_a_new_database_do_not_stumble(nothing):
    program = "import sys; from newsletter.store import open_store; open_store(sys.argv[1]).close()"
    command = [sys.executable, "-W", "error", "-c", program, nothing]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]

    ends = [process.communicate(timeout=120)[1].decode() for process in started]

    assert ends == [""] * 3
    engine = open_engine(nothing)
    assert inspect(engine).has_table("subscribers")
    engine.dispose()


def test_threads_that_open_a_new_database_at_once_find_one_salt(nothing):
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(open_store, [nothing] * 4))

    with stores[0]._engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM salts")).scalar_one() == 1
    for store in stores:
        store.close()


def test_connections_cut_by_the_server_between_two_steps_cost_nobody_an_error(postgres, fresh):
    store = open_store(fresh)
    assert store.count() == 0

    postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'newsletter' AND datname <> 'postgres'"
    )

    assert store.count() == 0
    store.close()


def test_a_dump_restored_elsewhere_is_the_same_store(postgres, fresh, nothing, tmp_path):
    """As docs/operations.md has it; the words are those of `newsletter backup`."""
    store = open_store(fresh)
    fill(store)
    with pytest.raises(StoreError, match="pg_dump") as told:
        store.back_up(tmp_path / "copy.db")
    store.close()
    dump = str(tmp_path / "newsletter.dump")
    words = str(told.value).partition("pg_dump ")[2].replace("--file=FILE", f"--file={dump}")

    _program(postgres, "pg_dump", *words.split())
    into = make_url(nothing).database
    _program(
        postgres,
        "pg_restore",
        *("--exit-on-error", "--no-owner", f"--host={postgres.host}", "--username=postgres"),
        *(f"--dbname={into}", dump),
    )

    assert rows(nothing) == rows(fresh)


def test_the_words_of_backup_name_the_port_where_the_server_has_one_of_its_own():
    for url in ("postgresql://me@db:5433/news", "postgresql:///news?host=db&port=5433&user=me"):
        with pytest.raises(StoreError) as told:
            source_file(make_url(url))
        assert str(told.value).endswith("--dbname=news --host=db --port=5433 --username=me")


def _program(postgres, name: str, *words: str) -> None:
    subprocess.run([postgres.programs / name, *words], check=True)


def test_after_a_refused_row_the_next_transaction_is_whole_again(fresh):
    store = open_store(fresh)
    with pytest.raises(IntegrityError), store._engine.begin() as connection:
        connection.execute(text("INSERT INTO salts (id, salt) VALUES (1, 'twin')"))

    assert store.count() == 0
    store.close()
