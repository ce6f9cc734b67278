"""The operator's mailbox and webhook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from operator_world import Relay, Webhook, webhook_running


@pytest.fixture
def relay() -> Relay:
    """A relay that takes everything."""
    return Relay()


@pytest.fixture
def hook() -> Iterator[Webhook]:
    """A webhook that answers 200."""
    with webhook_running() as running:
        yield running
