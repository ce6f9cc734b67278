"""The nouns of being a subscriber: what they wish, what they agreed to, what was mailed to ask them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, time
from enum import StrEnum

from newsletter.delivery import Errand
from newsletter.model import Cadence, Format, Profile, Status, Subscriber


def one_line(text: str) -> str:
    """Text of the world as one plain line: line breaks and other control characters become a space,
    invisible ones (byte order marks, direction overrides) go; the joiners of scripts and emoji stay.
    """
    seen = text if text.isprintable() else "".join(map(_plain, text))  # most text has none of these
    return " ".join(unicodedata.normalize("NFC", seen).split())


def _plain(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cf":
        return character if character in "\u200c\u200d" else ""
    return " " if kind in ("Cc", "Cs", "Zl", "Zp") else character


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a reader asks for: the interests, and how and when the digest comes.

    The fields mean what they mean in `Subscriber`.
    """

    name: str = ""
    profile: Profile = field(default_factory=Profile)
    cadence: Cadence = Cadence.WEEKDAYS
    send_at: time = time(8, 0)
    weekday: int = 0
    timezone: str = "UTC"
    format: Format = Format.HTML


def is_subscribed(status: Status) -> bool:
    """Whether digests come, or will again after a pause."""
    return status in (Status.ACTIVE, Status.PAUSED)


def wishes_of(subscriber: Subscriber) -> Wishes:
    """What they asked for, without who they are and where they stand."""
    return Wishes(**{f.name: getattr(subscriber, f.name) for f in fields(Wishes)})


def asking_for(subscriber: Subscriber, wishes: Wishes) -> Subscriber:
    """The same subscriber with other wishes."""
    return replace(subscriber, **{f.name: getattr(wishes, f.name) for f in fields(Wishes)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileVersion:
    """A profile as it was from `at` on; the first of a subscriber is version 1."""

    version: int
    at: datetime
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """That somebody agreed to be mailed: when, where (a page, an import, an operator), and to which
    words."""

    at: datetime
    origin: str
    wording: str


class Purpose(StrEnum):
    """What a mailed token is for: to confirm, or to find the way to one's settings."""

    CONFIRM = Errand.CONFIRM.value
    SETTINGS = Errand.SETTINGS.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A mailed token as kept; the link that carries it is signed, so its id is no secret.

    Attributes:
        subscriber_id: empty once the subscriber is gone.
        wishes: what the form said; taken over when the token is used.
    """

    id: str
    purpose: Purpose
    subscriber_id: str
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    wishes: Wishes | None = None
