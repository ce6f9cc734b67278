"""One world for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blank_store import blank_store
from explain_world import World

from newsletter.app import App
from newsletter.config import load_settings


@pytest.fixture
def world(tmp_path, monkeypatch) -> Iterator[World]:
    """An installation with the list of Monday."""
    monkeypatch.setenv("NEWSLETTER_PATHS__STATE", str(tmp_path))
    blank_store(tmp_path / "newsletter.db")
    made = World(App(load_settings()))
    made.lists()
    yield made
    made.app.store.close()
