"""Digests as data, and the ledger of papers sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, select

from newsletter.model import Digest, Paper
from newsletter.store.bulk import insert_all, insert_columns
from newsletter.store.choice import one_of, one_of_stretch
from newsletter.store.papers import find_papers
from newsletter.store.picks import KEY, PAPER, PickRows, listed, pick_of
from newsletter.store.schema import digests, papers, quiet_editions, sent_papers

_FACTS = tuple(field.name for field in fields(Digest) if field.name != "picks")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a subscriber was made so far.

    Attributes:
        last_made_at: when their newest digest was made.
        sent: those of the papers asked about that stood in any digest of theirs.
        quiet: the editions that were not worth a mail since the last digest, oldest first.
    """

    last_made_at: datetime | None = None
    sent: frozenset[str] = frozenset()
    quiet: tuple[str, ...] = ()


class Digests:
    """The digests ever made, seen and changed within one transaction of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, digest: Digest) -> bool:
        """Writes a digest down with its papers as sent; false if the subscriber has this edition."""
        new = self.unknown([digest])
        self.keep_all(new)
        return bool(new)

    def unknown(self, made: Sequence[Digest]) -> list[Digest]:
        """Those of 500 digests at most whose subscriber has no digest of their edition."""
        theirs = one_of(digests.c.subscriber_id, [digest.subscriber_id for digest in made])
        present = digests.c.edition.in_({digest.edition for digest in made})
        query = select(digests.c.subscriber_id, digests.c.edition).where(theirs, present)
        known = set(self._pairs(query))
        return [one for one in made if (one.subscriber_id, one.edition) not in known]

    def keep_all(self, new: Sequence[Digest]) -> None:
        """Writes down 500 digests at most, of one subscriber each, none of them known."""
        insert_columns(self._connection, digests, _columns(new))
        self._mark_sent(new)
        quiet = one_of(quiet_editions.c.subscriber_id, [one.subscriber_id for one in new])
        self._connection.execute(delete(quiet_editions).where(quiet))

    def histories(
        self, subscriber_ids: Collection[str], among: Collection[str]
    ) -> dict[str, History]:
        """What 500 subscribers at most were made so far; each of them is in it.

        Args:
            among: the papers that are asked about.
        """
        made, quiet = digests.c, quiet_editions.c
        lasts = select(made.subscriber_id, func.max(made.created_at)).where(
            one_of(made.subscriber_id, subscriber_ids)
        )
        last_made = dict(self._pairs(lasts.group_by(made.subscriber_id)))
        papers_of = self._sent(subscriber_ids, among)
        quiet_of = self._gathered(
            self._pairs(
                select(quiet.subscriber_id, quiet.edition)
                .where(one_of(quiet.subscriber_id, subscriber_ids))
                .order_by(quiet.edition)
            )
        )
        return {
            one: History(
                last_made_at=last_made.get(one),
                sent=frozenset(papers_of[one]),
                quiet=tuple(quiet_of[one]),
            )
            for one in subscriber_ids
        }

    def get(self, digest_id: str) -> Digest | None:
        """The digest with this id; papers stand in it as they are known today."""
        return self.among([digest_id]).get(digest_id)

    def among(
        self, ids: Collection[str], shelf: dict[str, Paper] | None = None
    ) -> dict[str, Digest]:
        """The digests with these ids, 500 at most; their papers are looked up together.

        Args:
            shelf: papers that need not be looked up; those that are come to it (see `Shelf`).
        """
        query = select(digests).where(one_of(digests.c.id, ids))
        made = self._digests(self._connection.execute(query).all(), shelf)
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

    def note_quiet(self, poor: Sequence[Digest]) -> None:
        """Writes down editions that were not worth a mail; again changes nothing."""
        quiet = quiet_editions.c
        theirs = one_of(quiet.subscriber_id, [digest.subscriber_id for digest in poor])
        known = set(self._pairs(select(quiet.subscriber_id, quiet.edition).where(theirs)))
        rows = [
            {
                "subscriber_id": digest.subscriber_id,
                "edition": digest.edition,
                "considered": digest.considered,
            }
            for digest in poor
            if (digest.subscriber_id, digest.edition) not in known
        ]
        insert_all(self._connection, quiet_editions, rows)

    def quiet_since_last(self, subscriber_id: str) -> tuple[str, ...]:
        """The editions that were not worth a mail since the last digest, oldest first."""
        mine = quiet_editions.c.subscriber_id == subscriber_id
        query = select(quiet_editions.c.edition).where(mine).order_by(quiet_editions.c.edition)
        return tuple(self._connection.scalars(query))

    def _mark_sent(self, made: Sequence[Digest]) -> None:
        """Papers that are stored; each counts with the digest in which it stood first."""
        picked = {pick.paper.id for digest in made for pick in digest.picks}
        stored = self._stored(picked)
        before = self._sent([digest.subscriber_id for digest in made], picked)
        rows = [
            {"subscriber_id": digest.subscriber_id, "paper_id": paper, "digest_id": digest.id}
            for digest in made
            for paper in sorted({pick.paper.id for pick in digest.picks} & stored)
            if paper not in before[digest.subscriber_id]
        ]
        insert_all(self._connection, sent_papers, rows)

    def _stored(self, ids: Collection[str]) -> frozenset[str]:
        query = select(papers.c.id).where(one_of(papers.c.id, ids))
        return frozenset(self._connection.scalars(query))

    def _sent(
        self, subscriber_ids: Collection[str], among: Collection[str]
    ) -> Mapping[str, list[str]]:
        if not among:
            return self._gathered(())
        sent = sent_papers.c
        # Ids begin with their month, so this is the end of a reader's ledger.
        query = select(sent.subscriber_id, sent.paper_id).where(
            one_of(sent.subscriber_id, subscriber_ids), one_of_stretch(sent.paper_id, among)
        )
        return self._gathered(self._pairs(query))

    def _pairs(self, query: Select[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
        return (tuple(row) for row in self._connection.execute(query))

    def _gathered(self, pairs: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for one, what in pairs:
            found[one].append(what)
        return found

    def _digests(
        self, rows: Sequence[Row[Any]], shelf: dict[str, Paper] | None = None
    ) -> tuple[Digest, ...]:
        known = {} if shelf is None else shelf
        written = [list(map(listed, row.picks)) for row in rows]
        picks = [pick for picks in written for pick in picks]
        if unknown := {pick[PAPER] for pick in picks} - known.keys():
            # A paper first met without arXiv id may have another id now; its title finds it.
            keys = [key for pick in picks if pick[PAPER] in unknown for key in pick[KEY:]]
            known |= find_papers(self._connection, unknown, keys)
        return tuple(_digest(row, picks, known) for row, picks in zip(rows, written, strict=True))


def _digest(row: Row[Any], written: Iterable[list[Any]], known: Mapping[str, Paper]) -> Digest:
    picks = (pick_of(pick, known) for pick in written)
    return Digest(
        id=row.id,
        subscriber_id=row.subscriber_id,
        edition=row.edition,
        subject=row.subject,
        preheader=row.preheader,
        picks=tuple(filter(None, picks)),
        considered=row.considered,
        created_at=row.created_at,
        notes=row.notes,
    )


def _columns(made: Sequence[Digest]) -> dict[str, Sequence[Any]]:
    columns: dict[str, Sequence[Any]] = {
        name: [getattr(digest, name) for digest in made] for name in _FACTS
    }
    rows = PickRows()
    return columns | {"picks": [rows.of(digest.picks) for digest in made]}


# A pick as an array: the paper's id, the score, for each reason its kind and its detail, the figures
# and the title key where the paper has no arXiv id: it may take one later, then its title finds it.
_PAPER, _KEY = 0, 6
