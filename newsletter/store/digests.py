"""Digests as data, and the ledger of papers sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from newsletter.model import Digest, Paper, Pick, Reason, Why
from newsletter.store.papers import find_papers
from newsletter.store.schema import digests, quiet_editions, sent_papers


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
        return self.among([digest_id]).get(digest_id)

    def among(self, ids: Collection[str]) -> dict[str, Digest]:
        """The digests with these ids, 500 at most; their papers are looked up together."""
        query = select(digests).where(digests.c.id.in_(ids))
        made = self._digests(self._connection.execute(query).all())
        return {digest.id: digest for digest in made}

    def last_of(self, subscriber_id: str) -> Digest | None:
        """The newest digest of a subscriber."""
        mine = digests.c.subscriber_id == subscriber_id
        newest = select(digests).where(mine).order_by(digests.c.created_at.desc()).limit(1)
        return next(iter(self._digests(self._connection.execute(newest).all())), None)

    def of(self, subscriber_id: str) -> tuple[Digest, ...]:
        """Every digest of a subscriber, oldest first."""
        mine = digests.c.subscriber_id == subscriber_id
        rows = self._connection.execute(select(digests).where(mine).order_by(digests.c.created_at))
        return self._digests(rows.all())

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

    def _digests(self, rows: Sequence[Row[Any]]) -> tuple[Digest, ...]:
        picks = [pick for row in rows for pick in row.picks]
        ids = [pick["paper_id"] for pick in picks]
        # A paper first met without arXiv id may have another id now; its title finds it.
        keys = [pick["title_key"] for pick in picks]
        known = find_papers(self._connection, ids, keys)
        return tuple(_digest(row, known) for row in rows)


def _digest(row: Row[Any], known: Mapping[str, Paper]) -> Digest:
    found = (
        (pick, known.get(pick["paper_id"]) or known.get(pick["title_key"])) for pick in row.picks
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
