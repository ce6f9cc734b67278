"""Serves the studio on a local address until Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from newsletter.errors import ConfigError
from newsletter.listen import bind, url_of
from newsletter.preview.studio import build_studio
from newsletter.preview.workbench import USUAL_PORT, Workbench

_STOP_SECONDS = 3  # a mail that is being made may finish; open streams end at once


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


def _bind_usual(host: str) -> socket.socket:
    try:
        return bind(host, USUAL_PORT)
    except ConfigError:
        return bind(host, 0)
