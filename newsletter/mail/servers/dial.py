"""Opens a connection to a relay: greeted, encrypted and logged in as it demands, or not at all."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

from newsletter.delivery import Outcome
from newsletter.errors import MailError
from newsletter.mail.servers.line import Line
from newsletter.mail.servers.login import log_in
from newsletter.mail.servers.oauth import TokenSource
from newsletter.mail.servers.replies import Step, failure
from newsletter.mail.servers.tls import is_loopback

# What smtplib raises for what a relay or the network does: its own exceptions, those of sockets and
# TLS, and ValueError where it cannot read an answer (a challenge that is no base64, say).
_TROUBLE = (smtplib.SMTPException, OSError, ValueError)


class Security(StrEnum):
    """How the connection is protected; there is no way down from what was asked for.

    STARTTLS begins in the clear (port 587 or 25), TLS is encrypted from the first octet (port 465,
    RFC 8314 section 3.3), NONE is for a relay on the same machine.
    """

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The server that takes our mails.

    Attributes:
        username, password: both or neither; plain ASCII.
        tokens: gives access tokens in the place of a password (XOAUTH2).
        timeout_seconds: longest wait for any single answer.
        local_hostname: how we name ourselves in EHLO; empty: the name of this machine.
        ca_file: PEM file of the certificates to trust instead of the system's; empty: the system's.
        mails_per_connection: a new connection is made after so many.
        window: mails that may be on their way unanswered over one connection, where the relay
            offers CHUNKING; a crash can double as many. 1 elsewhere, whatever is said here.
    """

    host: str
    port: int
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    tokens: TokenSource | None = None
    timeout_seconds: float = 30.0
    local_hostname: str = ""
    ca_file: str = ""
    mails_per_connection: int = 100
    window: int = 1


class NoConnectionError(MailError):
    """The relay could not be reached or does not want us; `outcome` tells why."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.detail)


def connected(relay: Relay, context: ssl.SSLContext | None) -> Line:
    """A new connection, ready for the first mail.

    smtplib does what is done once; the mails themselves are none of its business, for it costs ten
    times as much as they do.

    Args:
        context: whom to trust; `None` for `Security.NONE`.

    Raises:
        NoConnectionError: whatever the relay or the network did.
    """
    with _at(Step.CONNECT):
        client = _dialled(relay, context)
    try:
        with _at(Step.EHLO):
            client.ehlo_or_helo_if_needed()
        if relay.security is Security.STARTTLS:
            with _at(Step.STARTTLS):
                _encrypt(client, context)
        if relay.username:
            with _at(Step.AUTH):
                log_in(client, relay.username, relay.password, relay.tokens)
        with _at(Step.EHLO):
            return _taken_over(client, relay)
    except BaseException:
        client.close()
        raise


@contextmanager
def _at(step: Step) -> Iterator[None]:
    try:
        yield
    except _TROUBLE as error:
        raise NoConnectionError(failure(error, step)) from error


def _dialled(relay: Relay, context: ssl.SSLContext | None) -> smtplib.SMTP:
    name = relay.local_hostname or None
    seconds = relay.timeout_seconds
    if relay.security is Security.TLS:
        return smtplib.SMTP_SSL(relay.host, relay.port, name, timeout=seconds, context=context)
    return smtplib.SMTP(relay.host, relay.port, name, timeout=seconds)


def _encrypt(client: smtplib.SMTP, context: ssl.SSLContext | None) -> None:
    if not client.has_extn("starttls"):
        raise smtplib.SMTPNotSupportedError(
            "the relay does not offer it, and nothing is sent to it unencrypted"
        )
    client.starttls(context=context)
    client.ehlo_or_helo_if_needed()  # what it said before is not to be trusted (RFC 3207 4.2)


def _taken_over(client: smtplib.SMTP, relay: Relay) -> Line:
    """The socket without smtplib, which must not have read more than it asked for."""
    sock, heard = client.sock, client.file
    if sock is None or heard is None:
        raise smtplib.SMTPServerDisconnected("the relay hung up")
    sock.settimeout(0)
    with suppress(ssl.SSLWantReadError):  # good: nothing to be read
        if heard.peek(1):
            raise smtplib.SMTPException("the relay said more than it was asked")
    heard.close()
    return Line(sock, offers=client.esmtp_features, timeout_seconds=relay.timeout_seconds)


def refuse_nonsense(relay: Relay) -> None:
    """Looks for what no relay could be used with.

    Raises:
        MailError: what there is, e.g. a password that would be readable on the network.
    """
    fewest = min(relay.window, relay.mails_per_connection)
    if not relay.host or relay.timeout_seconds <= 0 or fewest < 1:
        raise MailError(
            "a mail relay needs a host name, a time limit above 0 seconds and 1 mail or more over "
            "a connection and at a time"
        )
    has_secret = bool(relay.password or relay.tokens)
    if bool(relay.username) != has_secret:
        raise MailError("a mail relay's user name and password go together: give both or neither")
    if not (relay.username + relay.password + relay.local_hostname).isascii():
        raise MailError("a mail relay's user name, password and local host name must be ASCII")
    if has_secret and relay.security is Security.NONE and not is_loopback(relay.host):
        raise MailError(
            f"the password for {relay.host} would cross the network unencrypted: "
            "set the relay's security to starttls or tls"
        )
