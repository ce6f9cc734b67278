"""What may follow what: the table of transitions and the limits of confirmation, as pure decisions.

docs/subscriptions.md shows the same table; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from newsletter.membership import Purpose, Token, Wishes, wishes_of
from newsletter.model import Profile, Status, Subscriber
from newsletter.schedule import zone_of

TOKEN_LIFE = timedelta(hours=48)
ONE_MAIL_PER = timedelta(hours=24)
CONFIRMATIONS_IN_ALL = 3


class Event(StrEnum):
    """What can happen to a subscriber. `SUBSCRIBE` is the public form, which anybody can fill in."""

    SUBSCRIBE = "subscribe"
    CONFIRM = "confirm"
    PAUSE = "pause"
    RESUME = "resume"
    UNSUBSCRIBE = "unsubscribe"
    COME_BACK = "come back"
    BOUNCE = "bounce"
    COMPLAIN = "complain"


_S, _E = Status, Event

# Somebody unknown becomes pending; to be forgotten is possible from everywhere and leaves nothing.
# What is not here is refused. No event but the reader's own confirmation or return leads to active.
TRANSITIONS: Mapping[tuple[Status, Event], Status] = MappingProxyType(
    {
        (_S.PENDING, _E.SUBSCRIBE): _S.PENDING,
        (_S.PENDING, _E.CONFIRM): _S.ACTIVE,
        (_S.PENDING, _E.UNSUBSCRIBE): _S.UNSUBSCRIBED,
        (_S.PENDING, _E.BOUNCE): _S.BOUNCED,
        (_S.PENDING, _E.COMPLAIN): _S.COMPLAINED,
        (_S.ACTIVE, _E.SUBSCRIBE): _S.ACTIVE,
        (_S.ACTIVE, _E.PAUSE): _S.PAUSED,
        (_S.ACTIVE, _E.RESUME): _S.ACTIVE,
        (_S.ACTIVE, _E.UNSUBSCRIBE): _S.UNSUBSCRIBED,
        (_S.ACTIVE, _E.COME_BACK): _S.ACTIVE,
        (_S.ACTIVE, _E.BOUNCE): _S.BOUNCED,
        (_S.ACTIVE, _E.COMPLAIN): _S.COMPLAINED,
        (_S.PAUSED, _E.SUBSCRIBE): _S.PAUSED,
        (_S.PAUSED, _E.PAUSE): _S.PAUSED,
        (_S.PAUSED, _E.RESUME): _S.ACTIVE,
        (_S.PAUSED, _E.UNSUBSCRIBE): _S.UNSUBSCRIBED,
        (_S.PAUSED, _E.BOUNCE): _S.BOUNCED,
        (_S.PAUSED, _E.COMPLAIN): _S.COMPLAINED,
        (_S.UNSUBSCRIBED, _E.SUBSCRIBE): _S.UNSUBSCRIBED,
        (_S.UNSUBSCRIBED, _E.CONFIRM): _S.ACTIVE,
        (_S.UNSUBSCRIBED, _E.UNSUBSCRIBE): _S.UNSUBSCRIBED,
        (_S.UNSUBSCRIBED, _E.COME_BACK): _S.ACTIVE,
        (_S.UNSUBSCRIBED, _E.BOUNCE): _S.BOUNCED,
        (_S.UNSUBSCRIBED, _E.COMPLAIN): _S.COMPLAINED,
        (_S.BOUNCED, _E.SUBSCRIBE): _S.BOUNCED,
        (_S.BOUNCED, _E.UNSUBSCRIBE): _S.BOUNCED,
        (_S.BOUNCED, _E.COME_BACK): _S.ACTIVE,
        (_S.BOUNCED, _E.BOUNCE): _S.BOUNCED,
        (_S.BOUNCED, _E.COMPLAIN): _S.COMPLAINED,
        (_S.COMPLAINED, _E.SUBSCRIBE): _S.COMPLAINED,
        (_S.COMPLAINED, _E.UNSUBSCRIBE): _S.COMPLAINED,
        (_S.COMPLAINED, _E.COME_BACK): _S.ACTIVE,
        (_S.COMPLAINED, _E.BOUNCE): _S.COMPLAINED,
        (_S.COMPLAINED, _E.COMPLAIN): _S.COMPLAINED,
    }
)

# What the public form may cause to be mailed, by where the address stands; nothing to the others.
_ANSWERS = {
    None: Purpose.CONFIRM,
    Status.PENDING: Purpose.CONFIRM,
    Status.UNSUBSCRIBED: Purpose.CONFIRM,
    Status.ACTIVE: Purpose.SETTINGS,
    Status.PAUSED: Purpose.SETTINGS,
}


def next_status(status: Status, event: Event) -> Status | None:
    """Where the event leads, or `None` if it is not possible there."""
    return TRANSITIONS.get((status, event))


def mail_for(status: Status | None, *, suppressed: bool) -> Purpose | None:
    """Which mail a filled-in form asks for; `status` is `None` for an unknown address."""
    return None if suppressed else _ANSWERS.get(status)


def reminder_for(status: Status) -> Purpose | None:
    """Which mail somebody gets who lost their link; those who left may still see what is kept."""
    return Purpose.SETTINGS if status is Status.UNSUBSCRIBED else _ANSWERS.get(status)


def may_issue(history: Sequence[Token], purpose: Purpose, now: datetime) -> bool:
    """Whether one more token may be mailed to an address with this history.

    At most one mail in 24 hours, whatever for, and three unanswered confirmations in all: sign-up
    forms are used to bury strangers in mail (M3AAWG on list bombing). A confirmation starts anew.
    """
    if any(token.issued_at > now - ONE_MAIL_PER for token in history):
        return False
    return purpose is not Purpose.CONFIRM or _unanswered(history) < CONFIRMATIONS_IN_ALL


def _unanswered(history: Sequence[Token]) -> int:
    asked = [token for token in history if token.purpose is Purpose.CONFIRM]
    answered = max((token.used_at for token in asked if token.used_at), default=None)
    return sum(answered is None or token.issued_at > answered for token in asked)


def refusal(token: Token | None, purpose: Purpose, now: datetime) -> str:
    """Why a token does not count, in a sentence; empty if it does."""
    if token is None or token.purpose is not purpose:
        return "this link is not one of ours"
    if token.used_at is not None:
        return "this link was used already"
    if token.expires_at <= now:
        return "this link is too old; please ask for a new one"
    return ""


def pause_is_over(subscriber: Subscriber, now: datetime) -> bool:
    """Whether the day they wanted to go on has come where they live."""
    until = subscriber.paused_until
    return until is not None and now.astimezone(zone_of(subscriber.timezone)).date() >= until


def changed(subscriber: Subscriber, profile: Profile) -> Wishes:
    """Their wishes with another profile."""
    return replace(wishes_of(subscriber), profile=profile)


def merged(base: Profile, theirs: Profile, mine: Profile) -> Profile:
    """What a form asks for, with the changes that happened elsewhere since it was shown.

    Args:
        base: the profile that the form showed.
        theirs: the profile as it is now.
        mine: what the form says.
    """
    lists = (
        field.name for field in fields(Profile) if isinstance(getattr(base, field.name), tuple)
    )
    joined: dict[str, Any] = {name: _joined(base, theirs, mine, name) for name in lists}
    return replace(mine, **joined)


def _joined(base: Profile, theirs: Profile, mine: Profile, name: str) -> tuple[str, ...]:
    before, now, asked = (getattr(profile, name) for profile in (base, theirs, mine))
    dropped = set(before) - set(now)
    added = [word for word in now if word not in before and word not in asked]
    return (*(word for word in asked if word not in dropped), *added)


def following(profile: Profile, author: str, *, stop: bool) -> Profile:
    """The profile with this author followed, or not any more."""
    return replace(profile, authors=_with(profile.authors, author, stop=stop))


def muting(profile: Profile, word: str, *, stop: bool) -> Profile:
    """The profile with this muted, or not any more."""
    return replace(profile, muted=_with(profile.muted, word, stop=stop))


def _with(words: tuple[str, ...], word: str, *, stop: bool) -> tuple[str, ...]:
    others = tuple(known for known in words if known.casefold() != word.casefold())
    if stop or not word:
        return others
    return words if len(others) < len(words) else (*words, word)
