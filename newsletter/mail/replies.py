"""Reads what a relay says: its reply becomes an outcome, its words become fit for a log."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from newsletter.delivery import Outcome, Result
from newsletter.mail.wording import shorten, tidy

DETAIL_LIMIT = 300

# "Log in first", "wrong password", "commands in the wrong order": said at RCPT or DATA they are
# still about us (RFC 4954 section 6, RFC 5321 section 4.2.2), and no reader may be dropped for it.
_OUR_FAULT = frozenset((503, 530, 534, 535, 538))
_STATUS = re.compile(r"(?m)^[ \t]*([245]\.\d{1,3}\.\d{1,3})(?!\S)[ \t]*")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']+(?:@|%40)[^\s<>()\[\],;:\"']+")
_HIDDEN = "(hidden)"


class Step(StrEnum):
    """How far an attempt came; named in the detail of what went wrong."""

    CONNECT = "connecting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, its lines joined by line ends."""

    code: int
    text: str

    @classmethod
    def of(cls, code: int, text: bytes | str) -> Reply:
        """The reply as smtplib hands it out."""
        return cls(code, text.decode("utf-8", "replace") if isinstance(text, bytes) else text)

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 300

    @property
    def status(self) -> str:
        """The enhanced status code (RFC 2034 section 4) where it agrees with the reply code."""
        found = _STATUS.match(self.text)
        return found[1] if found and found[1][0] == str(self.code)[0] else ""

    @property
    def words(self) -> str:
        return tidy(_STATUS.sub("", self.text).replace("\n", " "))


def accepted(reply: Reply) -> Outcome:
    """The relay answers for the mail from now on (RFC 5321 section 4.2.5)."""
    return _outcome(Result.ACCEPTED, reply, reply.words)


def refusal(reply: Reply, step: Step) -> Outcome:
    """A reply that ended the attempt.

    Only a 5xx about the recipient or the mail itself is final; before RCPT it is about us.
    """
    final = (
        500 <= reply.code < 600 and step in (Step.RCPT, Step.DATA) and reply.code not in _OUR_FAULT
    )
    result = Result.REJECTED if final else Result.DEFERRED
    detail = f"{step}: {reply.words or 'refused without a word'}"
    about_us = step not in (Step.RCPT, Step.DATA) or reply.code in _OUR_FAULT
    return _outcome(result, reply, detail, unserved=about_us)


def _outcome(result: Result, reply: Reply, detail: str, *, unserved: bool = False) -> Outcome:
    code = reply.code if 200 <= reply.code < 600 else 0
    return Outcome(result=result, reply=code, status=reply.status, detail=detail, unserved=unserved)


def failure(error: Exception, step: Step) -> Outcome:
    """What broke the attempt off; worth another try, whatever it was."""
    if isinstance(error, smtplib.SMTPResponseException):
        reply = Reply.of(error.smtp_code, error.smtp_error)
        return replace(refusal(reply, step), result=Result.DEFERRED)
    # Once DATA has begun nobody knows whether the mail was taken (RFC 1047).
    return Outcome(
        result=Result.DEFERRED,
        detail=f"{step}: {_sentence(error)}",
        unserved=step is not Step.DATA,
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the relay's certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "the relay did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return tidy(str(error)) or type(error).__name__


def discreet(detail: str, *, recipient: str, secrets: Iterable[str]) -> str:
    """One line of at most 300 characters without secrets, without anybody's address.

    Relays like to repeat the address, whole or only its local part, and some the one to which the
    reader has their mail forwarded.
    """
    detail = tidy(detail)
    for secret in filter(None, map(tidy, secrets)):
        detail = detail.replace(secret, _HIDDEN)
    detail = _ADDRESS.sub(_HIDDEN, detail)
    local = recipient.rpartition("@")[0]
    if len(local) > 2:  # shorter ones are words of any language
        alone = rf"(?<![\w.+-]){re.escape(local)}(?![\w+-])"
        detail = re.sub(alone, _HIDDEN, detail, flags=re.IGNORECASE)
    return shorten(detail, DETAIL_LIMIT)
