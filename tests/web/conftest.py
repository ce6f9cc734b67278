"""One installation for each test, and one for tests that only look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web_world import Site


@pytest.fixture
def web(tmp_path) -> Iterator[Site]:
    """An installation of the test's own."""
    site = Site(tmp_path)
    yield site
    site.close()


@pytest.fixture(scope="session")
def shown(tmp_path_factory) -> Iterator[Site]:
    """An installation that nobody changes."""
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.close()
