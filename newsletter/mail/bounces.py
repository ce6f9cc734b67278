"""Reads what comes back to our return path and our reply address: one mail in, one report out (pure).

Three standards are understood: delivery reports (RFC 3464), complaints (ARF, RFC 5965) and automatic
answers (RFC 3834), beside the mails that our own List-Unsubscribe header asks for. Bounces in a form
of their own (qmail's, say) are recognised as such and decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from enum import StrEnum
from itertools import islice

from newsletter.mail.failures import is_permanent, status_in
from newsletter.mail.verp import ReturnPaths
from newsletter.mail.wording import shorten, tidy

LOOKED_AT = 256 * 1024  # octets; whatever counts stands in front of the returned original
# Parts that may hold parts. The standard library's parser asks each of them about every line, so a
# mail of many such and of empty lines would keep it busy for seconds; a report has four or five.
_MOST_NESTS = 12
_NEST = re.compile(
    rb"boundary[\x09-\x0d\x1c-\x20]*[=*]|:[\x09-\x0d\x1c-\x20]*message/", re.IGNORECASE
)
_VALUE_LIMIT = 2000
_DETAIL_LIMIT = 300

# What the standard library's parser raises for hostile mails: in 3.11 TypeError (mixed RFC 2231
# continuations) and ValueError (numbers of thousands of digits, character sets named with a NUL);
# the rest is for what other versions may hold.
_TROUBLE = (ValueError, TypeError, LookupError, AttributeError, AssertionError)

_ENVELOPE = (
    "Delivered-To",
    "X-Original-To",
    "X-Delivered-To",
    "Envelope-To",
    "X-Envelope-To",
    "To",
)
_ADDRESS = re.compile(r"[^\s<>,;:\"()]{1,64}@[A-Za-z0-9.\[\]-]{1,255}")
_ID = r"([a-z0-9]{26}|[0-9a-f]{32})"  # of a digest, or of a letter
_MESSAGE_ID = re.compile(rf"\s*<{_ID}@[^\s<>@]{{1,255}}>\s*", re.IGNORECASE)
_UNSUBSCRIBE = re.compile(rf"\s*(?:re:\s*)?unsubscribe\s+{_ID}\s*", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*(?:\"@\S*|\"|$)")
_HIDDEN = "(hidden)"


class Kind(StrEnum):
    """What a mail reports.

    HARD and SOFT: a mail of ours failed; see `failures` for which. DELAYED: the server goes on
    trying. COMPLAINT: the reader called it spam. UNSUBSCRIBE: they, or their mail program, ask by
    mail to leave. VACATION: any automatic answer. UNKNOWN: none of these; perhaps a person wrote.
    """

    HARD = "hard"
    SOFT = "soft"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    VACATION = "vacation"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one mail says.

    Attributes:
        delivery_id: which mail of ours it is about; empty if that cannot be told. It comes from the
            signed return path or, where that is lost, from a Message-ID, which only the store can
            tell to be ours.
        recipient: whose delivery failed, or who wrote; as claimed, for people to look at.
        status: enhanced status code (RFC 3463); empty where none is given.
        detail: one line of at most 300 characters for the log, without any address.
    """

    kind: Kind
    delivery_id: str = ""
    recipient: str = ""
    status: str = ""
    detail: str = ""


def read_report(raw: bytes, *, return_paths: ReturnPaths) -> Report:
    """What a mail reports; any octets whatever give an answer.

    Args:
        raw: the mail as it lies in the mailbox; only its first 256 kB are looked at.
    """
    try:
        mail = _parsed(raw[:LOOKED_AT])
        found = _judged(mail)
        delivery_id = _delivery(mail, return_paths) or found.delivery_id
    except _TROUBLE:
        return Report(kind=Kind.UNKNOWN, detail="cannot be read as a mail")
    return replace(found, delivery_id=delivery_id, detail=_discreet(found.detail, found.recipient))


def _parsed(raw: bytes) -> Message:
    """The mail in its parts; of one with too many, the headers alone."""
    nests = sum(1 for _ in islice(_NEST.finditer(raw), _MOST_NESTS + 1))
    parser = BytesParser() if nests <= _MOST_NESTS else BytesHeaderParser()
    return parser.parsebytes(raw)


