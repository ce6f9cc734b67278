"""Where a reader stands and what they changed, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from types import MappingProxyType

from newsletter.mail.scripts import quoted
from newsletter.mail.templating import counted
from newsletter.mail.wording import enumerate_names, long_date, shorten
from newsletter.membership import Wishes
from newsletter.model import Format, Profile, Status, Subscriber
from newsletter.web.rhythm import rhythm

_NAMES = MappingProxyType(
    {
        "topics": ("topic", "topics"),
        "keywords": ("keyword", "keywords"),
        "authors": ("author", "authors"),
        "organizations": ("organisation", "organisations"),
        "categories": ("arXiv category", "arXiv categories"),
        "muted": ("mute", "mutes"),
        "liked": ("liked paper", "liked papers"),
    }
)
_NAMED = 3
_ENTRY = 60


def when(wishes: Wishes) -> str:
    """When digests come, for a place where it stands alone."""
    said = rhythm(wishes)
    return said[:1].upper() + said[1:]


def standing(subscriber: Subscriber) -> str:
    """What they get, or why they get nothing, in one sentence."""
    most = subscriber.profile.max_papers
    papers = "one paper" if most == 1 else f"up to {most} papers"
    digest = f"a digest of {papers} {rhythm(subscriber)}"
    match subscriber.status:
        case Status.ACTIVE:
            return f"You get {digest}."
        case Status.PAUSED:
            return f"Paused: no mail before {_day(subscriber.paused_until)}. Then {digest}."
        case Status.PENDING:
            return "You get nothing yet: the link in our confirmation mail waits to be opened."
        case Status.BOUNCED:
            return "You get nothing: your mailbox refused our mail, so we stopped."
        case Status.COMPLAINED:
            return "You get nothing: a mail of ours was reported as spam, so we stopped."
        case Status.UNSUBSCRIBED:
            return "You get nothing: you have unsubscribed."


def changes(before: Wishes, after: Wishes) -> tuple[str, ...]:
    """What is different now, one sentence each."""
    return (*_of_lists(before.profile, after.profile), *_of_values(before, after))


def _day(day: date | None) -> str:
    return long_date(day) if day else "you resume"


def _of_lists(before: Profile, after: Profile) -> Iterator[str]:
    for field, names in _NAMES.items():
        old, new = getattr(before, field), getattr(after, field)
        yield from _told("Added", names, [word for word in new if word not in old])
        yield from _told("Removed", names, [word for word in old if word not in new])


def _told(verb: str, names: tuple[str, str], words: Sequence[str]) -> Iterator[str]:
    if words:
        named = [quoted(shorten(word, _ENTRY)) for word in words[:_NAMED]]
        yield f"{verb} {names[len(words) > 1]}: {enumerate_names(named, len(words))}."


def _of_values(before: Wishes, after: Wishes) -> Iterator[str]:
    old, new = before.profile, after.profile
    if new.trend_weight != old.trend_weight:
        yield f"The dial stands at {round(new.trend_weight * 100)} % trend."
    if new.max_papers != old.max_papers:
        yield f"At most {counted(new.max_papers, 'paper')}."
    if new.surprise != old.surprise:
        yield "With a surprise." if new.surprise else "Without a surprise."
    if rhythm(before) != rhythm(after):
        yield f"The digest comes {rhythm(after)}."
    if after.format is not before.format:
        yield "As plain text." if after.format is Format.TEXT else "As a designed mail."
    if after.name != before.name:
        yield f"We call you {shorten(after.name, _ENTRY)}." if after.name else "Your name is gone."
