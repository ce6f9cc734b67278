"""The ledger of the promise that a paper reaches a person once: a row for each digest.

A paper that is asked for is looked up in the digests made since it was first met; nobody can have
got it before. It may have had another id then (see `former_ids`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import Connection, Select, Text, bindparam, cast, func, select, update

from newsletter.model import Digest
from newsletter.store.bulk import insert_columns
from newsletter.store.choice import one_of_those
from newsletter.store.schema import digests, former_ids, ledger, papers, subscribers

_THEIRS = one_of_those(ledger.c.subscriber_id, "whose")
_NEWEST = select(
    subscribers.c.id,
    # Each in their part of the ledger: grouped, all of it would be read.
    select(func.max(ledger.c.made_at))
    .where(ledger.c.subscriber_id == subscribers.c.id)
    .scalar_subquery(),
).where(one_of_those(subscribers.c.id, "whose"))
_LISTS = (
    # Those of each reader behind one another, as one text.
    select(ledger.c.subscriber_id, func.aggregate_strings(cast(ledger.c.papers, Text), ","))
    .where(_THEIRS, ledger.c.made_at >= bindparam("since"))
    .group_by(ledger.c.subscriber_id)
)
_FIRST_MET = select(func.min(papers.c.first_seen_at), func.min(papers.c.listed_on)).where(
    one_of_those(papers.c.id, "asked")
)
_FORMER = select(former_ids.c.id, former_ids.c.paper_id).where(
    one_of_those(former_ids.c.paper_id, "asked")
)
_LATER = select(former_ids.c.id, former_ids.c.paper_id).where(
    one_of_those(former_ids.c.id, "asked")
)
_SLACK = timedelta(days=2)  # a clock may have been wrong, and a day begins earlier elsewhere


class Ledger:
    """What was sent to whom, seen and changed within one transaction of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, made: Sequence[Digest], papers_of: Sequence[Sequence[str]]) -> None:
        """The papers of new digests, given by their ids for each of them, count as sent."""
        columns: dict[str, Sequence[Any]] = {
            "subscriber_id": [digest.subscriber_id for digest in made],
            "made_at": [digest.created_at for digest in made],
            "digest_id": [digest.id for digest in made],
            "papers": papers_of,
        }
        insert_columns(self._connection, ledger, columns)

    def last_made_at(self, subscriber_ids: Collection[str]) -> dict[str, datetime | None]:
        """When the newest digest of each of them was made; for nobody's, `None`."""
        rows = self._connection.execute(_NEWEST, {"whose": list(subscriber_ids)})
        found = dict(map(tuple, rows.all()))
        return {one: found.get(one) for one in subscriber_ids}

    def sent_among(
        self, subscriber_ids: Collection[str], among: Collection[str]
    ) -> dict[str, frozenset[str]]:
        """Those of the papers that each of 500 subscribers at most was sent; each is in it."""
        since = self._first_met(among)
        if since is None:
            return dict.fromkeys(subscriber_ids, frozenset())
        later = self._later_ids(_FORMER, among)
        asked = frozenset(among)
        names = asked | later.keys()
        of = {"whose": list(subscriber_ids), "since": since - _SLACK}
        found = dict.fromkeys(subscriber_ids, frozenset[str]())
        for one, listed in self._connection.execute(_LISTS, of).all():
            sent = names.intersection(chain.from_iterable(orjson.loads(f"[{listed}]")))
            found[one] = asked & {*sent, *_named(sent, later)} if later else sent
        return found

    def sent_to(self, subscriber_id: str, before: datetime | None = None) -> frozenset[str]:
        """Ids of the papers in all their digests, or in those made before an instant."""
        mine = [ledger.c.subscriber_id == subscriber_id]
        if before is not None:
            mine.append(ledger.c.made_at < before)
        rows = self._connection.scalars(select(ledger.c.papers).where(*mine))
        sent = frozenset(paper for listed in rows for paper in listed)
        later = self._later_ids(_LATER, sent)
        return frozenset(_named(sent, later))

    def digest_with(self, subscriber_id: str, ids: Collection[str]) -> str:
        """Id of the first digest that brought them one of these papers; empty if none did."""
        names = {*ids, *self._later_ids(_FORMER, ids)}
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
        self._connection.execute(update(ledger).where(*row).values(papers=[]))

    def _first_met(self, among: Collection[str]) -> datetime | None:
        """When the first of these papers was met or listed; `None` if none is stored."""
        met = self._connection.execute(_FIRST_MET, {"asked": list(among)})
        seen_at: datetime | None
        listed_on: date | None
        seen_at, listed_on = met.one()
        if seen_at is None or listed_on is None:
            return seen_at
        return min(seen_at, datetime.combine(listed_on, time(), UTC))

    def _later_ids(self, query: Select[Any], asked: Iterable[str]) -> dict[str, list[str]]:
        """Former ids with those that took their place."""
        later: dict[str, list[str]] = defaultdict(list)
        for former, paper in self._connection.execute(query, {"asked": list(asked)}):
            later[former].append(paper)
        return later


def _named(ids: Iterable[str], later: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The ids that took the place of these, or these where none did."""
    return (paper for one in ids for paper in later.get(one, (one,)))
