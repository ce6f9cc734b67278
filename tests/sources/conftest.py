"""A running local site and a reader for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from source_server import Reader, World, running_world


@pytest.fixture
def world() -> Iterator[World]:
    with running_world() as running:
        yield running


@pytest.fixture
def reader(world: World, tmp_path: Path) -> Iterator[Reader]:
    made = Reader(world=world, cache=tmp_path / "cache")
    yield made
    for fetcher in made.made:
        fetcher.close()
