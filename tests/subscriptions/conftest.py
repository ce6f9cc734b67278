"""A store with every table, made once and copied, and the desk over it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from blank_store import blank_store

from newsletter.membership import Consent, Wishes
from newsletter.model import Profile
from newsletter.store import Store, open_store
from newsletter.subscriptions import Subscriptions

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)


@pytest.fixture
def database(tmp_path) -> Path:
    """The test's own database file."""
    file = tmp_path / "newsletter.db"
    blank_store(file)
    return file


@pytest.fixture
def store(database) -> Store:
    opened = open_store(f"sqlite:///{database}")
    yield opened
    opened.close()


@pytest.fixture
def numbered() -> Callable[[str], Callable[[], str]]:
    """Makers of `s1`, `s2`, ...: ids and secrets a test can name."""

    def maker(letter: str) -> Callable[[], str]:
        numbers = itertools.count(1)
        return lambda: f"{letter}{next(numbers)}"

    return maker


@pytest.fixture
def desk(store, numbered) -> Subscriptions:
    return Subscriptions(store, make_id=numbered("s"), make_token=numbered("secret"))


@pytest.fixture
def now() -> datetime:
    return NOON


@pytest.fixture
def consent(now) -> Consent:
    return Consent(at=now, origin="the form", wording="Mail me a digest.")


@pytest.fixture
def wishes() -> Wishes:
    return Wishes(name="Ines", profile=Profile(topics=("vision",)), timezone="Europe/Berlin")
