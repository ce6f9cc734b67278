"""A stored digest made into a mail again: as it was sent, or as a test that can do no harm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from newsletter.delivery import Delivery
from newsletter.errors import SubscriptionError, harmless
from newsletter.links import LinkMaker
from newsletter.mail.digest import SUBJECT_LIMIT, digest_id
from newsletter.mail.fingerprint import is_of
from newsletter.mail.wording import edition_name, shorten
from newsletter.membership import ProfileVersion
from newsletter.model import Digest, Format, Subscriber
from newsletter.posting import Post, finish
from newsletter.store import Store
from newsletter.store.keys import DatedKey

_TEST = "[Test] "
_MESSAGE_ID = re.compile(r"\s*<?([^<>@\s]+)(?:@[^<>@\s]*)?>?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A mail made again.

    Attributes:
        identical: whether its octets are those that were sent, signatures aside; `None` where
            nothing tells: it was not sent, or no fingerprint was kept.
        suspects: what is known to have changed since, one sentence each.
    """

    digest: Digest
    raw: bytes
    delivery: Delivery | None = None
    identical: bool | None = None
    suspects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of a mail that was made once."""

    digest: Digest
    reader: Subscriber
    profiles: tuple[ProfileVersion, ...]
    keys: tuple[DatedKey, ...]
    delivery: Delivery | None
    fingerprint: str

    @property
    def sent_at(self) -> datetime | None:
        """When it left; `None` for a mail that would be made as things are today."""
        return self.delivery.sent_at if self.delivery else None


def recall(store: Store, name: str) -> Past:
    """What is kept of a digest and its mail.

    Args:
        name: id of the digest, or the Message-ID of its mail.

    Raises:
        SubscriptionError: there is no such digest.
    """
    found = _MESSAGE_ID.fullmatch(name)
    digest = store.digest(found[1]) if found else None
    if digest is None:
        raise SubscriptionError(
            f"there is no digest “{harmless(name)[:80]}”; `newsletter explain` and the Message-ID "
            "of a mail name them"
        )
    with store.register() as register:
        kept = register.by_id(digest.subscriber_id)
        profiles = register.profiles(digest.subscriber_id)
        delivery = register.outbox.get(digest.id)
    if kept is None:
        raise SubscriptionError("the subscriber of this digest is gone")
    with store.overview() as overview:
        keys, known_as = overview.link_keys(), overview.fingerprint(digest.id)
    return Past(
        digest=digest,
        reader=kept.subscriber,
        profiles=profiles,
        keys=keys,
        delivery=delivery,
        fingerprint=known_as,
    )


def replay(past: Past, post: Post) -> Replayed:
    """The mail of a digest, byte for byte as sent, or the nearest to it that can be made.

    Keys, profile and format may have changed since: the ones of that time are tried first, and the
    fingerprint of what was sent tells when the very octets are found.
    """
    drafts = _drafts(past, post)
    first = next(drafts)
    if not past.fingerprint:
        return Replayed(digest=past.digest, raw=first, delivery=past.delivery)
    same = (raw for raw in (first, *drafts) if is_of(past.fingerprint, raw))
    found = next(same, None)
    return Replayed(
        digest=past.digest,
        raw=found or first,
        delivery=past.delivery,
        identical=found is not None,
        suspects=() if found else _suspects(past),
    )


def rehearsal(
    digest: Digest, reader: Subscriber, to: str, *, now: datetime
) -> tuple[Digest, Subscriber]:
    """The same digest and reader as a test for somebody else, in which no id of theirs is left.

    Its id is a new one, so that neither a link nor a mailed "unsubscribe" can act for the reader,
    and no mailbox takes it for a copy of the real mail.
    """
    note = (
        f"This is a test: the digest of {edition_name(digest.edition)} as another reader gets it. "
        "Its links lead nowhere and change nothing."
    )
    nobody = digest_id(f"test of {digest.id}", now.isoformat())
    test = replace(
        digest,
        id=nobody,
        subscriber_id=nobody,
        subject=_TEST + shorten(digest.subject, SUBJECT_LIMIT - len(_TEST)),
        notes=(note, *digest.notes),
        created_at=now,
    )
    return test, replace(reader, id=nobody, email=to, name="")


def _drafts(past: Past, post: Post) -> Iterator[bytes]:
    """The mail with each key and format that it may have been made with, the likeliest first."""
    held = [one.profile for one in past.profiles if past.sent_at and one.at <= past.sent_at]
    reader = replace(past.reader, profile=held[-1]) if held else past.reader
    formats = sorted(Format, key=lambda one: one is not reader.format)
    for form in formats:
        for links in _links(past, post):
            yield finish(past.digest, replace(reader, format=form), replace(post, links=links)).raw


def _links(past: Past, post: Post) -> list[LinkMaker]:
    """One maker a key: the newest of that time, older ones, newer ones.

    A program that was not restarted goes on signing with the key it knew.
    """
    keys = sorted(past.keys, key=lambda key: -key.version)
    then = [key for key in keys if past.sent_at is None or key.made_at <= past.sent_at]
    later = [key for key in reversed(keys) if key not in then]
    return [LinkMaker(post.links.base_url, [key]) for key in (*then, *later)] or [post.links]


def _suspects(past: Past) -> tuple[str, ...]:
    versions = [key.version for key in past.keys]
    said = []
    if len(versions) < max(versions, default=0):
        said.append("A key that signed links was dropped: links signed with it cannot be made.")
    said.append(
        "Papers completed since, another name or address of the reader, other templates or another "
        "[publication] make other octets; nothing older than today's is kept of these."
    )
    return tuple(said)
