"""Turns picks into one edition for one subscriber: its key, its subject and what the inbox shows."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime

from newsletter.model import Digest, Pick, Reason, Subscriber, Why

SUBJECT_LIMIT = 60
PREHEADER_LIMITS = (40, 110)

_UNTITLED = "A paper without a title"
_REASONS_SHOWN = 3
_REASON_LIMIT = 70
_NAMED_IN_PREHEADER = slice(1, 4)
_DANGLING = " \t,;:.!?–—-(/"
_SMALL_WORDS = frozenset("a an and as at by for from in into is its of on or the to via with".split())
# Zero-width joiners shape Persian, Indic scripts and family emoji; every other format character
# (direction overrides, zero-width space, soft hyphen, tags) only serves to deceive or to break.
_KEPT_FORMATS = frozenset("\u200c\u200d")
_DROPPED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
_SENTENCE_END = re.compile(r"[.!?][)\]”’\"']*(?=\s|$)")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|al|vs|cf|Fig|Eq|Sec|resp|approx|No|[A-Z])\.)$")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January February March April May June July August September October November December"
).split()


def make_digest(
    *,
    subscriber: Subscriber,
    picks: Sequence[Pick],
    considered: int,
    edition: str,
    now: datetime,
) -> Digest:
    """One edition for one subscriber, ready to be stored and rendered later.

    Args:
        considered: how many new papers the picks were chosen from.
        edition: the day it is made for; the same subscriber and edition give the same id.
        now: aware UTC; becomes the Date of the mail.
    """
    return Digest(
        id=digest_id(subscriber.id, edition),
        subscriber_id=subscriber.id,
        edition=edition,
        subject=subject_for(picks, considered),
        preheader=preheader_for(picks, considered),
        picks=tuple(picks),
        considered=considered,
        created_at=now,
    )


def digest_id(subscriber_id: str, edition: str) -> str:
    """128 bit of hash: opaque in Message-ID and links, equal for a second try of the same edition."""
    key = hashlib.sha256(f"{subscriber_id}\n{edition}".encode()).digest()[:16]
    return base64.b32encode(key).decode().rstrip("=").lower()


def subject_for(picks: Sequence[Pick], considered: int) -> str:
    """The top paper's title, and how many stand beside it; at most 60 characters.

    Gmail's sender rules forbid a fake `Re:`; filters count shouting as spam.
    """
    if not picks:
        return _quiet_subject(considered)
    title = tidy(picks[0].paper.title) or _UNTITLED
    if re.match(r"(re|fwd?|aw|wg)\s*:", title, re.IGNORECASE):
        title = f"Paper “{title}”"
    others = len(picks) - 1
    tail = f", and {others} more" if others else ""
    if not tail and title.upper() == title and title.lower() != title:
        tail = ", picked for you"
    return _headline_cut(title, SUBJECT_LIMIT - len(tail)) + tail


def _quiet_subject(considered: int) -> str:
    if considered > 0:
        return "Nothing new for your interests today"
    return "No new papers today"


def _headline_cut(title: str, limit: int) -> str:
    """A title cut at a word, without a preposition or a colon left hanging before the ellipsis."""
    if len(title) <= limit:
        return title
    words = _cut_at_word(title, limit).removesuffix("…").split(" ")
    while len(words) > 1 and words[-1].lower() in _SMALL_WORDS:
        words.pop()
    return " ".join(words).rstrip(_DANGLING) + "…"


def preheader_for(picks: Sequence[Pick], considered: int) -> str:
    """The line an inbox shows beside the subject: papers 2 to 4, in 40 to 110 characters."""
    titles = [tidy(pick.paper.title) or _UNTITLED for pick in picks[_NAMED_IN_PREHEADER]]
    if not titles:
        return _lonely_preheader(picks, considered)
    least, most = PREHEADER_LIMITS
    text = "Also: " + _titles_within(titles, most - len("Also: "))
    if len(text) < least:
        text += f" · chosen from {max(considered, len(picks)):,} new papers for you"
    return text


def _titles_within(titles: Sequence[str], room: int) -> str:
    """The titles side by side; what a short one leaves free goes to those after it."""
    cuts: list[str] = []
    for left, title in zip(range(len(titles), 0, -1), titles, strict=True):
        used = sum(map(len, cuts)) + len(" · ") * (len(titles) - 1)
        cuts.append(_headline_cut(title, (room - used) // left))
    return " · ".join(cuts)


def _lonely_preheader(picks: Sequence[Pick], considered: int) -> str:
    if picks and considered > 1:
        return f"The one of {considered:,} new papers that fits your interests, and why."
    if picks:
        return "One new paper that fits your interests, and why you see it."
    if considered > 0:
        return f"Of {considered:,} new papers none is close enough to your interests today."
    return "No new papers were listed since your last edition; see you next time."


def tidy(text: str) -> str:
    """One line of text without characters that steer, hide or break what stands around it.

    Control and format characters go (joiners stay), every run of white space becomes one blank.
    """
    if not (text.isascii() and text.isprintable()):
        text = _NOT_PLAIN.sub(lambda found: _tidy_character(found[0]), text)
    return " ".join(text.split())


def _tidy_character(character: str) -> str:
    if character.isspace():
        return " "
    if character in _KEPT_FORMATS:
        return character
    # U+FFFD marks a character that was already lost on the way to us
    dropped = unicodedata.category(character) in _DROPPED or character == "\ufffd"
    return "" if dropped else character


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters of a text, cut where it reads naturally.

    A sentence end in the last 40 % of the limit wins; otherwise the last whole word and "…".
    """
    if limit <= 0:
        return ""
    if len(text) <= limit:
        return text
    end = _last_sentence_end(text[: limit + 1], limit * 6 // 10)
    return text[:end] if end else _cut_at_word(text, limit)


def _last_sentence_end(window: str, least: int) -> int:
    """Where the last sentence of the window ends, or 0 when none ends at or after `least`."""
    ends = [
        match.end()
        for match in _SENTENCE_END.finditer(window)
        if least <= match.end() < len(window)
        and not _ABBREVIATION.search(window[: match.start() + 1])
    ]
    return ends[-1] if ends else 0


def _cut_at_word(text: str, limit: int) -> str:
    head = text[: max(limit - 1, 0)]
    if not text[len(head) : len(head) + 1].isspace():
        word_end = head.rfind(" ")
        head = head[:word_end] if word_end > 0 else head
    return head.rstrip(_DANGLING + "\u200c\u200d") + "…"


def why_phrases(reasons: Sequence[Reason]) -> str:
    """The reasons in the subscriber's own words: `your topic “…” · you follow …`."""
    shown = (_phrase(reason) for reason in reasons[:_REASONS_SHOWN])
    return " · ".join(phrase for phrase in shown if phrase)


def reason_sentence(reasons: Sequence[Reason]) -> str:
    """`Why you see this: …`, or nothing for a pick without a reason."""
    phrases = why_phrases(reasons)
    return f"Why you see this: {phrases}" if phrases else ""


def _phrase(reason: Reason) -> str:
    detail = shorten(tidy(reason.detail), _REASON_LIMIT)
    if not detail:
        return ""
    phrase = str(Reason(why=reason.why, detail=detail))
    # "Why you see this: a surprise: ..." would stumble over its second colon
    return phrase.replace(": ", " – ", 1) if reason.why is Why.SURPRISE else phrase


def enumerate_names(names: Sequence[str], total: int) -> str:
    """`A, B and C`; when `total` is larger than what is named: `A, B, C and 12 more`."""
    if total > len(names):
        return ", ".join(names) + f" and {total - len(names):,} more"
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + f" and {names[-1]}"


def long_date(day: date) -> str:
    """`Friday, 16 January 2026`, whatever the locale of the machine."""
    return f"{_WEEKDAYS[day.weekday()]}, {short_date(day)}"


def short_date(day: date) -> str:
    """`16 January 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def edition_name(edition: str) -> str:
    """The day of an edition in words; an edition that is no day stays as it is."""
    try:
        return long_date(date.fromisoformat(edition))
    except ValueError:
        return tidy(edition)
