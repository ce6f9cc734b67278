"""The way is the same on every database."""

from __future__ import annotations

import pytest


@pytest.fixture
def on_any_store(any_store_url, monkeypatch) -> str:
    """Settings name an empty store of each kind in turn."""
    monkeypatch.setenv("NEWSLETTER_STORE__URL", any_store_url)
    return any_store_url
