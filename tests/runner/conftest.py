"""One installation for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from runner_world import House


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    """An installation with a runner that was not started."""
    made = House(tmp_path)
    yield made
    made.close()
