"""Access tokens for SMTP and IMAP, fetched with a refresh token (RFC 6749 section 6)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.errors import MailError
from newsletter.mail.servers.tls import is_loopback
from newsletter.mail.wording import shorten, tidy
from newsletter.patience import within

if TYPE_CHECKING:  # who logs in with a password needs nothing of the web in memory
    import requests

_SECONDS = 15.0
_LONGEST = timedelta(seconds=2 * _SECONDS)  # for the whole of an answer that only drips
_MOST_OCTETS = 65_536
_MINUTE = timedelta(minutes=1)
_USUAL_LIFE, _LONGEST_LIFE = 3600, 86_400  # seconds; the first where the answer says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a provider gave, so that a program may log in for somebody.

    Attributes:
        token_url: where access tokens are given out; https, unless it is on this machine.
        client_secret: empty for a public client.
        scope: empty: what the refresh token was given for.
    """

    token_url: str
    client_id: str
    refresh_token: str = field(repr=False)
    client_secret: str = field(default="", repr=False)
    scope: str = ""


class TokenSource:
    """Hands out an access token, the same one until a minute before its end; for many threads.

    A provider may answer with a new refresh token (Microsoft does). It takes the place of the old
    one for as long as this object lives. Who refused us is asked again after a minute.

    Args:
        now: the clock.

    Raises:
        MailError: the grant cannot be used as described.
    """

    def __init__(self, grant: Grant, *, now: Callable[[], datetime]) -> None:
        _refuse_nonsense(grant)
        self._grant = grant
        self._refresh_token = grant.refresh_token
        self._now = now
        self._lock = Lock()
        self._token = ""
        self._good_until: datetime | None = None
        self._asked_at: datetime | None = None
        self._failure = ""

    def token(self) -> str:
        """An access token that should work now.

        Raises:
            MailError: none was given; the words are fit for a log.
        """
        with self._lock:
            if self._good_until is None or self._now() >= self._good_until:
                self._renew()
            return self._token

    def another(self, refused: str) -> str:
        """The token in the place of one that a server did not take; the same if that is brand-new.

        Raises:
            MailError: as `token`.
        """
        with self._lock:
            if self._token == refused and not self._asked_just_now():
                self._renew()
            return self._token

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, whoever repeats it."""
        known = (self._token, self._refresh_token, self._grant.client_secret)
        return tuple(filter(None, known))

    def _renew(self) -> None:
        if self._failure and self._asked_just_now():
            raise MailError(self._failure)
        self._asked_at, self._good_until, self._failure = self._now(), None, ""
        try:
            self._keep(self._answer())
        except ValueError as error:
            self._failure = self._words(str(error))
            raise MailError(self._failure) from None

    def _asked_just_now(self) -> bool:
        return self._asked_at is not None and abs(self._now() - self._asked_at) < _MINUTE

    def _keep(self, given: Mapping[str, object]) -> None:
        self._token = _printable(given, "access_token")
        self._refresh_token = _printable(given, "refresh_token") or self._refresh_token
        self._good_until = self._now() + _life(given.get("expires_in")) - _MINUTE

    def _answer(self) -> Mapping[str, object]:
        """What the provider gave.

        Raises:
            ValueError: no access token.
        """
        grant = self._grant
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh_token,
            "client_id": grant.client_id,
            "client_secret": grant.client_secret,
            "scope": grant.scope,
        }
        status, octets = _posted(grant.token_url, {k: v for k, v in form.items() if v}, self._now)
        given = _object(octets)
        if status != 200 or not _printable(given, "access_token"):
            raise ValueError(_refusal(status, given))
        return given

    def _words(self, why: str) -> str:
        why = tidy(why)
        for secret in self.secrets:
            why = why.replace(secret, "(hidden)")
        host = urlsplit(self._grant.token_url).hostname
        return f"no access token from {host}: {shorten(why, 200)}"


def _posted(url: str, form: Mapping[str, str], now: Callable[[], datetime]) -> tuple[int, bytes]:
    """The status and the first octets of the answer; with a secret in hand nobody is followed.

    Raises:
        ValueError: no answer came.
    """
    import requests
    from urllib3.exceptions import HTTPError

    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy and no password file of the environment
            post = partial(
                session.post,
                url,
                data=form,
                headers={"Accept": "application/json"},
                timeout=_SECONDS,
                allow_redirects=False,
                stream=True,
            )
            answer = within(_LONGEST.total_seconds(), post)
            with closing(answer):
                return answer.status_code, _beginning(answer, now)
    except (OSError, HTTPError) as error:  # its words may hold what was sent
        raise ValueError(f"no answer ({type(error).__name__})") from None


def _beginning(answer: requests.Response, now: Callable[[], datetime]) -> bytes:
    """As it comes in; `iter_content` waits for whole pieces, however slowly they fill."""
    end, octets = now() + _LONGEST, b""
    while len(octets) <= _MOST_OCTETS and (piece := answer.raw.read1(8192, decode_content=True)):
        octets += piece
        if now() > end:
            raise ValueError("the answer comes in too slowly")
    return octets


def _object(octets: bytes) -> dict[str, object]:
    try:
        given = json.loads(octets)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _refusal(status: int, given: Mapping[str, object]) -> str:
    """The words of an error answer (RFC 6749 section 5.2)."""
    words = (given.get("error"), given.get("error_description"))
    said = ": ".join(word for word in words if isinstance(word, str) and word)
    return f"HTTP {status} {said}"


def _printable(given: Mapping[str, object], name: str) -> str:
    """A token of an answer; what could not stand in a SASL message is none (RFC 6750 section 2.1)."""
    value = given.get(name)
    good = isinstance(value, str) and value.isascii() and value.isprintable()
    return str(value) if good else ""


def _life(expires_in: object) -> timedelta:
    """How long a token lives; some providers give the seconds as text."""
    text = str(expires_in)
    seconds = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else _USUAL_LIFE
    return timedelta(seconds=min(seconds, _LONGEST_LIFE))


def _refuse_nonsense(grant: Grant) -> None:
    if not (grant.token_url and grant.client_id and grant.refresh_token):
        raise MailError(
            "logging in with xoauth2 needs a token_url, a client_id and a refresh_token"
        )
    try:
        parts = urlsplit(grant.token_url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host:
        raise MailError("the token_url is no web address")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise MailError(
            f"the refresh token would cross the network to {host} unencrypted: "
            "give a token_url that begins with https"
        )
