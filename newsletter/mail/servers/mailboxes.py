"""Where reports come from: a mailbox over IMAP, or a Maildir on this machine."""

from __future__ import annotations

import imaplib
import os
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from newsletter.errors import MailError
from newsletter.mail.bounces import LOOKED_AT
from newsletter.mail.servers.dial import Security
from newsletter.mail.servers.login import log_in_imap, quoted, spellings
from newsletter.mail.servers.oauth import TokenSource
from newsletter.mail.servers.tls import is_loopback, trust
from newsletter.mail.wording import shorten, tidy

MOST = 500  # mails in one round; the next round takes the rest
_MOST_UNREADABLE = 10  # with more of them it is the mailbox that is broken

# What imaplib raises for what a server or the network does; ValueError where it cannot read it.
_TROUBLE = (imaplib.IMAP4.error, OSError, ValueError)


class _UnreadableError(MailError):
    """A server cannot hand out this one mail."""


class ReportBox(Protocol):
    """A mailbox that is read round by round.

    A mail that was read but not `done` comes again in the next round, so what is made of it must be
    safe to repeat.
    """

    def read(self) -> Iterator[tuple[str, bytes]]:
        """The mails not yet dealt with, oldest first: a key, and the first 256 kB of each.

        Raises:
            MailError: the mailbox cannot be reached or read; of single mails that cannot be read,
                it tells when all others were.
        """
        ...

    def done(self, key: str, *, flagged: bool = False) -> None:
        """Puts a mail away; may be called while reading.

        Args:
            flagged: with the mark by which mail programs show what somebody has to look at.

        Raises:
            MailError: the mailbox cannot be reached or changed.
        """
        ...

    def close(self) -> None:
        """Lets go of what is held open; never raises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapAccount:
    """One folder of one mailbox.

    Attributes:
        password: empty where `tokens` gives access tokens in its place (XOAUTH2).
        security: `NONE` is for a server on the same machine.
        folder: the one that is read; its mails are ours alone.
        processed: where mails go that are dealt with; it must exist. Empty: they stay in the folder,
            marked as seen.
        ca_file: PEM file of the certificates to trust instead of the system's; empty: the system's.
    """

    host: str
    username: str
    password: str = field(default="", repr=False)
    tokens: TokenSource | None = None
    port: int = 993
    security: Security = Security.TLS
    folder: str = "INBOX"
    processed: str = ""
    timeout_seconds: float = 30.0
    ca_file: str = ""


class ImapBox:
    """Reads unseen mails over IMAP (RFC 3501), each round over a connection of its own.

    Args:
        most: mails in one round.

    Raises:
        MailError: the account cannot be used as described.
    """

    def __init__(self, account: ImapAccount, *, most: int = MOST) -> None:
        _refuse_nonsense(account)
        self._account = account
        self._context = None if account.security is Security.NONE else trust(account.ca_file)
        self._most = most
        self._client: imaplib.IMAP4 | None = None
        self._abilities: frozenset[str] = frozenset()

    def read(self) -> Iterator[tuple[str, bytes]]:
        """See `ReportBox`; the mails stay unseen until `done`."""
        self.close()
        unreadable: list[MailError] = []
        for key in self._unseen():
            try:
                raw = self._fetched(key)
            except _UnreadableError as error:
                unreadable.append(error)
                if len(unreadable) == _MOST_UNREADABLE:
                    break
                continue
            if raw is not None:  # somebody else may have taken it away meanwhile
                yield key, raw
        if unreadable:
            raise unreadable[0]

    def done(self, key: str, *, flagged: bool = False) -> None:
        """See `ReportBox`; keys are those of the present round."""
        try:
            client = self._open()
            if flagged:  # a server that keeps no such mark says no, which must hold up nothing
                client.uid("STORE", key, "+FLAGS.SILENT", r"(\Flagged)")
            self._put_away(client, key)
        except _TROUBLE as error:
            raise self._trouble("a report cannot be put away", error) from error

    def close(self) -> None:
        """Says goodbye if a connection is open."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(*_TROUBLE):
                client.logout()

    def _unseen(self) -> list[str]:
        try:
            answer = _good(self._open().uid("SEARCH", "UNSEEN", "UNDELETED"))
        except _TROUBLE as error:
            raise self._trouble("reports cannot be read", error) from error
        found = (line.decode("ascii", "replace") for line in answer if isinstance(line, bytes))
        uids = {word for line in found for word in line.split() if re.fullmatch(r"[0-9]+", word)}
        return sorted(uids, key=int)[: self._most]

    def _fetched(self, key: str) -> bytes | None:
        # PEEK leaves it unseen; the octets in <> keep a huge mail from filling the memory
        wanted = f"(BODY.PEEK[]<0.{LOOKED_AT}>)"
        try:
            client = self._open()
            answer = _good(client.uid("FETCH", key, wanted))
        except imaplib.IMAP4.error as error:
            if self._client is None:  # it did not come so far
                raise self._trouble("reports cannot be read", error) from error
            # Some servers hang up over a mail that they cannot read themselves.
            said = self._trouble(f"the report {key} cannot be read", error)
            raise _UnreadableError(str(said)) from error
        except (OSError, ValueError) as error:
            raise self._trouble("reports cannot be read", error) from error
        literals = (item[1] for item in answer if isinstance(item, tuple))
        return next((octets[:LOOKED_AT] for octets in literals), None)

    def _put_away(self, client: imaplib.IMAP4, key: str) -> None:
        processed = quoted(self._account.processed)
        if not self._account.processed:
            _good(client.uid("STORE", key, "+FLAGS.SILENT", r"(\Seen)"))
        elif "MOVE" in self._abilities:  # RFC 6851
            _good(client.uid("MOVE", key, processed))
        else:
            _good(client.uid("COPY", key, processed))
            _good(client.uid("STORE", key, "+FLAGS.SILENT", r"(\Seen \Deleted)"))
            if "UIDPLUS" in self._abilities:  # else it would take others along (RFC 4315)
                _good(client.uid("EXPUNGE", key))

    def _open(self) -> imaplib.IMAP4:
        if self._client is None:
            client = self._dialled()
            try:
                log_in_imap(
                    client, self._account.username, self._account.password, self._account.tokens
                )
                self._abilities = _abilities(client)  # more than it said to a stranger
                self._look_for_processed(client)
                _good(client.select(quoted(self._account.folder)))
            except BaseException:
                with suppress(*_TROUBLE):
                    client.shutdown()
                raise
            self._client = client
        return self._client

    def _look_for_processed(self, client: imaplib.IMAP4) -> None:
        """Without it nothing could be put away, and the same reports would come for ever."""
        name = self._account.processed
        if not name:
            return
        try:
            _good(client.status(quoted(name), "(MESSAGES)"))
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            why = f"its folder for processed reports, {name}: {_sentence(error)}"
            raise imaplib.IMAP4.error(why) from error

    def _dialled(self) -> imaplib.IMAP4:
        account, wait = self._account, self._account.timeout_seconds
        if account.security is Security.TLS:
            return imaplib.IMAP4_SSL(
                account.host, account.port, ssl_context=self._context, timeout=wait
            )
        client = imaplib.IMAP4(account.host, account.port, timeout=wait)
        if account.security is Security.STARTTLS:
            try:
                client.starttls(self._context)  # raises where the server does not offer it
            except BaseException:
                client.shutdown()
                raise
        return client

    def _trouble(self, what: str, error: Exception) -> MailError:
        self._drop()
        account, said = self._account, _sentence(error)
        for secret in spellings(account.username, account.password, account.tokens):
            said = said.replace(secret, "(hidden)")
        return MailError(f"{what} from {self._account.host}: {shorten(said, 200)}")

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(*_TROUBLE):
                client.shutdown()


