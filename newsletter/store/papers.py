"""Papers and sightings: what was ever listed, completed by every look and never made worse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, or_, select, update

from newsletter.model import Candidate, Listing, Paper, Sighting, Tier
from newsletter.store.choice import one_of
from newsletter.store.kinds import is_sayable, sayable
from newsletter.store.schema import former_ids, papers, sightings

_PAPER_FIELDS = tuple(f.name for f in fields(Paper))
_SIGHTING_FIELDS = tuple(f.name for f in fields(Sighting))
_FRESH = timedelta(seconds=5)
_AT_ONCE = 500  # papers


class Shelf:
    """Papers that were looked up in the last five seconds, for all threads of a process.

    A day's mails show the same few hundred: without this, they would be read for each batch again.
    """

    def __init__(self) -> None:
        self._papers: dict[str, Paper] = {}
        self._emptied_at: datetime | None = None

    def at(self, now: datetime) -> dict[str, Paper]:
        """The papers by id or title key (see `find_papers`); what is found is added to it."""
        if self._emptied_at is None or not timedelta() <= now - self._emptied_at <= _FRESH:
            self._papers, self._emptied_at = {}, now
        return self._papers


@dataclass(frozen=True, slots=True)
class _Known:
    """A stored paper and the best tier that told us about it."""

    paper: Paper
    tier: Tier


def record(connection: Connection, listing: Listing, seen_at: datetime) -> tuple[str, ...]:
    """Writes a listing down; answers the ids of papers never seen before.

    Doing it again with the same `seen_at` changes nothing.
    """
    known = _known(connection, listing)
    new: list[str] = []
    for entry in listing.entries:
        stored = known.get(entry.paper.id) or known.get(entry.paper.key)
        if stored is None:
            now = _Known(entry.paper, listing.tier)
            _insert(connection, now, seen_at)
            new.append(now.paper.id)
        else:
            now = _merged(stored, _said(entry.paper), listing.tier)
            if now != stored:
                _update(connection, stored.paper.id, now)
            known[stored.paper.id] = now
        known[entry.paper.id] = known[entry.paper.key] = now
    _insert_looks(connection, listing, known, seen_at)
    return tuple(new)


def all_papers(connection: Connection, *, newest: int | None = None) -> tuple[Paper, ...]:
    """Every stored paper, or the newest as in `in_turn`; oldest first."""
    query = _newest(connection, newest, papers)
    return tuple(_paper(row) for row in connection.execute(query))[::-1]


def in_turn(connection: Connection, *, newest: int) -> Iterator[Paper]:
    """The `newest` by first sighting, a few at a time: with their abstracts 10,000 take 30 MB.

    Up to a tenth more, so that the oldest is the same one until so many have come.
    """
    ids = connection.scalars(_newest(connection, newest, papers.c.id)).all()[::-1]
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        found = find_papers(connection, some, ())
        yield from (found[paper_id] for paper_id in some if paper_id in found)


def _newest(connection: Connection, most: int | None, *what: Any) -> Select[Any]:
    query = select(*what).order_by(papers.c.first_seen_at.desc(), papers.c.id)
    if most is None:
        return query
    more = max(count(connection) - most, 0) % max(most // 10, 1)
    return query.limit(most + more)


def candidates(
    connection: Connection,
    *,
    listed: tuple[date, date] | None = None,
    source: str | None = None,
) -> tuple[Candidate, ...]:
    """Papers listed within the two days (both included), with all looks.

    `source` keeps to papers and looks of that one list. Without any condition: every paper.
    """
    wanted = _wanted(listed, source)
    rows = connection.execute(select(papers).where(*wanted).order_by(papers.c.id)).all()
    looks = select(sightings).join(papers).where(*wanted).order_by(sightings.c.seen_at)
    if source is not None:
        looks = looks.where(sightings.c.source == source)
    by_paper: dict[str, list[Sighting]] = defaultdict(list)
    for row in connection.execute(looks):
        by_paper[row.paper_id].append(_sighting(row))
    return tuple(Candidate(paper=_paper(r), sightings=tuple(by_paper[r.id])) for r in rows)


def find_papers(
    connection: Connection, ids: Collection[str], title_keys: Collection[str]
) -> dict[str, Paper]:
    """The stored papers asked for, each by the id or by the title key it was found by.

    Of title twins (one key, two ids) the one that was seen first answers to the key.
    """
    found: dict[str, Paper] = {}
    for column, wanted in ((papers.c.title_key, title_keys), (papers.c.id, ids)):
        query = select(papers).where(one_of(column, wanted))
        for row in connection.execute(query.order_by(papers.c.first_seen_at, papers.c.id)):
            found.setdefault(getattr(row, column.name), _paper(row))
    return found


def listed_ids(connection: Connection, day: date) -> frozenset[str]:
    """Ids of the papers first listed on a day."""
    return frozenset(connection.scalars(select(papers.c.id).where(papers.c.listed_on == day)))


def list_sizes(connection: Connection) -> dict[date, int]:
    """The days that have a list, newest first, and how many papers were first listed on each."""
    day = papers.c.listed_on
    query = select(day, func.count()).where(day.is_not(None)).group_by(day).order_by(day.desc())
    return dict(map(tuple, connection.execute(query).all()))


def count(connection: Connection) -> int:
    """How many papers are stored."""
    return connection.scalar(select(func.count()).select_from(papers)) or 0


def last_look(connection: Connection) -> tuple[int, datetime | None]:
    """How many papers there are, and the instant of the newest look at any list."""
    newest = connection.scalar(select(func.max(sightings.c.seen_at)))
    return count(connection), newest


def _known(connection: Connection, listing: Listing) -> dict[str, _Known]:
    """Stored papers that the listing may mean, by id and by title key."""
    ids = [paper.id for paper in listing.papers]
    keys = [paper.key for paper in listing.papers]
    query = select(papers).where(or_(one_of(papers.c.id, ids), one_of(papers.c.title_key, keys)))
    found: dict[str, _Known] = {}
    for row in connection.execute(query):
        known = _Known(_paper(row), Tier(row.tier))
        found[row.id] = found[row.title_key] = known
    return found


def _merged(stored: _Known, seen: Paper, tier: Tier) -> _Known:
    """The better tier's facts win and the other fills the gaps; an arXiv id replaces a title hash."""
    old = stored.paper
    seen_is_better = tier.step <= stored.tier.step
    merged = seen.completed_by(old) if seen_is_better else old.completed_by(seen)
    listed_on = min(filter(None, (old.listed_on, seen.listed_on)), default=None)
    paper_id = old.id if old.has_arxiv_id else seen.id
    return _Known(
        replace(merged, id=paper_id, listed_on=listed_on), tier if seen_is_better else stored.tier
    )