def _judged(mail: Message) -> Report:
    """Reports before automatic answers, for a report is one too (RFC 3834 section 5)."""
    parts = {part.get_content_type(): part for part in reversed(list(_parts(mail)))}
    for kind in ("message/delivery-status", "message/global-delivery-status"):  # RFC 6533
        if kind in parts:
            return _failure(parts[kind])
    if _FEEDBACK_REPORT in parts:
        return _feedback(parts[_FEEDBACK_REPORT])
    if asked := _UNSUBSCRIBE.fullmatch(_value(mail, "Subject")):
        sender = _address(_value(mail, "From"))
        return Report(
            kind=Kind.UNSUBSCRIBE,
            delivery_id=asked[1].lower(),
            recipient=sender,
            detail="asked by mail to leave",
        )
    if why := _automatic(mail, is_receipt="message/disposition-notification" in parts):
        return Report(kind=Kind.VACATION, detail=why)
    return Report(kind=Kind.UNKNOWN, detail=_guess(mail))


def _parts(mail: Message) -> Iterator[Message]:
    """The mail and its parts, top down; a forwarded or returned mail is one part, never opened."""
    yield mail
    if mail.get_content_maintype() == "multipart" and mail.is_multipart():
        for part in _children(mail):
            yield from _parts(part)


def _children(part: Message) -> list[Message]:
    inside = part.get_payload()
    return [child for child in inside if isinstance(child, Message)] if part.is_multipart() else []


def _inside(part: Message) -> Message:
    """What a part of type message/* holds; the parser reads a group of fields as a mail, too."""
    return next(iter(_children(part)), Message())


def _octets(part: Message) -> bytes:
    decoded = part.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""


# -- delivery reports (RFC 3464)


def _failure(part: Message) -> Report:
    """The mildest of what is said of the recipients: one of several may have got the mail."""
    blocks = [block for block in _blocks(part) if "Action" in block or "Status" in block]
    reports = [_of_recipient(block) for block in blocks[:100]]
    if not reports:
        return Report(kind=Kind.UNKNOWN, detail="a delivery report without a recipient")
    order = (Kind.UNKNOWN, Kind.DELAYED, Kind.SOFT, Kind.HARD)
    return min(reports, key=lambda report: order.index(report.kind))


def _blocks(part: Message) -> list[Message]:
    """The groups of fields. The parser parts them in the ASCII form only; in the other, what
    follows the first group is taken for the text of a mail."""
    blocks = _children(part)
    if len(blocks) != 1 or blocks[0].is_multipart():
        return blocks
    groups = re.split(rb"(?:\r?\n){2,}", _octets(blocks[0]))
    return [*blocks, *map(BytesHeaderParser().parsebytes, groups[:100])]


def _of_recipient(block: Message) -> Report:
    action = (_value(block, "Action").split() or ["-"])[0].lower()
    words = _value(block, "Diagnostic-Code")
    said = _value(block, "Status")
    status = status_in(said)
    if action == "failed":
        kind = Kind.HARD if is_permanent(said, words) else Kind.SOFT
    elif action in ("delivered", "relayed", "expanded"):
        kind = Kind.UNKNOWN
    else:  # delayed; a report that names no action says too little to count
        kind = Kind.DELAYED
    # what we sent it to, where that is known, rather than where it was forwarded
    recipient = _value(block, "Original-Recipient") or _value(block, "Final-Recipient")
    return Report(
        kind=kind,
        recipient=_address(recipient),
        status=status,
        detail=": ".join(filter(None, (f"{action} {status}".strip(), words))),
    )


# -- complaints (ARF, RFC 5965; the kinds of feedback: section 7.3 and RFC 6430, RFC 6591)

_FEEDBACK_REPORT = "message/feedback-report"
_FEEDBACK = {
    "abuse": Kind.COMPLAINT,
    "fraud": Kind.COMPLAINT,
    "opt-out": Kind.UNSUBSCRIBE,
    "opt-out-list": Kind.UNSUBSCRIBE,
}


def _feedback(part: Message) -> Report:
    block = _inside(part)
    kind = _value(block, "Feedback-Type").lower()
    return Report(
        kind=_FEEDBACK.get(kind, Kind.UNKNOWN),
        recipient=_address(_value(block, "Original-Rcpt-To")),
        detail=f"feedback of type {kind or 'none'}, sent by {_value(block, 'User-Agent') or 'none'}",
    )


