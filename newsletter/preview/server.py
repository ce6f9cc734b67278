"""Serves the studio on a local address until Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from newsletter.errors import ConfigError
from newsletter.preview.studio import build_studio
from newsletter.preview.workbench import Workbench

__all__ = ["USUAL_PORT", "StudioServer", "bind", "build_studio", "serve", "url_of"]

USUAL_PORT = 8025

_STOP_SECONDS = 3  # a mail that is being made may finish; open streams end at once
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - names, nothing is bound here


def serve(
    workbench: Workbench,
    *,
    template_dir: Path,
    host: str,
    port: int | None,
    on_ready: Callable[[str], None],
) -> None:
    """Runs the studio until Ctrl-C; the links of the mails lead to it.

    Args:
        port: 0 takes any free one; `None` takes the usual one, or any free one if that is taken.
        on_ready: gets the address of the studio once it answers.

    Raises:
        ConfigError: host and port cannot be listened on.
    """
    with _bind_usual(host) if port is None else bind(host, port) as listening:
        url = url_of(listening)
        workbench.base_url = url
        studio = build_studio(workbench, template_dir=template_dir)
        server = StudioServer(studio, on_ready=lambda: on_ready(url))
        with contextlib.suppress(KeyboardInterrupt):  # it ended as it should
            server.run(sockets=[listening])


class StudioServer(uvicorn.Server):
    """uvicorn, which says when it answers and does not wait for open event streams to end."""

    def __init__(self, studio: FastAPI, *, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                studio,
                lifespan="on",
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        self._bell = studio.state.bell
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to answer."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the streams, then the server."""
        self._bell.close()
        await super().shutdown(sockets)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on host and port.

    Raises:
        ConfigError: in one sentence, why that is not possible.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise ConfigError("--host", [f"{host} is no address of this machine"]) from None
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        raise _cannot_listen(error, host, port) from None
    return listening


def url_of(listening: socket.socket) -> str:
    """Where a browser on this machine finds what listens there."""
    host, port = listening.getsockname()[:2]
    name = _EVERYWHERE.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _bind_usual(host: str) -> socket.socket:
    try:
        return bind(host, USUAL_PORT)
    except ConfigError:
        return bind(host, 0)


def _cannot_listen(error: OSError, host: str, port: int) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        taken = f"port {port} is taken on {host}; name another with --port, or --port 0 for any"
        return ConfigError("--port", [taken])
    if error.errno == errno.EACCES:
        denied = f"port {port} needs more rights; name one above 1023 with --port"
        return ConfigError("--port", [denied])
    return ConfigError("--host", [f"{host} cannot be listened on: {error.strerror}"])
