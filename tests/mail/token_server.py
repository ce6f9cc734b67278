"""A provider of access tokens for the tests, and what a mail server asks about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from serving import serving

USER = "digest@newsletter.example"


@dataclass
class Provider:
    """Gives `token-1`, `token-2`, ... unless told to answer otherwise.

    Attributes:
        answers: what is said instead, one answer a question: a status and a body.
        more: what stands beside the token.
        good: tokens that mail servers take; `None` takes every one given out.
    """

    port: int = 0
    more: dict[str, object] = field(default_factory=lambda: {"expires_in": 3600})
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    good: set[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/token"

    def answer(self, form: dict[str, str]) -> tuple[int, bytes]:
        self.asked.append(form)
        if self.answers:
            return self.answers.pop(0)
        given = {"token_type": "Bearer", "access_token": f"token-{len(self.asked)}", **self.more}
        return 200, json.dumps(given).encode()

    def takes(self, token: str) -> bool:
        known = {f"token-{number}" for number in range(1, len(self.asked) + 1)}
        return token in (known if self.good is None else self.good)


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        form = dict(parse_qsl(self.rfile.read(length).decode(), strict_parsing=True))
        self._say(*self.provider.answer(form))

    def do_GET(self) -> None:
        token = dict(parse_qsl(urlsplit(self.path).query)).get("access_token", "")
        if self.provider.takes(token):
            self._say(200, json.dumps({"email": USER, "active": "yes"}).encode())
        else:
            self._say(400, b'{"error": "invalid_token"}')

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        for name, value in self.provider.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def provider_running() -> Iterator[Provider]:
    """A provider on some port of this machine."""
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    with serving(handler) as provider.port:
        yield provider
