"""A small web server on the local machine that plays a site and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from serving import serving

from newsletter.sources.fetch import Fetcher, FetchRules

NOW = datetime(2026, 4, 3, 15, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Answer:
    body: str | bytes = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body


@dataclass
class World:
    """Routes by path and query; a list of answers is given one after the other, the last one stays."""

    base: str = ""
    routes: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def answer(self, path: str, headers: dict[str, str]) -> Answer:
        self.asked.append(path)
        self.headers.append(headers)
        found = self.routes.get(path, Answer(status=404))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        etag = found.headers.get("ETag")
        if etag and headers.get("if-none-match") == etag:
            return Answer(status=304, headers={"ETag": etag})
        return found

    def asked_for(self, start: str) -> list[str]:
        return [path for path in self.asked if path.startswith(start)]


class _Handler(BaseHTTPRequestHandler):
    world: World

    def do_GET(self) -> None:
        given = {name.lower(): value for name, value in self.headers.items()}
        answer = self.world.answer(self.path, given)
        self.send_response(answer.status)
        sent = {"Content-Length": str(len(answer.data)), **answer.headers}
        for name, value in sent.items():
            self.send_header(name, value.replace("{base}", self.world.base))
        self.end_headers()
        self.wfile.write(answer.data)


@contextmanager
def running_world() -> Iterator[World]:
    world = World()
    handler = type("Handler", (_Handler,), {"world": world})
    with serving(handler) as port:
        world.base = f"http://127.0.0.1:{port}"
        yield world


@dataclass
class Reader:
    """A fetcher for a world, with a clock that only sleeping moves."""

    world: World
    cache: Path | None = None
    slept: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    now: datetime = NOW
    made: list[Fetcher] = field(default_factory=list)

    def fetcher(self, **rules: Any) -> Fetcher:
        values = {"base_url": self.world.base, "allow_private": True, "timeout_seconds": 5.0}
        fetcher = Fetcher(
            FetchRules(**(values | rules)),
            sleep=self.slept.append,
            now=lambda: self.now,
            cache_dir=self.cache,
            progress=self.told.append,
            chance=lambda: 1.0,
        )
        self.made.append(fetcher)
        return fetcher
