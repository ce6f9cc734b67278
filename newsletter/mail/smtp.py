"""Hands finished mails to one relay over SMTP, encrypted or not at all."""

from __future__ import annotations

import smtplib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

from newsletter.delivery import Outcome
from newsletter.errors import MailError
from newsletter.mail.login import log_in, spellings
from newsletter.mail.oauth import TokenSource
from newsletter.mail.replies import Reply, Step, accepted, discreet, failure, refusal
from newsletter.mail.tls import is_loopback, trust
from newsletter.mail.transport import Envelope
from newsletter.mail.wire import address

_CLOSING = 421  # "service not available, closing the channel" (RFC 5321 section 3.8)
_ENOUGH = (452, "4.5.3")  # as answer to MAIL: too many mails over this connection

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
        mails_per_connection: after so many a new connection is opened; many relays allow 100.
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


class SmtpTransport:
    """Hands finished mails to one relay over one reused connection; for one thread.

    The connection is opened by the first mail, reopened when the relay has let it go in between or
    has had enough mails over it, and closed by `close`, after which a further mail would open a new
    one.

    What a relay answers becomes one of three words:

    - ACCEPTED: a 2xx to the whole mail.
    - REJECTED: a 5xx to the recipient or to the mail. The enhanced status tells which: X.1.X and
      X.2.X speak of the mailbox, X.7.X of policy (RFC 3463 section 3).
    - DEFERRED: all else. That is every 4xx, a connection that fails or breaks, and also a 5xx
      before RCPT or about logging in: then it is us who are refused, not the reader.

    A connection that breaks after the last dot leaves open whether the mail was taken (RFC 1047);
    it counts as deferred, and the Message-ID makes a second copy recognisable.

    Raises:
        MailError: the relay cannot be used as described, e.g. a password that would be readable on
            the network, or a `ca_file` that is none.
    """

    def __init__(self, relay: Relay) -> None:
        _refuse_nonsense(relay)
        self._relay = relay
        self._context = None if relay.security is Security.NONE else trust(relay.ca_file)
        self._client: smtplib.SMTP | None = None
        self._mails = 0  # begun over this connection
        self._step = Step.CONNECT

    def carry(self, mails: Iterable[Envelope]) -> Iterator[Outcome]:
        """Hands one mail over after the other; see `send`."""
        for mail in mails:
            yield self.send(mail.raw, sender=mail.sender, recipient=mail.recipient)

    def send(self, raw: bytes, *, sender: str, recipient: str) -> Outcome:
        """Tries once to hand a mail over; never raises for what the relay or the network does.

        Raises:
            MailError: an address that no envelope can hold.
        """
        mail_from, rcpt_to = address(sender), address(recipient)
        try:
            outcome = self._attempt(raw, mail_from, rcpt_to)
        except _TROUBLE as error:
            self._drop()
            outcome = failure(error, self._step)
        relay = self._relay
        secrets = spellings(relay.username, relay.password, relay.tokens)
        detail = discreet(outcome.detail, recipient=rcpt_to, secrets=secrets)
        return replace(outcome, detail=detail)

    def close(self) -> None:
        """Says goodbye if a connection is open."""
        if self._client is not None:
            with suppress(*_TROUBLE):
                self._client.quit()
        self._drop()

    def _attempt(self, raw: bytes, mail_from: str, rcpt_to: str) -> Outcome:
        client, reply = self._begun(mail_from)
        if reply.is_good:
            self._step = Step.RCPT
            reply = Reply.of(*client.docmd("RCPT", f"TO:<{rcpt_to}>"))
        if reply.is_good:
            self._step = Step.DATA
            reply = _handed_over(client, raw)
            if reply.is_good:
                return accepted(reply)
        self._forget(client, reply)
        return refusal(reply, self._step)

    def _begun(self, mail_from: str) -> tuple[smtplib.SMTP, Reply]:
        """The reply to MAIL FROM, over the open connection or, when that is used up, over a new one."""
        if self._mails >= self._relay.mails_per_connection:
            self.close()
        if self._client is not None:
            with suppress(*_TROUBLE):
                reply = self._mail(self._client, mail_from)
                if reply.code != _CLOSING and (reply.code, reply.status) != _ENOUGH:
                    return self._client, reply
                if reply.code != _CLOSING:
                    self._client.quit()
            self._drop()
        self._client = self._connected()
        return self._client, self._mail(self._client, mail_from)

    def _mail(self, client: smtplib.SMTP, mail_from: str) -> Reply:
        self._step = Step.MAIL
        self._mails += 1
        return Reply.of(*client.docmd("MAIL", f"FROM:<{mail_from}>"))

    def _connected(self) -> smtplib.SMTP:
        """A connection that is greeted, encrypted and logged in as the relay demands."""
        self._step = Step.CONNECT
        client = self._dialled()
        try:
            self._step = Step.EHLO
            client.ehlo_or_helo_if_needed()
            if self._relay.security is Security.STARTTLS:
                self._step = Step.STARTTLS
                self._encrypt(client)
            if self._relay.username:
                self._step = Step.AUTH
                log_in(client, self._relay.username, self._relay.password, self._relay.tokens)
        except BaseException:
            client.close()
            raise
        return client

    def _dialled(self) -> smtplib.SMTP:
        relay = self._relay
        name = relay.local_hostname or None
        if relay.security is Security.TLS:
            return smtplib.SMTP_SSL(
                relay.host, relay.port, name, timeout=relay.timeout_seconds, context=self._context
            )
        return smtplib.SMTP(relay.host, relay.port, name, timeout=relay.timeout_seconds)

    def _encrypt(self, client: smtplib.SMTP) -> None:
        if not client.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError(
                "the relay does not offer it, and nothing is sent to it unencrypted"
            )
        client.starttls(context=self._context)
        client.ehlo_or_helo_if_needed()  # what it said before is not to be trusted (RFC 3207 4.2)

    def _forget(self, client: smtplib.SMTP, reply: Reply) -> None:
        """Ends the transaction and keeps the connection, unless the relay is leaving anyway."""
        with suppress(*_TROUBLE):
            if reply.code != _CLOSING and client.rset()[0] == 250:
                return
        self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None
        self._mails = 0


def _handed_over(client: smtplib.SMTP, raw: bytes) -> Reply:
    """The reply to DATA or, where that was welcome, to the mail itself; smtplib stuffs the dots."""
    try:
        return Reply.of(*client.data(raw))
    except smtplib.SMTPDataError as error:
        if error.smtp_code < 400:
            raise  # neither 354 nor a refusal: whoever this is, they lost the thread
        return Reply.of(error.smtp_code, error.smtp_error)


def _refuse_nonsense(relay: Relay) -> None:
    if not relay.host or relay.timeout_seconds <= 0 or relay.mails_per_connection < 1:
        raise MailError(
            "a mail relay needs a host name, a time limit above 0 seconds and 1 mail or more over "
            "a connection"
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
