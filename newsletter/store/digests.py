"""Digests as data, the ledger of papers sent, and mails on their way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.model import Digest, Paper, Pick, Reason, Why
from newsletter.store.papers import find_papers
from newsletter.store.schema import deliveries, digests, quiet_editions, sent_papers

_DELIVERY_FIELDS = tuple(f.name for f in fields(Delivery))


class Digests:
    """The digests ever made, seen and changed within one transaction of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, digest: Digest) -> bool:
        """Writes a digest down with its papers as sent; false if the subscriber has this edition."""
        if self.has_edition(digest.subscriber_id, digest.edition):
            return False
        self._connection.execute(insert(digests).values(_digest_row(digest)))
        self._mark_sent(digest)
        quiet = quiet_editions.c.subscriber_id == digest.subscriber_id
        self._connection.execute(delete(quiet_editions).where(quiet))
        return True

    def has_edition(self, subscriber_id: str, edition: str) -> bool:
        """Whether the subscriber was made a digest of this edition."""
        mine = (digests.c.subscriber_id == subscriber_id) & (digests.c.edition == edition)
        return self._connection.scalar(select(digests.c.id).where(mine)) is not None

    def get(self, digest_id: str) -> Digest | None:
        """The digest with this id; papers stand in it as they are known today."""
        row = self._connection.execute(select(digests).where(digests.c.id == digest_id)).first()
        return self._digest(row) if row else None

    def last_of(self, subscriber_id: str) -> Digest | None:
        """The newest digest of a subscriber."""
        mine = digests.c.subscriber_id == subscriber_id
        newest = select(digests).where(mine).order_by(digests.c.created_at.desc()).limit(1)
        row = self._connection.execute(newest).first()
        return self._digest(row) if row else None

    def of(self, subscriber_id: str) -> tuple[Digest, ...]:
        """Every digest of a subscriber, oldest first."""
        mine = digests.c.subscriber_id == subscriber_id
        rows = self._connection.execute(select(digests).where(mine).order_by(digests.c.created_at))
        return tuple(self._digest(row) for row in rows.all())

    def sent_to(self, subscriber_id: str) -> frozenset[str]:
        """Ids of the papers that stood in any digest of theirs."""
        mine = sent_papers.c.subscriber_id == subscriber_id
        return frozenset(self._connection.scalars(select(sent_papers.c.paper_id).where(mine)))

    def give_back(self, digest_id: str) -> None:
        """The papers of a digest that never arrived do not count as sent."""
        owner = select(digests.c.subscriber_id).where(digests.c.id == digest_id).scalar_subquery()
        # The ledger is kept by subscriber: without the owner it would be read from end to end.
        mine = (sent_papers.c.subscriber_id == owner) & (sent_papers.c.digest_id == digest_id)
        self._connection.execute(delete(sent_papers).where(mine))

    def note_quiet(self, subscriber_id: str, edition: str, considered: int) -> None:
        """Writes down that an edition was not worth a mail; again changes nothing."""
        mine = quiet_editions.c.subscriber_id == subscriber_id
        known = select(quiet_editions.c.edition).where(mine, quiet_editions.c.edition == edition)
        if self._connection.scalar(known) is None:
            row = {"subscriber_id": subscriber_id, "edition": edition, "considered": considered}
            self._connection.execute(insert(quiet_editions).values(row))

    def quiet_since_last(self, subscriber_id: str) -> tuple[str, ...]:
        """The editions that were not worth a mail since the last digest, oldest first."""
        mine = quiet_editions.c.subscriber_id == subscriber_id
        query = select(quiet_editions.c.edition).where(mine).order_by(quiet_editions.c.edition)
        return tuple(self._connection.scalars(query))

    def last_made_at(self, subscriber_id: str) -> datetime | None:
        """When their newest digest was made."""
        mine = digests.c.subscriber_id == subscriber_id
        newest = select(digests.c.created_at).where(mine).order_by(digests.c.created_at.desc())
        made_at: datetime | None = self._connection.scalar(newest.limit(1))
        return made_at

    def _mark_sent(self, digest: Digest) -> None:
        stored = find_papers(self._connection, [pick.paper.id for pick in digest.picks], ())
        new = set(stored) - self.sent_to(digest.subscriber_id)
        rows = [
            {"subscriber_id": digest.subscriber_id, "paper_id": paper, "digest_id": digest.id}
            for paper in sorted(new & {pick.paper.id for pick in digest.picks})
        ]
        if rows:
            self._connection.execute(insert(sent_papers), rows)

    def _digest(self, row: Row[Any]) -> Digest:
        ids = [pick["paper_id"] for pick in row.picks]
        # A paper first met without arXiv id may have another id now; its title finds it.
        keys = [pick["title_key"] for pick in row.picks]
        known = find_papers(self._connection, ids, keys)
        found = (
            (pick, known.get(pick["paper_id"]) or known.get(pick["title_key"]))
            for pick in row.picks
        )
        return Digest(
            id=row.id,
            subscriber_id=row.subscriber_id,
            edition=row.edition,
            subject=row.subject,
            preheader=row.preheader,
            picks=tuple(_pick(pick, paper) for pick, paper in found if paper),
            considered=row.considered,
            created_at=row.created_at,
            notes=row.notes,
        )


