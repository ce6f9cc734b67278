"""One installation for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from carrying_world import World


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()
