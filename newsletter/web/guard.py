"""What holds for every answer: strict headers, no body larger or slower than a page can send it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 6_000_000  # a reading list of 5 MB and the form around it
BODY_SECONDS = 180.0  # from the first octet to the last: the largest at 33 kB/s

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
        body_seconds: how long a body may take: what came of it waits in memory for the rest.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_error: Callable[[Request, Exception], Response],
        hsts_seconds: int = 0,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._app = app
        self._body_seconds = body_seconds
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
            await self._app(scope, self._measured(receive, scope), answering.send)
        except Exception as error:
            # Answered here, for what Starlette answers further out lacks these headers.
            if answering.started:
                raise
            await self._on_error(Request(scope), error)(scope, receive, answering.send)

    def _measured(self, receive: Receive, scope: Scope) -> Receive:
        return _counting(_timed(receive, self._body_seconds), _announced(scope))


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


class BodyError(Exception):
    """A body is not read to its end.

    Attributes:
        status: of the answer.
        sentence: what it says.
    """

    status = 400
    sentence = ""


class BodyTooLargeError(BodyError):
    """More was sent than announced or allowed."""

    status = 413
    sentence = "This is more than a form can send (6 MB)."


class BodyTooSlowError(BodyError):
    """The end did not come in time."""

    status = 408
    sentence = "This took too long to arrive; please send it again."


def _timed(receive: Receive, seconds: float) -> Receive:
    """What comes behind the body (the client hangs up) may take as long as it likes."""
    until, more = 0.0, True

    async def timed() -> Message:
        nonlocal until, more
        if not more:
            return await receive()
        until = until or asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlowError from None
        more = message.get("more_body", False)
        return message

    return timed


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
