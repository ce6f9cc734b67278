"""Logs in to a relay or a mailbox, with a password or with an access token (XOAUTH2)."""

from __future__ import annotations

import base64
import imaplib
import smtplib
from collections.abc import Iterator

from newsletter.errors import MailError
from newsletter.mail.servers.oauth import TokenSource

_WRONG_LOGIN = 535  # RFC 4954 section 6


def log_in(
    client: smtplib.SMTP, username: str, password: str, tokens: TokenSource | None = None
) -> None:
    """Logs in to a relay that was greeted (and encrypted); with `tokens`, by XOAUTH2.

    Raises:
        smtplib.SMTPException, OSError, ValueError: the relay or the provider of tokens refuses.
    """
    if tokens is None:
        client.login(username, password)
        return
    if "XOAUTH2" not in client.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError("the relay does not offer XOAUTH2")
    try:
        _show(client, username, tokens)
    except MailError as error:
        raise smtplib.SMTPException(str(error)) from error


def _show(client: smtplib.SMTP, username: str, tokens: TokenSource) -> None:
    """Shows a token and, if it is refused, the one that follows it."""
    token = tokens.token()
    try:
        _authenticate(client, username, token)
    except smtplib.SMTPAuthenticationError as error:
        fresh = tokens.another(token) if error.smtp_code == _WRONG_LOGIN else token
        if fresh == token:
            raise
        _authenticate(client, username, fresh)


def _authenticate(client: smtplib.SMTP, username: str, token: str) -> None:
    answers = _answers(username, token)

    def answer(_: bytes | None = None, /) -> str:
        return next(answers, "")

    # Most tokens do not fit behind AUTH: a command has 512 octets at most (RFC 4954 section 4).
    client.auth("XOAUTH2", answer, initial_response_ok=False)


def log_in_imap(
    client: imaplib.IMAP4, username: str, password: str, tokens: TokenSource | None = None
) -> None:
    """Logs in to a mailbox; with `tokens`, by XOAUTH2.

    Raises:
        imaplib.IMAP4.error, OSError, ValueError, MailError: the server or the provider refuses.
    """
    if tokens is None:
        # imaplib quotes the password, but not the name
        client.login(quoted(username), password)
        return
    if "AUTH=XOAUTH2" not in client.capabilities:
        raise imaplib.IMAP4.error("the server does not offer XOAUTH2")
    token = tokens.token()
    try:
        _authenticate_imap(client, username, token)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        fresh = tokens.another(token)
        if fresh == token:
            raise
        _authenticate_imap(client, username, fresh)


def _authenticate_imap(client: imaplib.IMAP4, username: str, token: str) -> None:
    answers = _answers(username, token)
    client.authenticate("XOAUTH2", lambda _: next(answers, "").encode())


def quoted(text: str) -> str:
    """A quoted string of IMAP (RFC 3501 section 4.3)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def spellings(username: str, password: str, tokens: TokenSource | None = None) -> tuple[str, ...]:
    """The secrets in every form in which a login puts them on the wire."""
    if tokens is not None:
        shown = (_encoded(_bearer(username, secret)) for secret in tokens.secrets)
        return (*shown, *tokens.secrets)
    if not password:
        return ()
    return (_encoded(f"\0{username}\0{password}"), _encoded(password), password)


def _answers(username: str, token: str) -> Iterator[str]:
    """What a server hears in turn. A second challenge says in JSON what is wrong; an empty line ends it."""
    return iter((_bearer(username, token), ""))


def _bearer(username: str, token: str) -> str:
    """The one message of XOAUTH2, as Google and Microsoft document it."""
    return f"user={username}\1auth=Bearer {token}\1\1"


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
