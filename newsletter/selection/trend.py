"""How much a paper is rising: its place within its own list day and the growth of its votes.

Votes of different days are never compared: they double and more within days of the listing, while
the order within a day is stable (rank correlation 0.85 between the same evening and much later).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from newsletter.model import Candidate, Sighting

_GROWTH_SHARE = 0.4
_FEWEST_FOR_GROWTH = 5  # papers of one list whose growth is known
_SMALL_LIST = 3.0  # being first of two says less than being first of forty
_A_DAY = 18.0  # hours; looks at least this far apart measure growth best
_SHORTEST = 1.0
_RISING_VOTES, _RISING_RATIO, _RISING_SPEED = 10, 1.5, 0.35
_RISING_FRESH = timedelta(days=2)
_PLACES = (3, 5, 10)  # "top 3", where the list is at least four times as long
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Trend:
    """What the votes say of one paper.

    Attributes:
        value: 0 (last of its list or nothing known) to 1.
        known: whether any vote count is known.
        line: what is remarkable about it, in words; empty when nothing is.
        plain: the vote count in words; empty when not known.
    """

    value: float = 0.0
    known: bool = False
    line: str = ""
    plain: str = ""


@dataclass(frozen=True, slots=True)
class _Standing:
    """A place in one list, 1 being the top; ties share the middle of their places.

    `last_place` is the worst that ties and unseen papers of the same list leave possible.
    """

    label: str
    place: float
    last_place: int
    of: int

    @property
    def value(self) -> float:
        return _log_place(self.place, self.of)

    @property
    def line(self) -> str:
        if self.last_place == 1 and self.of > 2:
            return f"most upvoted {self.label}"
        top = next((n for n in _PLACES if self.last_place <= n and self.of >= 4 * n), None)
        return f"top {top} {self.label}" if top else ""


@dataclass(frozen=True, slots=True)
class _Growth:
    before: int
    after: int
    hours: float
    measured_at: datetime

    @property
    def speed(self) -> float:
        return (self.after - self.before) / self.hours

    @property
    def is_clear(self) -> bool:
        gained = self.after - self.before
        return gained >= _RISING_VOTES and self.after >= _RISING_RATIO * self.before

    @property
    def line(self) -> str:
        return f"rising: {self.before} to {self.after} upvotes {_period(self.hours)}"


def trends(candidates: Sequence[Candidate], now: datetime) -> dict[str, Trend]:
    """The trend of each candidate by paper id.

    The candidates should be everything on the lists of the last days, already sent papers
    included: places are counted among them.
    """
    standings = _standings(candidates)
    growths = {c.paper.id: g for c in candidates if (g := _growth(c.sightings)) is not None}
    speeds = _speed_values(candidates, growths)
    return {
        c.paper.id: _trend(
            c, standings[c.paper.id], growths.get(c.paper.id), speeds.get(c.paper.id), now
        )
        for c in candidates
    }


def list_day(candidate: Candidate) -> str:
    """On which list a paper stood, for a reader who said nothing and a list without votes."""
    last = candidate.last
    day = candidate.paper.listed_on or (_day_in(last.source) if last else None)
    return f"on the list of {_spoken(day)}" if day else "newly listed"


def _trend(
    candidate: Candidate,
    standings: Sequence[_Standing],
    growth: _Growth | None,
    speed: float | None,
    now: datetime,
) -> Trend:
    if not standings:
        return Trend()
    best = max(standings, key=lambda standing: (standing.value, standing.label))
    value = best.value
    if speed is not None:
        value = (1 - _GROWTH_SHARE) * value + _GROWTH_SHARE * speed
    rising = growth is not None and _is_rising(growth, speed, now)
    line = growth.line if growth is not None and rising else best.line
    votes = candidate.upvotes or 0
    return Trend(value, known=True, line=line, plain=f"{votes} upvote{'s' * (votes != 1)}")


def _is_rising(growth: _Growth, speed: float | None, now: datetime) -> bool:
    """Every paper gains votes on its first day; where others are known, it must outrun most."""
    fresh = now - growth.measured_at <= _RISING_FRESH
    return fresh and growth.is_clear and (speed is None or speed >= _RISING_SPEED)


def _standings(candidates: Sequence[Candidate]) -> dict[str, list[_Standing]]:
    lists: dict[str, dict[str, Sighting]] = defaultdict(dict)
    labels: dict[str, str] = {}
    for candidate in candidates:
        for name, seen in _newest_by_list(candidate).items():
            lists[name][candidate.paper.id] = seen
            labels[name] = _label(seen.source, candidate.paper.listed_on)
    found: dict[str, list[_Standing]] = {c.paper.id: [] for c in candidates}
    for name, members in lists.items():
        standings = _places(list(members.values()), labels[name])
        for paper_id, standing in zip(members, standings, strict=True):
            found[paper_id].append(standing)
    return found


def _newest_by_list(candidate: Candidate) -> dict[str, Sighting]:
    """The newest look with votes on each list; a list without a name is known by its day."""
    return {
        _list_name(seen, candidate): seen
        for seen in candidate.sightings
        if seen.upvotes is not None
    }


def _list_name(seen: Sighting, candidate: Candidate) -> str:
    return seen.source or str(candidate.paper.listed_on or "")


def _places(members: Sequence[Sighting], label: str) -> Iterable[_Standing]:
    votes = np.array([seen.upvotes for seen in members])
    unseen = max(0, max(seen.rank for seen in members) - len(members))
    for seen in members:
        above = int((votes > seen.upvotes).sum())
        level = int((votes == seen.upvotes).sum())
        middle = above + (level + 1) / 2
        yield _Standing(label, middle, above + level + unseen, len(members) + unseen)


def _log_place(place: float, of: int) -> float:
    """1 for the top, 0 for the end, dropping fast at first; less sure in a short list."""
    fall = 1 - np.log(place) / np.log(of + 1)
    return float(fall * of / (of + _SMALL_LIST))


def _growth(sightings: Sequence[Sighting]) -> _Growth | None:
    """From the newest look back to the nearest one about a day before, else to the oldest."""
    counted = [seen for seen in sightings if seen.upvotes is not None]
    if len(counted) < 2:
        return None
    last = counted[-1]
    earlier = [seen for seen in counted[:-1] if _hours(seen, last) >= _A_DAY]
    first = earlier[-1] if earlier else counted[0]
    hours = _hours(first, last)
    if hours < _SHORTEST:
        return None
    return _Growth(first.upvotes or 0, last.upvotes or 0, hours, last.seen_at)


def _speed_values(
    candidates: Sequence[Candidate], growths: Mapping[str, _Growth]
) -> dict[str, float]:
    """The place of each paper's speed within its list, as a value like that of the votes."""
    lists: dict[str, dict[str, float]] = defaultdict(dict)
    for candidate in candidates:
        growth, last = growths.get(candidate.paper.id), candidate.last
        if growth is not None and last is not None:
            lists[_list_name(last, candidate)][candidate.paper.id] = growth.speed
    values: dict[str, float] = {}
    for speeds in lists.values():
        if len(speeds) >= _FEWEST_FOR_GROWTH:
            values.update(_ranked_speeds(speeds))
    return values


def _ranked_speeds(speeds: Mapping[str, float]) -> dict[str, float]:
    all_of_them = np.array(list(speeds.values()))
    places = {
        paper_id: (all_of_them > speed).sum() + ((all_of_them == speed).sum() + 1) / 2
        for paper_id, speed in speeds.items()
    }
    return {paper_id: _log_place(place, len(speeds)) for paper_id, place in places.items()}


def _hours(first: Sighting, last: Sighting) -> float:
    return (last.seen_at - first.seen_at).total_seconds() / 3600


def _period(hours: float) -> str:
    if hours >= 36:
        return f"in {round(hours / 24)} days"
    if hours >= _A_DAY:
        return "in a day"
    return f"in {round(hours)} hours" if round(hours) > 1 else "in an hour"


def _label(source: str, listed_on: date | None) -> str:
    day = _day_in(source) or (None if source else listed_on)
    if day:
        return f"on {_spoken(day)}"
    return "on the trending page" if "trending" in source else "on its list"


def _day_in(source: str) -> date | None:
    found = re.search(r"\d{4}-\d{2}-\d{2}", source)
    try:
        return date.fromisoformat(found[0]) if found else None
    except ValueError:
        return None


def _spoken(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"
