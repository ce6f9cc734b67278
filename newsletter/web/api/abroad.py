"""Lets the pages of other sites use the JSON API: those named in `web.cors_origins`, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsletter.web.answers import API

_ANSWER_KEPT_SECONDS = 600  # how long a browser need not ask again; Chromium keeps 7,200 at most


class Abroad:
    """ASGI middleware: CORS for the paths of the API; without origins it does nothing."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self._app = app
        self._open = bool(origins)
        self._cors = CORSMiddleware(
            app,
            allow_origins=tuple(origins),
            allow_methods=("GET", "POST"),
            allow_headers=("content-type",),
            expose_headers=("retry-after", "link"),
            max_age=_ANSWER_KEPT_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with leave for other sites to read the answer where they may."""
        if not (self._open and scope["type"] == "http" and scope["path"].startswith(API)):
            await self._app(scope, receive, send)
            return

        async def send_abroad(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["cross-origin-resource-policy"] = "cross-origin"
                if "origin" not in headers.get("vary", "").lower():
                    # Also where nobody from elsewhere asked: a cache would give them that answer.
                    headers.add_vary_header("Origin")
            await send(message)

        await self._cors(scope, receive, send_abroad)
