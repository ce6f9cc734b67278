"""The editions of one person around one paper, each decided again from what was known then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from newsletter.model import Candidate, Paper, Profile, Subscriber
from newsletter.pipeline import BACKGROUND_PAPERS
from newsletter.schedule import LONGEST_GAP, days_to_cover, next_due, zone_of
from newsletter.selection import Background, Encoder, Ranked, Ranking, rank
from newsletter.selection.learn import with_votes
from newsletter.store import Store
from newsletter.store.overview import Round

_ROUNDS = 60  # editions looked back at


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One edition: a digest, a quiet one, or the one to come.

    Attributes:
        edition: its day; empty for the one to come.
        at: when it was made; for a quiet one its hour, for one to come when it is due.
        previous: when the digest before it was made.
        digest_id: empty where no digest was made.
    """

    edition: str
    at: datetime
    previous: datetime | None = None
    digest_id: str = ""


class Editions:
    """The editions of one reader that may have looked at one paper.

    Args:
        days: list days that a daily digest looks back over.
        encoder: what tells papers' meaning, where a model is configured.
    """

    def __init__(
        self,
        store: Store,
        reader: Subscriber,
        paper: Paper,
        *,
        days: int,
        now: datetime,
        encoder: Encoder | None = None,
    ) -> None:
        self._encoder = encoder
        self._store = store
        self._reader = reader
        self._paper = paper
        self._days = days
        self._now = now
        self._span = timedelta(days=LONGEST_GAP + days)  # no digest looks back further
        with store.overview() as overview:
            self._rounds = overview.rounds(reader.id, most=_ROUNDS)
            self.seen_at = overview.first_seen(paper.id) or now

    @property
    def first_made_at(self) -> datetime | None:
        """When the oldest of the digests looked at was made."""
        return min((one.at for one in self._rounds if one.at), default=None)

    @property
    def last_made_at(self) -> datetime | None:
        """When their newest digest was made."""
        return max((one.at for one in self._rounds if one.at), default=None)

    def past(self) -> list[Look]:
        """Those made since the paper was met, newest first."""
        looks = []
        for place, one in enumerate(self._rounds):
            at = one.at or self._hour_of(one)
            if self.seen_at <= at <= self._now:
                earlier = (older.at for older in self._rounds[place + 1 :] if older.at)
                previous = next(earlier, None)
                looks.append(
                    Look(edition=one.edition, at=at, previous=previous, digest_id=one.digest_id)
                )
        return looks

    def coming(self) -> Look | None:
        """The next one, if they get any."""
        due = self._reader.next_due_at or next_due(self._reader, self._now)
        at = max(due, self._now) if due else None
        return Look(edition="", at=at, previous=self.last_made_at) if at else None

    def judged(self, look: Look) -> tuple[Ranking, Ranked] | None:
        """How that edition ranks its candidates, and the paper among them; `None` if it is not.

        A title twin that was kept in its place stands for it.
        """
        pool = self._pool(look)
        if not any(is_same(candidate.paper, self._paper) for candidate in pool):
            return None
        with self._store.register() as register:
            sent = register.ledger.sent_to(self._reader.id, before=look.at)
        ranking = rank(
            self._profile_at(look.at),
            pool,
            already_sent=sent,
            now=min(look.at, self._now),
            background=self._background,
        )
        by_id = (item for item in ranking if item.paper.id == self._paper.id)
        twins = (item for item in ranking if is_same(item.paper, self._paper))
        found = next(by_id, None) or next(twins, None)
        return (ranking, found) if found else None

    @cached_property
    def _background(self) -> Background:
        return Background.of(self._store.papers_in_turn(newest=BACKGROUND_PAPERS), self._encoder)

    def _profile_at(self, at: datetime) -> Profile:
        with self._store.register() as register:
            versions = register.profiles(self._reader.id)
            votes = [vote for vote in register.votes(self._reader.id) if vote.at <= at]
        held = [version.profile for version in versions if version.at <= at]
        first = versions[0].profile if versions else self._reader.profile
        return with_votes(held[-1] if held else first, votes, now=at)

    def _pool(self, look: Look) -> tuple[Candidate, ...]:
        """The candidates of the days looked at then, as they were known then."""
        if self._is_long_past(look.at):
            return ()
        known = [then for c in self._candidates if (then := _as_of(c, look.at))]
        newest = max((c.paper.listed_on for c in known if c.paper.listed_on), default=None)
        if newest is None:
            return tuple(known)
        first = newest - timedelta(
            days=days_to_cover(self._reader, look.previous, look.at) + self._days - 2
        )
        return tuple(c for c in known if c.paper.listed_on and c.paper.listed_on >= first)

    def _is_long_past(self, at: datetime) -> bool:
        """Whether newer lists than any that can share a digest with the paper's were out then."""
        day = self._paper.listed_on
        out = (one for one in self._store.list_days() if one <= at.date())
        newest = next(out, None)
        return bool(day and newest and newest > day + self._span)

    @cached_property
    def _candidates(self) -> tuple[Candidate, ...]:
        """All papers of the days that can share a digest with this one."""
        day = self._paper.listed_on
        if day is None:
            return self._store.candidates()
        return self._store.candidates(listed=(day - self._span, day + self._span))

    def _hour_of(self, one: Round) -> datetime:
        """When a quiet edition was looked for, by the hour they have today."""
        day = date.fromisoformat(one.edition)
        zone = zone_of(self._reader.timezone)
        return datetime.combine(day, self._reader.send_at, tzinfo=zone).astimezone(UTC)


def is_same(one: Paper, other: Paper) -> bool:
    """The same paper, or one with the same title."""
    return one.id == other.id or bool(one.key and one.key == other.key)


def _as_of(candidate: Candidate, at: datetime) -> Candidate | None:
    """The candidate with the looks of that time; `None` if it was not met yet."""
    looks = tuple(look for look in candidate.sightings if look.seen_at <= at)
    return replace(candidate, sightings=looks) if looks else None
