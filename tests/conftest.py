"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from blank_store import blank_store
from hypothesis import HealthCheck, settings
from packaged_model import write_model
from real_postgres import Postgres, postgres_running

if TYPE_CHECKING:
    from playwright.sync_api import Browser

settings.register_profile(
    "default", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("default")

ROOT = Path(__file__).resolve().parents[1]

_PATIENCE_MS = 30_000  # a page that is right is seen at once; a busy machine may need its time
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_BROWSER_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP lan.example 127.0.0.1",  # a name that is no secure context
)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recorded pages, answers and papers beside the checkout; tests that need them skip without."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    """A real model2vec model; tests that need it skip where its packages are missing."""
    return write_model(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture(scope="module")  # playwright's loop would disturb the asyncio of other modules
def chromium() -> Iterator[Browser]:
    """A real browser that asks nobody but this machine; without one the test is skipped."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    api.expect.set_options(timeout=_PATIENCE_MS)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_BROWSER_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL; where it cannot start its tests are skipped, in CI they fail."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres_running())
        except Exception as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"no PostgreSQL can be started here: {error}")
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store_url(request, tmp_path) -> Iterator[str]:
    """The address of an empty store of each kind in turn."""
    if request.param == "sqlite":
        yield blank_store(tmp_path / "newsletter.db")
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.fresh()
    yield url
    server.drop(url)