class MaildirBox:
    """Reads a Maildir that a mail server on this machine delivers into: `new/`, later `cur/`.

    Args:
        directory: the one with `new` and `cur` in it.
        most: mails in one round.
    """

    def __init__(self, directory: Path, *, most: int = MOST) -> None:
        self._directory = directory
        self._most = most

    def read(self) -> Iterator[tuple[str, bytes]]:
        """See `ReportBox`; names begin with the time of delivery, so they are in order."""
        unreadable: list[MailError] = []
        for name in self._names()[: self._most]:
            try:
                raw = self._octets(name)
            except MailError as error:
                unreadable.append(error)
                continue
            if raw is not None:
                yield name, raw
        if unreadable:
            raise unreadable[0]

    def done(self, key: str, *, flagged: bool = False) -> None:
        """See `ReportBox`; a mail that somebody else has put away is no error."""
        marks = "FS" if flagged else "S"
        seen = self._directory / "cur" / f"{key.partition(':')[0]}:2,{marks}"
        try:
            with suppress(FileNotFoundError):
                (self._directory / "new" / key).rename(seen)
        except OSError as error:
            raise self._trouble(error) from error

    def close(self) -> None:
        """Nothing is held open."""

    def _names(self) -> list[str]:
        try:
            (self._directory / "cur").stat()  # or nothing could ever be put away
            with os.scandir(self._directory / "new") as entries:
                return sorted(
                    entry.name
                    for entry in entries
                    if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)
                )
        except OSError as error:
            place = Path(error.filename).name if os.path.isdir(self._directory) else ""  # noqa: PTH112
            raise self._trouble(error, f"{place}: " if place else "") from error

    def _octets(self, name: str) -> bytes | None:
        try:
            with (self._directory / "new" / name).open("rb") as file:
                return file.read(LOOKED_AT)
        except FileNotFoundError:
            return None  # another reader was faster
        except OSError as error:
            raise self._trouble(error, f"new/{name}: ") from error

    def _trouble(self, error: OSError, where: str = "") -> MailError:
        return MailError(f"the Maildir {self._directory} cannot be used: {where}{error.strerror}")


def _good(answer: tuple[str, Sequence[object]]) -> Sequence[object]:
    """The data of an answer; NO and BAD become an error like those imaplib raises itself."""
    word, data = answer
    if word != "OK":
        said = next((line for line in data if isinstance(line, bytes)), b"refused without a word")
        raise imaplib.IMAP4.error(said.decode("utf-8", "replace"))
    return data


def _abilities(client: imaplib.IMAP4) -> frozenset[str]:
    lines = (line for line in _good(client.capability()) if isinstance(line, bytes))
    return frozenset(b" ".join(lines).decode("ascii", "replace").upper().split())


def _sentence(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "it does not speak TLS on this port"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = error.args[0] if error.args else ""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return tidy(said) or type(error).__name__


def _refuse_nonsense(account: ImapAccount) -> None:
    secret = account.password or account.tokens
    if not (account.host and account.username and secret and account.folder):
        raise MailError("a mailbox of reports needs a host, a user name, a password and a folder")
    texts = (account.username, account.password, account.folder, account.processed)
    if not all(text.isascii() and text.isprintable() for text in texts):
        raise MailError(
            "user name, password and folders of the mailbox of reports must be printable ASCII"
        )
    if account.timeout_seconds <= 0:
        raise MailError("the mailbox of reports needs a time limit above 0 seconds")
    if account.security is Security.NONE and not is_loopback(account.host):
        raise MailError(
            f"the password for {account.host} would cross the network unencrypted: "
            "set the security of the mailbox of reports to tls or starttls"
        )
