"""Fixtures of the preview: a workbench and a running studio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from studio_world import Studio, make_bench, running

from newsletter.preview.workbench import Workbench


@pytest.fixture(scope="module")
def calm_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio whose files no test changes."""
    folder = tmp_path_factory.mktemp("calm")
    with running(make_bench(folder), folder, watch=False) as studio:
        yield studio


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return make_bench(tmp_path)


@pytest.fixture
def studio(bench: Workbench, tmp_path: Path) -> Iterator[Studio]:
    """A studio of its own for a test that changes files."""
    with running(bench, tmp_path) as started:
        yield started
