"""A body that never ends is given up, whoever sends it, and what came of it is let go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from web_world import Site, post_scope

from newsletter.links import Way
from newsletter.model import Status
from newsletter.web.build import build_site
from newsletter.web.guard import Guard

FORM = b"application/x-www-form-urlencoded"
FILE = b"multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="topics"\r\n\r\nefficient'


def impatient(web: Site) -> FastAPI:
    """The whole site, which waits for no body at all."""
    app = build_site(web.site)
    for middleware in app.user_middleware:
        if middleware.cls is Guard:
            middleware.kwargs["body_seconds"] = 0.0
    return app


def asked(app: FastAPI, path: str, kind: bytes, octets: bytes, *, more: bool = True) -> list[dict]:
    """What is answered to somebody who sends these octets and then stays silent."""
    coming: Iterator[dict] = iter([{"type": "http.request", "body": octets, "more_body": more}])
    sent: list[dict] = []

    async def receive() -> dict:
        for message in coming:
            return message
        return await asyncio.Future()  # for ever

    async def send(message: dict) -> None:
        sent.append(message)

    scope = post_scope(path, kind, "192.0.2.7")
    asyncio.run(app(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    ("page", "kind", "octets"),
    [
        ("/lost-link", FORM, b"email=ines"),
        ("/lost-link", FILE, PART),
        ("/lost-link", b"text/plain", b"x"),
        ("/preview", FORM, b"topics=x"),
        ("/preview", FILE, PART),
        ("unsubscribe", FORM, b"List-Unsubscribe=One"),
        ("/api/v1/preview", b"application/json", b'{"topics": ["x'),
    ],
)
def test_who_begins_a_body_and_stays_silent_is_answered(web, page, kind, octets):
    reader = web.reader()
    path = page if page.startswith("/") else web.path(Way.UNSUBSCRIBE, reader.id)

    start, *_ = asked(impatient(web), path, kind, octets)

    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert web.app.subscriptions.get(reader.id).status is Status.ACTIVE


def test_a_body_that_is_whole_is_answered_however_long_the_client_stays(web):
    start, *_ = asked(impatient(web), "/lost-link", FORM, b"email=bad", more=False)

    assert start["status"] == 422
