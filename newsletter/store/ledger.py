"""The ledger of the promise that a paper reaches a person once: a row for each digest.

A paper that is asked for is looked up in the digests made since it was first met; nobody can have
got it before. It may have had another id then (see `former_ids`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Text, cast, func, select, update

from newsletter.model import Digest
from newsletter.store.bulk import insert_columns
from newsletter.store.choice import one_of
from newsletter.store.schema import digests, former_ids, ledger, papers, subscribers

_SLACK = timedelta(days=2)  # a clock may have been wrong, and a day begins earlier elsewhere


class Ledger:
    """What was sent to whom, seen and changed within one transaction of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, made: Sequence[Digest]) -> None:
        """The papers of new digests count as sent."""
        columns: dict[str, Sequence[Any]] = {
            "subscriber_id": [digest.subscriber_id for digest in made],
            "made_at": [digest.created_at for digest in made],
            "digest_id": [digest.id for digest in made],
            "papers": [[pick.paper.id for pick in digest.picks] for digest in made],
        }
        insert_columns(self._connection, ledger, columns)

    def last_made_at(self, subscriber_ids: Collection[str]) -> dict[str, datetime | None]:
        """When the newest digest of each of them was made; for nobody's, `None`."""
        theirs = ledger.c.subscriber_id == subscribers.c.id
        # Each in their part of the ledger: grouped, all of it would be read.
        newest = select(func.max(ledger.c.made_at)).where(theirs).scalar_subquery()
        query = select(subscribers.c.id, newest).where(one_of(subscribers.c.id, subscriber_ids))
        found = dict(map(tuple, self._connection.execute(query).all()))
        return {one: found.get(one) for one in subscriber_ids}

    def sent_among(
        self, subscriber_ids: Collection[str], among: Collection[str]
    ) -> dict[str, frozenset[str]]:
        """Those of the papers that each of 500 subscribers at most was sent; each is in it."""
        since = self._first_met(among)
        if since is None:
            return dict.fromkeys(subscriber_ids, frozenset())
        # The lists of each reader behind one another, as one text.
        lists = func.aggregate_strings(cast(ledger.c.papers, Text), ",")
        mine = one_of(ledger.c.subscriber_id, subscriber_ids), ledger.c.made_at >= since - _SLACK
        query = select(ledger.c.subscriber_id, lists).where(*mine).group_by(ledger.c.subscriber_id)
        former = self._ids(former_ids.c.paper_id, among)
        asked = frozenset(among) | former.keys()
        found = dict.fromkeys(subscriber_ids, frozenset[str]())
        for one, listed in self._connection.execute(query).all():
            sent = asked.intersection(chain.from_iterable(orjson.loads(f"[{listed}]")))
            found[one] = frozenset(former.get(paper, paper) for paper in sent) if former else sent
        return found

    def sent_to(self, subscriber_id: str, before: datetime | None = None) -> frozenset[str]:
        """Ids of the papers in all their digests, or in those made before an instant."""
        mine = [ledger.c.subscriber_id == subscriber_id]
        if before is not None:
            mine.append(ledger.c.made_at < before)
        rows = self._connection.scalars(select(ledger.c.papers).where(*mine))
        sent = frozenset(paper for listed in rows for paper in listed)
        later = self._ids(former_ids.c.id, sent)
        return frozenset(later.get(paper, paper) for paper in sent)

    def digest_with(self, subscriber_id: str, ids: Collection[str]) -> str:
        """Id of the first digest that brought them one of these papers; empty if none did."""
        names = {*ids, *self._ids(former_ids.c.paper_id, ids)}
        columns = (ledger.c.digest_id, ledger.c.papers)
        query = select(*columns).where(ledger.c.subscriber_id == subscriber_id)
        rows = self._connection.execute(query.order_by(ledger.c.made_at)).all()
        return next((made for made, listed in rows if not names.isdisjoint(listed)), "")

    def give_back(self, digest_id: str) -> None:
        """The papers of a digest that never arrived do not count as sent."""
        mine = digests.c.id == digest_id
        # By all of its key: a subscriber's whole ledger would be read else, or everybody's.
        row = (
            ledger.c.subscriber_id == select(digests.c.subscriber_id).where(mine).scalar_subquery(),
            ledger.c.made_at == select(digests.c.created_at).where(mine).scalar_subquery(),
            ledger.c.digest_id == digest_id,
        )
        self._connection.execute(update(ledger).where(*row).values(papers=()))

    def _first_met(self, among: Collection[str]) -> datetime | None:
        """When the first of these papers was met or listed; `None` if none is stored."""
        query = select(func.min(papers.c.first_seen_at), func.min(papers.c.listed_on))
        met = self._connection.execute(query.where(one_of(papers.c.id, among)))
        seen_at: datetime | None
        listed_on: date | None
        seen_at, listed_on = met.one()
        if seen_at is None or listed_on is None:
            return seen_at
        return min(seen_at, datetime.combine(listed_on, time(), UTC))

    def _ids(self, column: ColumnElement[str], ids: Iterable[str]) -> dict[str, str]:
        """Former ids with those that took their place, where the one or the other is among these."""
        query = select(former_ids.c.id, former_ids.c.paper_id).where(one_of(column, ids))
        return dict(map(tuple, self._connection.execute(query)))
