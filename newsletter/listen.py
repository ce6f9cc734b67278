"""A socket that listens where a person asked for, or a sentence why it cannot."""

from __future__ import annotations

import errno
import socket

from newsletter.errors import ConfigError

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - names, nothing is bound here


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


def _cannot_listen(error: OSError, host: str, port: int) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        taken = f"port {port} is taken on {host}; name another with --port, or --port 0 for any"
        return ConfigError("--port", [taken])
    if error.errno == errno.EACCES:
        denied = f"port {port} needs more rights; name one above 1023 with --port"
        return ConfigError("--port", [denied])
    return ConfigError("--host", [f"{host} cannot be listened on: {error.strerror}"])
