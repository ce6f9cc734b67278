"""Broken connections in words."""

from __future__ import annotations

from dataclasses import dataclass

import requests
from requests.exceptions import (
    ChunkedEncodingError,
    ContentDecodingError,
    ProxyError,
    SSLError,
    Timeout,
)
from urllib3 import exceptions as urllib3
from urllib3.exceptions import NameResolutionError

_UNTRUSTED = "its certificate or encryption cannot be trusted"
# Those of urllib3 come while a body is read; the order matters, for some are among others.
_WORDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((SSLError, urllib3.SSLError), _UNTRUSTED),
    ((ProxyError,), "the proxy cannot be reached"),
    ((Timeout, urllib3.TimeoutError), "no answer within {timeout:g} s"),
    ((TimeoutError,), "the answer comes in too slowly"),
    ((ContentDecodingError, urllib3.DecodeError), "the answer is packed in a broken way"),
    (
        (ChunkedEncodingError, urllib3.ProtocolError),
        "the connection broke in the middle of the answer",
    ),
)


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
    for kinds, words in _WORDS:
        if isinstance(error, kinds):
            return Broken(reason=words.format(timeout=timeout), is_final=words is _UNTRUSTED)
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
