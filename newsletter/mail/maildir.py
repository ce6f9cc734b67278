"""Lays finished mails down in a Maildir instead of sending them, for a mail reader to look at."""

from __future__ import annotations

import mailbox
from collections.abc import Iterable, Iterator
from pathlib import Path

from newsletter.delivery import Outcome, Result
from newsletter.errors import MailError
from newsletter.mail.transport import Envelope
from newsletter.mail.wire import address


class MaildirTransport:
    """Delivers each mail to `new/` as a mail server on this machine would; none is ever overwritten.

    Lines end with LF, as mail readers of this machine expect. The envelope stands above the mail in
    `Return-Path` and `Delivered-To` (RFC 5321 section 4.4): no signature of ours covers these two,
    and below them the mail is what a relay would get.

    Args:
        directory: made when it is missing, for the owner alone.

    Raises:
        MailError: the directory cannot be made.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for part in ("tmp", "new", "cur"):
                (directory / part).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise MailError(
                f"mails cannot be laid down in {directory}: {error.strerror}"
            ) from error
        self._box = mailbox.Maildir(directory, create=False)

    def carry(self, mails: Iterable[Envelope]) -> Iterator[Outcome]:
        """Delivers one mail after the other; a disk that refuses defers it.

        Raises:
            MailError: an address that no envelope can hold.
        """
        for mail in mails:
            yield self._delivered(mail)

    def _delivered(self, mail: Envelope) -> Outcome:
        sender, recipient = address(mail.sender), address(mail.recipient)
        envelope = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n"
        try:
            key = self._box.add((envelope.encode() + mail.raw).replace(b"\r\n", b"\n"))
        except (OSError, mailbox.Error) as error:
            words = getattr(error, "strerror", None) or str(error)
            return Outcome(result=Result.DEFERRED, detail=f"the Maildir: {words}")
        return Outcome(result=Result.ACCEPTED, reply=250, detail=f"delivered as {key}")

    def close(self) -> None:
        """Nothing is held open."""
