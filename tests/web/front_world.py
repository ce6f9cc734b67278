"""A running site, and its pages in a real browser: what the tests of the front page and the settings share."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from urllib.parse import urlsplit

import uvicorn
from playwright.sync_api import Browser, Locator, Page, expect
from web_world import Site

from newsletter.web.build import build_site

WAIT_SECONDS = 20

Open = Callable[..., Page]


class _Server(uvicorn.Server):
    """Says when it is ready; leaves the signals of the test run alone."""

    ready = Event()

    def install_signal_handlers(self) -> None:
        """None."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def served(web: Site) -> Iterator[str]:
    """The address of a running site."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(build_site(web.site), log_config=None, lifespan="off")
    server = _Server(config)
    server.ready = Event()
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    assert server.ready.wait(WAIT_SECONDS)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(WAIT_SECONDS)
        listening.close()
    assert not thread.is_alive()


@contextmanager
def visits(chromium: Browser, web: Site) -> Iterator[Open]:
    """Opens pages; nothing may fail in them, and nothing may be asked of any other host."""
    contexts = []
    wrong: list[str] = []

    def opened(path: str = "/", *, width: int = 1280, scheme: str = "light", script: bool = True):
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=script,
            timezone_id="Asia/Tokyo",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if _is_wrong(said.text) else None)
        page.on(
            "request", lambda asked: wrong.append(asked.url) if _is_foreign(asked.url) else None
        )
        page.goto(url + path)
        return page

    with served(web) as url:
        yield opened
        for context in contexts:
            context.close()
    assert wrong == []


def _is_wrong(said: str) -> bool:
    # Chromium reports every answer of 400 and more; those that are asked for here are no mistake.
    return "Failed to load resource" not in said


def _is_foreign(address: str) -> bool:
    return urlsplit(address).hostname not in ("127.0.0.1", None)


def titles(page: Page) -> Locator:
    return page.locator("#preview h3")


def first(page: Page, title: str | re.Pattern[str]) -> None:
    expect(titles(page).first).to_have_text(title)


ROBOTS = re.compile("Robot manipulation")