# -- automatic answers (RFC 3834)


def _automatic(mail: Message, *, is_receipt: bool) -> str:
    """By what a mail shows that no person wrote it; empty if nothing does, and for odd bounces."""
    if _from_a_server(mail):
        return ""
    if is_receipt:
        return "a receipt (RFC 8098)"
    submitted = _value(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    if submitted not in ("", "no"):
        return f"Auto-Submitted: {submitted}"
    for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Response-Suppress"):
        if name in mail:
            return name
    precedence = _value(mail, "Precedence").strip().lower()
    if precedence in ("auto_reply", "auto-reply", "bulk", "junk", "list"):
        return f"Precedence: {precedence}"
    return "sent from nowhere" if _value(mail, "Return-Path") == "<>" else ""


def _from_a_server(mail: Message) -> bool:
    local = _address(_value(mail, "From")).partition("@")[0].lower()
    return local in ("mailer-daemon", "postmaster")


def _guess(mail: Message) -> str:
    """What an unknown mail probably is."""
    if _from_a_server(mail):
        return "a bounce in a form of its own"
    return "no report: perhaps a person wrote"


# -- which mail of ours


def _delivery(mail: Message, return_paths: ReturnPaths) -> str:
    """The signed return path wherever it may stand, else the Message-ID of the returned original."""
    originals = [original for part in _parts(mail) if (original := _original(part)) is not None]
    for address in _return_paths(mail, originals):
        if (found := return_paths.read(address)) is not None:
            return found
    named = (_MESSAGE_ID.fullmatch(_value(original, "Message-ID")) for original in originals)
    return next((found[1].lower() for found in named if found), "")


def _return_paths(mail: Message, originals: list[Message]) -> Iterator[str]:
    for name in _ENVELOPE:
        for value in _values(mail, name):
            yield from _ADDRESS.findall(value)
    for part in _parts(mail):
        if part.get_content_type() == _FEEDBACK_REPORT:
            yield _address(_value(_inside(part), "Original-Mail-From"))
    for original in originals:
        yield _address(_value(original, "Return-Path"))


def _original(part: Message) -> Message | None:
    """The returned mail, whole or its headers (RFC 6522 section 3, RFC 6533 section 4.3)."""
    if part.get_content_type() == "text/rfc822-headers":
        return BytesHeaderParser().parsebytes(_octets(part).lstrip())
    returned = ("message/rfc822", "message/global", "message/global-headers")
    return _inside(part) if part.get_content_type() in returned else None


# -- values


def _values(mail: Message, name: str) -> list[str]:
    """Every value of a header, each on one line, cut where nobody sensible writes any more."""
    return [tidy(_cut(str(value))) for value in mail.get_all(name, [])[:10]]


def _value(mail: Message, name: str) -> str:
    return next(iter(_values(mail, name)), "")


def _cut(text: str) -> str:
    """At most 2,000 characters; half an address at the end would not look like one."""
    if len(text) <= _VALUE_LIMIT:
        return text
    whole, _, _ = text[:_VALUE_LIMIT].rpartition(" ")
    return whole


def _address(value: str) -> str:
    """The last address in a value: `rfc822;ada@reader.example`, `Ada <ada@reader.example>`."""
    found = _ADDRESS.findall(value)
    return found[-1] if found else ""


def _discreet(text: str, recipient: str) -> str:
    """One short line without addresses."""
    text = _QUOTED.sub(_unquoted, tidy(_cut(text)))
    local = recipient.partition("@")[0].lower()
    shown = " ".join(_HIDDEN if _tells(word, local) else word for word in text.split(" "))
    return shorten(shown, _DETAIL_LIMIT)


def _unquoted(found: re.Match[str]) -> str:
    """`"ada byron"@reader.example` has a blank in it; so may what was cut before its end."""
    return found[0] if found[0].endswith('"') else _HIDDEN


def _tells(word: str, local: str) -> bool:
    # servers repeat the local part alone; a short one is a word of any language
    repeats = len(local) > 2 and local in word.lower()
    return repeats or any(sign in word for sign in ("@", "＠", "%40", "&#64;"))