class Outbox:
    """Mails on their way; see `Delivery`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, delivery: Delivery) -> None:
        """Writes down that a mail must leave."""
        self._connection.execute(insert(deliveries).values(_delivery_row(delivery)))

    def get(self, delivery_id: str) -> Delivery | None:
        """The delivery with this id."""
        query = select(deliveries).where(deliveries.c.id == delivery_id)
        row = self._connection.execute(query).first()
        return _delivery(row) if row else None

    def of(self, subscriber_id: str) -> tuple[Delivery, ...]:
        """Every mail to a subscriber, oldest first."""
        mine = deliveries.c.subscriber_id == subscriber_id
        rows = self._connection.execute(
            select(deliveries).where(mine).order_by(deliveries.c.created_at)
        )
        return tuple(map(_delivery, rows))

    def claim(self, now: datetime, *, most: int, lease: timedelta) -> tuple[Delivery, ...]:
        """Takes what is due, oldest first: each counts an attempt before any relay is asked.

        A mail whose lease ran out is taken over, for who had it is gone.
        """
        waiting = deliveries.c.state.in_([DeliveryState.QUEUED, DeliveryState.DEFERRED])
        lost = deliveries.c.state == DeliveryState.SENDING
        due = or_(
            and_(waiting, deliveries.c.next_attempt_at <= now),
            and_(lost, deliveries.c.leased_until <= now),
        )
        order = (deliveries.c.next_attempt_at, deliveries.c.id)
        ids = tuple(
            self._connection.scalars(
                select(deliveries.c.id).where(due).order_by(*order).limit(most)
            )
        )
        mine = deliveries.c.id.in_(ids)
        self._connection.execute(
            update(deliveries)
            .where(mine)
            .values(
                state=DeliveryState.SENDING.value,
                attempts=deliveries.c.attempts + 1,
                leased_until=now + lease,
            )
        )
        rows = self._connection.execute(select(deliveries).where(mine).order_by(*order))
        return tuple(map(_delivery, rows))

    def release(self, now: datetime) -> int:
        """Mails that a process left in hand may leave at once; for who knows that it is gone."""
        lost = deliveries.c.state == DeliveryState.SENDING
        freed = {"state": DeliveryState.QUEUED.value, "next_attempt_at": now, "leased_until": None}
        return self._connection.execute(update(deliveries).where(lost).values(freed)).rowcount

    def record(self, delivery: Delivery) -> None:
        """Writes down how far a mail is now."""
        mine = deliveries.c.id == delivery.id
        self._connection.execute(update(deliveries).where(mine).values(_delivery_row(delivery)))

    def waiting(self) -> int:
        """How many mails have not come to an end."""
        ended = [DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CANCELLED]
        query = select(func.count()).where(deliveries.c.state.not_in(ended))
        return self._connection.scalar(query) or 0


def _digest_row(digest: Digest) -> dict[str, Any]:
    return {
        "id": digest.id,
        "subscriber_id": digest.subscriber_id,
        "edition": digest.edition,
        "subject": digest.subject,
        "preheader": digest.preheader,
        "picks": [_pick_row(pick) for pick in digest.picks],
        "notes": digest.notes,
        "considered": digest.considered,
        "created_at": digest.created_at,
    }


def _pick_row(pick: Pick) -> dict[str, Any]:
    return {
        "paper_id": pick.paper.id,
        "title_key": pick.paper.key,
        "score": pick.score,
        "reasons": [[reason.why.value, reason.detail] for reason in pick.reasons],
        "upvotes": pick.upvotes,
        "comments": pick.comments,
        "stars": pick.stars,
    }


def _pick(row: dict[str, Any], paper: Paper) -> Pick:
    return Pick(
        paper=paper,
        score=row["score"],
        reasons=tuple(_reasons(row["reasons"])),
        upvotes=row["upvotes"],
        comments=row["comments"],
        stars=row["stars"],
    )


def _reasons(rows: Iterable[Sequence[str]]) -> Iterable[Reason]:
    for why, detail in rows:
        yield Reason(why=Why(why), detail=detail)


def _delivery_row(delivery: Delivery) -> dict[str, Any]:
    row = {name: getattr(delivery, name) for name in _DELIVERY_FIELDS}
    return row | {"errand": delivery.errand.value, "state": delivery.state.value}


def _delivery(row: Row[Any]) -> Delivery:
    facts = {name: getattr(row, name) for name in _DELIVERY_FIELDS}
    facts |= {"errand": Errand(row.errand), "state": DeliveryState(row.state)}
    return Delivery(**facts)
