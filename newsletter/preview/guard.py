"""Keeps the studio on this machine: refuses foreign host names and sends strict headers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsletter.preview.answers import problem

STUDIO_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_FOREIGN = (
    "The studio answers to local host names only; open it as 127.0.0.1 or localhost, from another "
    "machine by the number of this one."
)
_HOMES = (".local", ".lan", ".internal", ".home.arpa")  # RFC 6762, RFC 8375; never delegated
_DEFAULTS = {
    "content-security-policy": STUDIO_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


def mail_policy(*, images: bool) -> str:
    """For the mail itself: no script at all, styles of its own, images from https or inline."""
    sources = "https: data:" if images else "'none'"
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {sources}; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'; "
        "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    )


class Guard:
    """ASGI middleware around the whole studio."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message))
            await send(message)

        app = problem(403, _FOREIGN) if _is_foreign(scope) else self._app
        await app(scope, receive, send_guarded)


def _complete(headers: MutableHeaders) -> None:
    for name, value in _DEFAULTS.items():
        headers.setdefault(name, value)


def _is_foreign(scope: Scope) -> bool:
    """A request under a name that somebody else may have pointed at us: DNS rebinding.

    Over loopback only local names count. In a network of one's own an address is as good, and a name
    that the public DNS cannot hold.
    """
    name = _name(Headers(scope=scope).get("host", ""))
    server = scope.get("server")
    if not server or _is_local(name):
        return False
    return _is_loopback(server[0]) or not (_address(name) or _is_of_a_home(name))


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_local(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name)


def _is_of_a_home(name: str) -> bool:
    return bool(name) and ("." not in name or name.endswith(_HOMES))


def _is_loopback(name: str) -> bool:
    address = _address(name)
    return address is not None and address.is_loopback


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
