"""Broken connections in words."""

from __future__ import annotations

from dataclasses import dataclass

import requests
from urllib3.exceptions import NameResolutionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """No answer came.

    Attributes:
        is_final: another try cannot help (a wrong certificate, an address that is none).
    """

    reason: str
    is_final: bool = False


def broken_by(error: Exception, timeout: float) -> Broken:
    """What happened; the text of the exception is not used, as it holds the whole address."""
    if isinstance(error, requests.exceptions.SSLError):
        return Broken(reason="its certificate or encryption cannot be trusted", is_final=True)
    if isinstance(error, requests.exceptions.ProxyError):
        return Broken(reason="the proxy cannot be reached")
    if isinstance(error, requests.exceptions.Timeout):
        return Broken(reason=f"no answer within {timeout:g} s")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return Broken(reason="the answer is packed in a broken way")
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return Broken(reason="the connection broke in the middle of the answer")
    if isinstance(error, requests.exceptions.ConnectionError):
        return Broken(reason=_connection(error))
    if type(error) is OSError:  # what requests raises is one, too, but of a kind of its own
        return Broken(reason="the certificates of sources.ca_file cannot be read", is_final=True)
    return Broken(reason="the address cannot be used", is_final=True)


def _connection(error: requests.exceptions.ConnectionError) -> str:
    cause = error.args[0] if error.args else None
    if isinstance(getattr(cause, "reason", None), NameResolutionError):
        return "the name of the host cannot be resolved"
    return "the connection failed"
