"""What the operator asks of the store: troubles, editions, who got which paper; reading only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from newsletter.delivery import DeliveryState, Errand
from newsletter.model import Paper, Status, title_key
from newsletter.store.keys import DatedKey, all_keys
from newsletter.store.ledger import Ledger
from newsletter.store.papers import find_papers
from newsletter.store.schema import (
    deliveries,
    digests,
    papers,
    quiet_editions,
    subscribers,
)

_TROUBLED = (DeliveryState.DEFERRED, DeliveryState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A mail that was put off or given up.

    Attributes:
        at: of the next attempt; for a mail that failed, of the last one.
        said: the last error, without anybody's address.
    """

    id: str
    errand: Errand
    state: DeliveryState
    attempts: int
    at: datetime
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One edition of one subscriber: a digest, or the note that nothing was worth a mail.

    Attributes:
        digest_id: empty for a quiet edition.
        at: when the digest was made; not written down for a quiet edition.
    """

    edition: str
    digest_id: str = ""
    at: datetime | None = None


class Overview:
    """One consistent look at everything, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def next_due_at(self, now: datetime) -> datetime | None:
        """When the next digest after now is due."""
        active = subscribers.c.status == Status.ACTIVE.value
        at = subscribers.c.next_due_at
        following: datetime | None = self._connection.scalar(
            select(func.min(at)).where(active, at > now)
        )
        return following

    def next_attempt_at(self) -> datetime | None:
        """When the next mail may leave; in the past for one that may leave now."""
        waiting = deliveries.c.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED))
        soonest: datetime | None = self._connection.scalar(
            select(func.min(deliveries.c.next_attempt_at)).where(waiting)
        )
        return soonest

    def troubles(self, *, most: int) -> tuple[Trouble, ...]:
        """The mails put off or given up last."""
        query = select(deliveries).where(deliveries.c.state.in_(_TROUBLED))
        newest = query.order_by(deliveries.c.next_attempt_at.desc(), deliveries.c.id).limit(most)
        return tuple(
            Trouble(
                id=row.id,
                errand=Errand(row.errand),
                state=DeliveryState(row.state),
                attempts=row.attempts,
                at=row.next_attempt_at,
                said=row.last_error,
            )
            for row in self._connection.execute(newest)
        )

    def link_keys(self) -> tuple[DatedKey, ...]:
        """The keys that sign links, oldest first; none is made by asking."""
        return all_keys(self._connection)

    def fingerprint(self, delivery_id: str) -> str:
        """Of the octets that a mail was sent as (`mail.fingerprint`); empty where none is kept."""
        query = select(deliveries.c.fingerprint).where(deliveries.c.id == delivery_id)
        return self._connection.scalar(query) or ""

    def titled(self, part: str, *, most: int) -> tuple[Paper, ...]:
        """Papers with these words in a row in their title, newest first; one that is so called
        wholly stands alone."""
        key = title_key(part)
        if exact := find_papers(self._connection, (), [key]):
            return tuple(exact.values())
        query = select(papers.c.id).where(papers.c.title_key.contains(key, autoescape=True))
        newest = query.order_by(papers.c.first_seen_at.desc(), papers.c.id).limit(most)
        ids = list(self._connection.scalars(newest))
        found = find_papers(self._connection, ids, ())
        return tuple(found[paper_id] for paper_id in ids)

    def first_seen(self, paper_id: str) -> datetime | None:
        """When a paper was first met."""
        query = select(papers.c.first_seen_at).where(papers.c.id == paper_id)
        seen: datetime | None = self._connection.scalar(query)
        return seen

    def digest_with(self, subscriber_id: str, paper: Paper) -> str:
        """Id of the digest that brought them a paper or its title twin; empty if none did."""
        same = or_(papers.c.id == paper.id, papers.c.title_key == paper.key)
        ids = list(self._connection.scalars(select(papers.c.id).where(same)))
        return Ledger(self._connection).digest_with(subscriber_id, ids)

    def rounds(self, subscriber_id: str, *, most: int) -> tuple[Round, ...]:
        """Their newest editions, newest first; of quiet ones those since the last digest."""
        mine = digests.c.subscriber_id == subscriber_id
        columns = (digests.c.edition, digests.c.id, digests.c.created_at)
        made = select(*columns).where(mine).order_by(digests.c.created_at.desc()).limit(most)
        quiet = select(quiet_editions.c.edition).where(
            quiet_editions.c.subscriber_id == subscriber_id
        )
        silent = [Round(edition=edition) for edition in self._connection.scalars(quiet)]
        silent.sort(key=lambda one: one.edition, reverse=True)
        told = [
            Round(edition=row.edition, digest_id=row.id, at=row.created_at)
            for row in self._connection.execute(made)
        ]
        return (*silent, *told)
