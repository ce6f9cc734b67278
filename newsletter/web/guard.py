"""What holds for every answer: strict headers, no body larger than a page can send."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 6_000_000  # a reading list of 5 MB and the form around it

POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_DEFAULTS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Addresses of our pages hold signed tokens; no other site may learn them.
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "cache-control": "no-store",
}
# Without it the way back to what a button brought ends at "Confirm form resubmission".
_OF_BUTTONS = {"cache-control": "private, no-cache"}


class Guard:
    """ASGI middleware around the whole site.

    Args:
        on_error: the answer to what nobody foresaw.
        hsts_seconds: how long browsers shall insist on TLS; 0 says nothing (RFC 6797).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_error: Callable[[Request, Exception], Response],
        hsts_seconds: int = 0,
    ) -> None:
        self._app = app
        self._on_error = on_error
        self._headers = dict(_DEFAULTS)
        if hsts_seconds:
            self._headers["strict-transport-security"] = f"max-age={hsts_seconds}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        pressed = scope["method"] == "POST" and not scope["path"].startswith("/api/")
        headers = self._headers | (_OF_BUTTONS if pressed else {})
        answering = _Answering(send, headers, bare=scope["method"] == "HEAD")
        if answering.bare:
            scope = {**scope, "method": "GET"}
        try:
            await self._app(scope, _counting(receive, _announced(scope)), answering.send)
        except Exception as error:
            # Answered here, for what Starlette answers further out lacks these headers.
            if answering.started:
                raise
            await self._on_error(Request(scope), error)(scope, receive, answering.send)


class _Answering:
    """One answer on its way; `bare` is one to HEAD, like GET without the body (RFC 9110 9.3.2)."""

    def __init__(self, send: Send, headers: Mapping[str, str], *, bare: bool) -> None:
        self._send = send
        self._headers = headers
        self.bare = bare
        self.started = False

    async def send(self, message: Message) -> None:
        """Passes a part of the answer on, with our headers and without a body nobody asked for."""
        self.started = True
        if message["type"] == "http.response.start":
            given = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                given.setdefault(name, value)
        elif self.bare:
            message = {**message, "body": b""}
        await self._send(message)


class BodyTooLargeError(Exception):
    """More was sent than announced or allowed."""


def _counting(receive: Receive, announced: int) -> Receive:
    size = 0

    async def counted() -> Message:
        nonlocal size
        if announced > LARGEST_BODY:
            raise BodyTooLargeError
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise BodyTooLargeError
        return message

    return counted


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isdecimal() else 0
