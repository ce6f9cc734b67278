"""Reads what a relay says: its reply becomes an outcome, its words become fit for a log."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from newsletter.delivery import Outcome, Result
from newsletter.mail.wording import shorten, tidy

DETAIL_LIMIT = 300

# "Log in first", "wrong password", "commands in the wrong order": said at RCPT or DATA they are
# still about us (RFC 4954 section 6, RFC 5321 section 4.2.2), and no reader may be dropped for it.
_OUR_FAULT = frozenset((503, 530, 534, 535, 538))
_STATUS = re.compile(r"(?m)^[ \t]*([245]\.\d{1,3}\.\d{1,3})(?!\S)[ \t]*")
# Begins where a word begins, or a relay that says "aaaa..." could keep us busy for hours.
_ADDRESS = re.compile(r"(?<![^\s<>()\[\],;:\"'])[^\s<>()\[\],;:\"']+(?:@|%40)[^\s<>()\[\],;:\"']+")
_HIDDEN = "(hidden)"

_CODES = {b"%d" % code: code for code in range(200, 600)}
_MARKS = frozenset((b" ", b"-", b"\r", b""))  # what may follow the code; "-": there are more lines
_LONGEST_LINE = 8192  # 512 in RFC 5321 4.5.3.1.5; what smtplib bears
_MOST_LINES = 1000


class Step(StrEnum):
    """How far an attempt came; named in the detail of what went wrong."""

    CONNECT = "connecting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"


class Reply(NamedTuple):
    """One reply, its lines joined by line ends."""

    code: int
    text: str

    @classmethod
    def of(cls, code: int, text: bytes | str) -> Reply:
        """The reply as smtplib hands it out."""
        return cls(code, text.decode("utf-8", "replace") if isinstance(text, bytes) else text)

    @property
    def status(self) -> str:
        """The enhanced status code (RFC 2034 section 4) where it agrees with the reply code."""
        found = _STATUS.match(self.text)
        return found[1] if found and found[1][0] == str(self.code)[0] else ""

    @property
    def words(self) -> str:
        if "\n" in self.text:
            return tidy(_STATUS.sub("", self.text).replace("\n", " "))
        found = _STATUS.match(self.text)
        return tidy(self.text[found.end() :] if found else self.text)


_USUAL = {
    line.encode() + b"\r": Reply(int(line[:3]), line[4:] + "\r")
    for line in (
        *("250 2.1.0 Ok", "250 2.1.5 Ok", "250 2.0.0 Ok", "250 Ok", "250 OK", "250 Accepted"),
        "354 End data with <CR><LF>.<CR><LF>",
    )
}
"""What relays say of nearly every mail, read already."""


class ConfusedError(Exception):
    """What comes from the relay cannot be matched to what was said to it; the message tells why."""


class ReplyReader:
    """Makes replies of octets, in whatever pieces they come (RFC 5321 section 4.2).

    A reply of many lines is one; a line may end in a bare line feed.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._texts: list[bytes] = []

    def read(self, data: bytes) -> Iterator[Reply]:
        """The replies that are complete now.

        Raises:
            ConfusedError: it is no SMTP, or has no end.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not self._texts and (usual := _USUAL.get(line)):
                yield usual
                continue
            code, mark = _CODES.get(line[:3]), line[3:4]
            if not code or mark not in _MARKS or len(line) > _LONGEST_LINE:
                raise ConfusedError("the relay's answer is no SMTP")
            self._texts.append(line[4:])
            if mark != b"-":
                text = b"\n".join(self._texts)
                self._texts.clear()
                yield Reply(code, text.decode("utf-8", "replace"))
        if len(self._rest) > _LONGEST_LINE or len(self._texts) > _MOST_LINES:
            raise ConfusedError("the relay's answer has no end")


@lru_cache(maxsize=64)
def accepted(reply: Reply) -> Outcome:
    """The relay answers for the mail from now on (RFC 5321 section 4.2.5)."""
    return _outcome(Result.ACCEPTED, reply, reply.words)


def refusal(reply: Reply, step: Step) -> Outcome:
    """A reply that ended the attempt.

    Only a 5xx about the recipient or the mail itself is final; before RCPT it is about us.
    """
    about_us = step not in (Step.RCPT, Step.DATA) or reply.code in _OUR_FAULT
    final = 500 <= reply.code < 600 and not about_us
    result = Result.REJECTED if final else Result.DEFERRED
    detail = f"{step}: {reply.words or 'refused without a word'}"
    # below 400 it is no refusal: who says such a thing may have taken the mail
    return _outcome(result, reply, detail, unserved=about_us and reply.code >= 400)


def _outcome(result: Result, reply: Reply, detail: str, *, unserved: bool = False) -> Outcome:
    code = reply.code if 200 <= reply.code < 600 else 0
    return Outcome(result=result, reply=code, status=reply.status, detail=detail, unserved=unserved)


def failure(error: Exception, step: Step, *, unserved: bool = True) -> Outcome:
    """What broke the attempt off; worth another try, whatever it was.

    Args:
        unserved: nobody can have taken the mail, for not all of it was said (RFC 1047).
    """
    if isinstance(error, smtplib.SMTPResponseException):
        reply = Reply.of(error.smtp_code, error.smtp_error)
        return replace(refusal(reply, step), result=Result.DEFERRED, unserved=unserved)
    return Outcome(result=Result.DEFERRED, detail=f"{step}: {_sentence(error)}", unserved=unserved)


def _sentence(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the relay's certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return _of_tls(error)
    # smtplib makes a hang-up of whatever ends its wait.
    if isinstance(error, TimeoutError) or str(error).endswith("closed: timed out"):
        return "the relay did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return tidy(str(error)) or type(error).__name__


def _of_tls(error: ssl.SSLError) -> str:
    if error.reason == "WRONG_VERSION_NUMBER":
        return "the relay does not speak TLS on this port"
    if isinstance(error, ssl.SSLEOFError):
        return "the relay hung up when TLS was to begin"
    return f"TLS failed: {(error.reason or 'without a word').replace('_', ' ').lower()}"


def discreet(detail: str, *, recipient: str, secrets: Iterable[str]) -> str:
    """One line of at most 300 characters without secrets, without anybody's address.

    Relays like to repeat the address, whole or only its local part, and some the one to which the
    reader has their mail forwarded.
    """
    detail = tidy(detail)
    for secret in filter(None, map(tidy, secrets)):
        detail = detail.replace(secret, _HIDDEN)
    if "@" in detail or "%40" in detail:
        detail = _ADDRESS.sub(_HIDDEN, detail)
    local = recipient.rpartition("@")[0]
    # Shorter ones are words of any language. The pattern below costs 100 us to make, so it is made
    # only where it may be found.
    if len(local) > 2 and (local.lower() in detail.lower() or not detail.isascii()):
        alone = rf"(?<![\w.+-]){re.escape(local)}(?![\w+-])"
        detail = re.sub(alone, _HIDDEN, detail, flags=re.IGNORECASE)
    return shorten(detail, DETAIL_LIMIT)