def _said(paper: Paper) -> Paper:
    """As the database will have it: a text of which nothing is left there fills no gap."""
    texts = {
        name: value for name in _PAPER_FIELDS if isinstance(value := getattr(paper, name), str)
    }
    cut: dict[str, Any] = {
        name: sayable(value) for name, value in texts.items() if not is_sayable(value)
    }
    return replace(paper, **cut) if cut else paper


def _insert(connection: Connection, known: _Known, seen_at: datetime) -> None:
    connection.execute(insert(papers).values(**_columns(known), first_seen_at=seen_at))


def _update(connection: Connection, paper_id: str, known: _Known) -> None:
    connection.execute(update(papers).where(papers.c.id == paper_id).values(_columns(known)))
    if known.paper.id != paper_id:
        _note_former_id(connection, known.paper.id, paper_id)


def _note_former_id(connection: Connection, paper_id: str, former: str) -> None:
    """A title that changes back and forth gives the same id twice."""
    noted = select(former_ids.c.id).where(
        former_ids.c.id == former, former_ids.c.paper_id == paper_id
    )
    if connection.scalar(noted) is None:
        connection.execute(insert(former_ids).values(id=former, paper_id=paper_id))


def _insert_looks(
    connection: Connection, listing: Listing, known: dict[str, _Known], seen_at: datetime
) -> None:
    """Adds one sighting a paper; the first entry counts where title twins stand on one list."""
    here = (sightings.c.seen_at == seen_at) & (sightings.c.source == listing.source)
    written = set(connection.scalars(select(sightings.c.paper_id).where(here)))
    fresh = []
    for entry in listing.entries:
        paper_id = known[entry.paper.id].paper.id
        if paper_id not in written:
            written.add(paper_id)
            look = replace(entry.sighting(seen_at, listing.source), paper_id=paper_id)
            fresh.append(_sighting_columns(look))
    if fresh:
        connection.execute(insert(sightings), fresh)


def _wanted(listed: tuple[date, date] | None, source: str | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if listed is not None:
        conditions.append(papers.c.listed_on.between(*listed))
    if source is not None:
        of_source = select(sightings.c.paper_id).where(sightings.c.source == source)
        conditions.append(papers.c.id.in_(of_source))
    return conditions


def _columns(known: _Known) -> dict[str, Any]:
    facts = {name: getattr(known.paper, name) for name in _PAPER_FIELDS}
    return {**facts, "title_key": known.paper.key, "tier": known.tier.value}


def _sighting_columns(look: Sighting) -> dict[str, Any]:
    return {name: getattr(look, name) for name in _SIGHTING_FIELDS}


def _paper(row: Row[Any]) -> Paper:
    return Paper(**{name: getattr(row, name) for name in _PAPER_FIELDS})


def _sighting(row: Row[Any]) -> Sighting:
    return Sighting(**{name: getattr(row, name) for name in _SIGHTING_FIELDS})
