"""Turns picks into one edition for one subscriber: its key, its subject and what the inbox shows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from newsletter.mail.scripts import apart
from newsletter.mail.wording import headline_cut, plain, shorten
from newsletter.making import maker
from newsletter.model import Digest, Pick, Reason, Subscriber, Why

SUBJECT_LIMIT = 60
PREHEADER_LIMITS = (40, 110)

_ID_LENGTH = 26
_UNTITLED = "A paper without a title"
_REASONS_SHOWN = 3
_REASON_LIMIT = 70
_NAMED_IN_PREHEADER = slice(1, 4)
_digest = maker(Digest)


def make_digest(
    *,
    subscriber: Subscriber,
    picks: Sequence[Pick],
    considered: int,
    edition: str,
    now: datetime,
    notes: tuple[str, ...] = (),
) -> Digest:
    """One edition for one subscriber, ready to be stored and rendered later.

    Args:
        considered: how many new papers the picks were chosen from.
        edition: the day it is made for; the same subscriber and edition give the same id.
        now: aware UTC; becomes the Date of the mail.
        notes: sentences shown above the papers.
    """
    return _digest(
        digest_id(subscriber.id, edition),
        subscriber.id,
        edition,
        subject_for(picks, considered),
        preheader_for(picks, considered),
        tuple(picks),
        considered,
        now,
        notes,
    )


def digest_id(subscriber_id: str, edition: str) -> str:
    """104 bit of hash: opaque in Message-ID and links, equal for a second try of the same edition.

    Small letters and digits, for some servers change the case of an address that names it.
    """
    return hashlib.sha256(f"{subscriber_id}\n{edition}".encode()).hexdigest()[:_ID_LENGTH]


def subject_for(picks: Sequence[Pick], considered: int) -> str:
    """The top paper's title, and how many stand beside it; at most 60 characters.

    Gmail's sender rules forbid a fake `Re:`; filters count shouting as spam.
    """
    if not picks:
        return _quiet_subject(considered)
    return _headline(picks[0].paper.title, len(picks) - 1)


@lru_cache(maxsize=4_096)  # many readers have one paper at the top
def _headline(title: str, others: int) -> str:
    title = plain(title) or _UNTITLED
    if re.match(r"(re|fwd?|aw|wg)\s*:", title, re.IGNORECASE):
        title = f"Paper “{title}”"
    tail = f", and {others} more" if others else ""
    cut = headline_cut(title, SUBJECT_LIMIT - len(tail))
    if not tail and cut.isupper():  # also where only the beginning of the title shouts
        tail = ", picked for you"
        cut = headline_cut(title, SUBJECT_LIMIT - len(tail))
    return cut + tail


def _quiet_subject(considered: int) -> str:
    if considered > 0:
        return "Nothing new for your interests today"
    return "No new papers today"


def preheader_for(picks: Sequence[Pick], considered: int) -> str:
    """The line an inbox shows beside the subject: papers 2 to 4, in 40 to 110 characters."""
    titles = [plain(pick.paper.title) or _UNTITLED for pick in picks[_NAMED_IN_PREHEADER]]
    if not titles:
        return _lonely_preheader(picks, considered)
    least, most = PREHEADER_LIMITS
    room = most - len("Also: ")
    text = "Also: " + _titles_within(titles, room)
    if (excess := len(plain(text)) - most) > 0:  # an endless word that was cut gets a break
        text = "Also: " + _titles_within(titles, room - excess)
    if len(text) < least:
        text += f" · chosen from {max(considered, len(picks)):,} new papers for you"
    return text


def _titles_within(titles: Sequence[str], room: int) -> str:
    """The titles side by side; what a short one leaves free goes to those after it."""
    cuts: list[str] = []
    free = room - len(" · ") * (len(titles) - 1)
    for left, title in zip(range(len(titles), 0, -1), titles, strict=True):
        cut = headline_cut(title, free // left)
        free -= len(cut)
        cuts.append(cut)
    return " · ".join(cuts)


def _lonely_preheader(picks: Sequence[Pick], considered: int) -> str:
    if picks and considered > 1:
        return f"The one of {considered:,} new papers that fits your interests, and why."
    if picks:
        return "One new paper that fits your interests, and why you see it."
    if considered > 0:
        return f"Of {considered:,} new papers none is close enough to your interests today."
    return "No new papers were listed since your last edition; see you next time."


def why_phrases(reasons: Sequence[Reason]) -> str:
    """The reasons in the subscriber's own words: `your topic “…” · you follow …`."""
    shown = (_phrase(reason) for reason in reasons[:_REASONS_SHOWN])
    return " · ".join(apart(phrase) for phrase in shown if phrase)


def _phrase(reason: Reason) -> str:
    detail = shorten(plain(reason.detail), _REASON_LIMIT)
    if not detail:
        return ""
    phrase = str(Reason(why=reason.why, detail=detail))
    # "Why you see this: a surprise: ..." would stumble over its second colon
    return phrase.replace(": ", " – ", 1) if reason.why is Why.SURPRISE else phrase
