"""Lays finished mails down as files instead of sending them, for dry runs."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from newsletter.delivery import Outcome, Result
from newsletter.errors import MailError
from newsletter.mail.transport import Envelope
from newsletter.mail.wire import address

_NAME = re.compile(r"(\d+)-[0-9a-f]+\.eml")


class FolderTransport:
    """Writes each mail to `<number>-<hash of the recipient>.eml`, readable by the owner alone.

    Numbers go on where an earlier run left off; nothing is ever overwritten.

    Args:
        directory: made when it is missing.

    Raises:
        MailError: the directory cannot be made or read.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            taken = [_NAME.fullmatch(path.name) for path in directory.iterdir()]
        except OSError as error:
            raise MailError(
                f"mails cannot be laid down in {directory}: {error.strerror}"
            ) from error
        self._directory = directory
        self._last = max((int(found[1]) for found in taken if found), default=0)

    def carry(self, mails: Iterable[Envelope]) -> Iterator[Outcome]:
        """Writes one mail after the other; a disk that refuses defers it.

        Raises:
            MailError: an address that no envelope can hold.
        """
        for mail in mails:
            yield self._laid_down(mail)

    def close(self) -> None:
        """Nothing is held open."""

    def _laid_down(self, mail: Envelope) -> Outcome:
        address(mail.sender)
        digest = hashlib.sha256(address(mail.recipient).lower().encode()).hexdigest()[:16]
        try:
            path = self._written(mail.raw, digest)
        except OSError as error:
            return Outcome(result=Result.DEFERRED, detail=f"the file: {error.strerror}")
        return Outcome(result=Result.ACCEPTED, reply=250, detail=f"written to {path.name}")

    def _written(self, raw: bytes, digest: str) -> Path:
        while True:
            self._last += 1
            path = self._directory / f"{self._last:05}-{digest}.eml"
            with suppress(FileExistsError):  # another run is writing here too
                _write_new(path, raw)
                return path


def _write_new(path: Path, raw: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
    except OSError:
        path.unlink(missing_ok=True)  # half a mail is none
        raise
