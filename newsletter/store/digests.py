"""Digests as data, and what was made for whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, delete, select

from newsletter.making import maker
from newsletter.model import Digest, Paper
from newsletter.store.bulk import insert_all, insert_columns
from newsletter.store.choice import one_of_those
from newsletter.store.kinds import as_text, words_in
from newsletter.store.ledger import Ledger
from newsletter.store.papers import find_papers
from newsletter.store.picks import KEY, PAPER, pick_of, picks_in, rows_of
from newsletter.store.schema import digests, quiet_editions

_EDITIONS = select(digests.c.subscriber_id, digests.c.edition).where(
    one_of_those(digests.c.subscriber_id, "whose"), one_of_those(digests.c.edition, "editions")
)
_QUIET_OF_THEM = one_of_those(quiet_editions.c.subscriber_id, "whose")
_QUIET = (
    select(quiet_editions.c.subscriber_id, quiet_editions.c.edition)
    .where(_QUIET_OF_THEM)
    .order_by(quiet_editions.c.edition)
)
_QUIET_OVER = delete(quiet_editions).where(_QUIET_OF_THEM)
_FACTS = tuple(field.name for field in fields(Digest))
_AS_TEXT = frozenset(("picks", "notes"))
_WHOLE = select(
    *(as_text(digests.c[name]) if name in _AS_TEXT else digests.c[name] for name in _FACTS)
)
_AMONG = _WHOLE.where(one_of_those(digests.c.id, "ids"))
_PICKS = _FACTS.index("picks")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a subscriber was made so far.

    Attributes:
        last_made_at: when their newest digest was made.
        quiet: the editions that were not worth a mail since the last digest, oldest first.
    """

    last_made_at: datetime | None = None
    quiet: tuple[str, ...] = ()


_history = maker(History)
_digest_of = maker(Digest)


class Digests:
    """The digests ever made, seen and changed within one transaction of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ledger = Ledger(connection)

    def unknown(self, made: Sequence[Digest]) -> list[Digest]:
        """Those of 500 digests at most whose subscriber has no digest of their edition."""
        asked = {"whose": _readers_of(made), "editions": list({one.edition for one in made})}
        known = set(map(tuple, self._connection.execute(_EDITIONS, asked)))
        return [one for one in made if (one.subscriber_id, one.edition) not in known]

    def keep_all(self, new: Sequence[Digest]) -> None:
        """Writes down 500 digests at most, none of them known, with their papers as sent."""
        picks = rows_of(new)
        insert_columns(self._connection, digests, _columns(new) | {"picks": picks})
        self._ledger.keep(new, [[row[PAPER] for row in rows] for rows in picks])
        self._connection.execute(_QUIET_OVER, {"whose": _readers_of(new)})

    def histories(self, subscriber_ids: Collection[str]) -> dict[str, History]:
        """What 500 subscribers at most were made so far; each of them is in it."""
        last_made_at = self._ledger.last_made_at(subscriber_ids)
        quiet: dict[str, list[str]] = defaultdict(list)
        for one, edition in self._connection.execute(_QUIET, {"whose": list(subscriber_ids)}):
            quiet[one].append(edition)
        return {
            one: _history(last_made_at[one], tuple(quiet.get(one, ()))) for one in subscriber_ids
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
        rows = self._connection.execute(_AMONG, {"ids": list(ids)}).all()
        made = self._digests(rows, shelf)
        return {digest.id: digest for digest in made}

    def last_of(self, subscriber_id: str) -> Digest | None:
        """The newest digest of a subscriber."""
        mine = digests.c.subscriber_id == subscriber_id
        newest = _WHOLE.where(mine).order_by(digests.c.created_at.desc()).limit(1)
        return next(iter(self._digests(self._connection.execute(newest).all())), None)

    def of(self, subscriber_id: str) -> tuple[Digest, ...]:
        """Every digest of a subscriber, oldest first."""
        mine = digests.c.subscriber_id == subscriber_id
        rows = self._connection.execute(_WHOLE.where(mine).order_by(digests.c.created_at))
        return self._digests(rows.all())

    def note_quiet(self, poor: Sequence[Digest]) -> None:
        """Writes down editions that were not worth a mail; again changes nothing."""
        if not poor:
            return
        quiet = self._connection.execute(_QUIET, {"whose": _readers_of(poor)})
        known = set(map(tuple, quiet))
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

    def _digests(
        self, rows: Sequence[Sequence[Any]], shelf: dict[str, Paper] | None = None
    ) -> tuple[Digest, ...]:
        known = {} if shelf is None else shelf
        try:
            # One after the other: what each is made of is gone before the next one.
            return tuple([_digest(row, known) for row in rows])
        except KeyError:
            absent = self._look_up(rows, known)
        looked_up = {**known, **absent}
        return tuple([_digest(row, looked_up) for row in rows])

    def _look_up(
        self, rows: Sequence[Sequence[Any]], known: dict[str, Paper]
    ) -> Mapping[str, None]:
        """Adds papers to those known; answers which are not there any more under their ids."""
        picks = [pick for row in rows for pick in picks_in(row[_PICKS])]
        unknown = {pick[PAPER] for pick in picks} - known.keys()
        # A paper first met without arXiv id may have another id now; its title finds it.
        keys = [key for pick in picks if pick[PAPER] in unknown for key in pick[KEY:]]
        known |= find_papers(self._connection, unknown, keys)
        return dict.fromkeys(unknown - known.keys())


def _digest(row: Sequence[Any], known: Mapping[str, Paper | None]) -> Digest:
    """What stands in a row; a KeyError if one of its papers was not looked up yet."""
    *head, written, considered, created_at, notes = row
    picks = tuple(filter(None, [pick_of(pick, known) for pick in picks_in(written)]))
    return _digest_of(*head, picks, considered, created_at, words_in(notes))


def _readers_of(made: Sequence[Digest]) -> list[str]:
    return [digest.subscriber_id for digest in made]


def _columns(made: Sequence[Digest]) -> dict[str, Sequence[Any]]:
    return {name: list(map(attrgetter(name), made)) for name in _FACTS if name != "picks"}
