"""The contract of the store holds on every database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from newsletter.store import Store, open_store


@pytest.fixture
def store(any_store_url) -> Iterator[Store]:
    """An empty store of each kind in turn."""
    opened = open_store(any_store_url)
    yield opened
    opened.close()
