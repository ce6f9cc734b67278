"""One living installation for each journey."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from living import Living, living


@pytest.fixture
def house(tmp_path) -> Iterator[Living]:
    """The running installation."""
    with living(tmp_path) as started:
        yield started
