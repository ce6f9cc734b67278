"""Posts forms straight into the application, from any address, thousands in a few seconds."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from web_world import Site, post_scope

from newsletter.web.build import build_site


class Flood:
    """A sender of forms that were open for half a minute, without proof of work."""

    def __init__(self, site: Site) -> None:
        self._app = build_site(site.site)
        self.stamp = site.site.doorman.stamp()
        self.answers: Counter[int] = Counter()
        site.later(seconds=30)

    def api(self, knocks: Iterable[tuple[str, str]]) -> None:
        """Posts to the JSON API, for each client and address."""
        posts = (
            (client, b"/api/v1/subscriptions", b"application/json", self._json(email))
            for client, email in knocks
        )
        asyncio.run(self._send(posts))

    def form(self, knocks: Iterable[tuple[str, str]]) -> None:
        """Posts the form of the front page."""
        kind = b"application/x-www-form-urlencoded"
        posts = ((client, b"/subscribe", kind, self._fields(email)) for client, email in knocks)
        asyncio.run(self._send(posts))

    def _json(self, email: str) -> bytes:
        body = {"email": email, "consent": True, "stamp": self.stamp, "wishes": {"name": "You won"}}
        return json.dumps(body).encode()

    def _fields(self, email: str) -> bytes:
        fields = {"email": email, "consent": "yes", "stamp": self.stamp, "name": "You won"}
        return urlencode(fields).encode()

    async def _send(self, posts: Iterable[tuple[str, bytes, bytes, bytes]]) -> None:
        for client, path, kind, body in posts:
            await self._post(client, path, kind, body)

    async def _post(self, client: str, path: bytes, kind: bytes, body: bytes) -> None:
        length = (b"content-length", str(len(body)).encode())
        scope = post_scope(path.decode(), kind, client, length)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.answers[message["status"]] += 1

        await self._app(scope, receive, send)


def one_range(count: int) -> Iterator[str]:
    """Addresses of one customer: all in one /64."""
    return (f"2001:db8:0:1::{number:x}" for number in range(1, count + 1))


def many_networks(count: int) -> Iterator[str]:
    """As many networks as addresses."""
    return (f"2001:db8:{n >> 16:x}:{n & 0xFFFF:x}::1" for n in range(count))


def strangers(clients: Iterable[str], name: str = "victim") -> Iterator[tuple[str, str]]:
    """Each client with an address of its own."""
    return ((client, f"{name}{n}@reader.example") for n, client in enumerate(clients))


def rows(site: Site) -> dict[str, int]:
    """How many rows each table has that a form of a stranger could fill."""
    from sqlalchemy import create_engine, text

    engine = create_engine(site.app.settings.store_url)
    tables = ("subscribers", "profiles", "consents", "tokens", "deliveries")
    with engine.connect() as connection:
        found = {t: connection.scalar(text(f"select count(*) from {t}")) for t in tables}
    engine.dispose()
    return found
