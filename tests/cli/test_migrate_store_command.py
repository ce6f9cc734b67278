"""`newsletter migrate-store`: from one file to PostgreSQL, and on with the new address."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator

import pytest
from operate_world import composed, enrol

from newsletter.app import App
from newsletter.store import moving, open_store


@pytest.fixture
def app(app) -> App:
    """With a digest and a key besides."""
    composed(app, enrol(app))
    app.store.link_keys(app.now())
    return app


@pytest.fixture
def target(postgres) -> Iterator[str]:
    url = postgres.empty()
    yield url
    postgres.drop(url)


def test_everything_is_moved_and_the_next_step_is_told(newsletter, app, target):
    source = app.settings.store_url

    ran = newsletter("migrate-store", source, target)

    assert ran.code == 0
    assert "found the same (papers 12, subscribers 1, digests 1, deliveries 1)" in ran.out
    assert "set store.url to the new address" in ran.err
    there = open_store(target)
    assert there.papers() == app.store.papers()
    assert there.link_keys(app.now()) == app.store.link_keys(app.now())
    there.close()


def test_an_interrupted_move_says_how_it_goes_on(newsletter, app, target, monkeypatch):
    source = app.settings.store_url

    def interrupts(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(moving, "_settle", interrupts)
        ran = newsletter("migrate-store", source, target)

    assert ran.code == 130
    assert "goes on where it was" in ran.err
    again = newsletter("migrate-store", source, target)
    assert again.code == 0
    assert "of them before" in again.out


def test_while_the_service_runs_nothing_is_moved(newsletter, app, target):
    with (app.settings.state_dir / "newsletter.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = newsletter("migrate-store", app.settings.store_url, target)

    assert ran.code == 1
    assert "another newsletter runs" in ran.err


def test_a_service_at_work_on_the_old_file_is_noticed_wherever_our_settings_point(
    newsletter, app, target, monkeypatch
):
    source = app.settings.store_url
    monkeypatch.setenv("NEWSLETTER_STORE__URL", target)
    with (app.settings.state_dir / "newsletter.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = newsletter("migrate-store", source, target)
    moved = newsletter("migrate-store", source, target)

    assert refused.code == 1
    assert "another newsletter runs" in refused.err
    assert moved.code == 0


def test_an_old_database_that_is_no_address_is_a_sentence(newsletter, app, target):
    ran = newsletter("migrate-store", "sqlite:news.db", target)

    assert ran.code == 1
    assert "is no usable database address" in ran.err
    assert "Traceback" not in ran.err


def test_what_is_said_holds_no_address_and_no_password(newsletter, app, target):
    guarded = target.replace("postgres@", "guarded:hunter2@")

    refused = newsletter("migrate-store", app.settings.store_url, guarded)
    moved = newsletter("migrate-store", app.settings.store_url, target)

    said = refused.out + refused.err + moved.out + moved.err
    assert (refused.code, moved.code) == (1, 0)
    assert "hunter2" not in said
    assert "@reader.example" not in said
