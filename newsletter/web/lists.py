"""The lists as they were, for everybody: days, the papers of a day, the newest, those of a topic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from newsletter.config import Topic
from newsletter.model import Candidate, Profile
from newsletter.selection.ranking import Verdict
from newsletter.web.site import Site

_TOPIC_PICKS = 20
_SHOWN = (Verdict.PICKED, Verdict.NEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDay:
    """A day that had a list, and how many papers were new on it."""

    day: date
    papers: int


class Lists:
    """Everything that was listed, unpersonalised."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def days(self) -> tuple[ListDay, ...]:
        """Every day with a list, newest first."""
        sizes = self._site.store.list_sizes()
        return tuple(ListDay(day=day, papers=count) for day, count in sizes.items())

    def of(self, day: date) -> tuple[Candidate, ...]:
        """The papers of a day, most votes first."""
        return tuple(sorted(self._site.store.candidates(listed=(day, day)), key=_by_votes))

    def newest(self, most: int) -> tuple[Candidate, ...]:
        """The newest papers: day by day, within a day most votes first."""
        wanted: list[Candidate] = []
        for one in self.days():
            if len(wanted) >= most:
                break
            wanted += self.of(one.day)
        return tuple(wanted[:most])

    def about(self, topic: Topic, most: int) -> tuple[Candidate, ...]:
        """The papers of the last days that are about a topic, best first."""
        if self._site.chooser.pool.sample:
            return ()
        taste = Profile(
            topics=(topic.name,), surprise=False, trend_weight=0.0, max_papers=_TOPIC_PICKS
        )
        ranking = self._site.chooser.ranking(taste)
        fitting = (item.candidate for item in ranking if item.verdict in _SHOWN)
        return tuple(fitting)[:most]

    def changed_at(self) -> datetime:
        """When a list was last read; nothing changes in between."""
        _, newest = self._site.store.last_look()
        return newest or datetime(2026, 1, 1, tzinfo=UTC)


def day_of(text: str) -> date | None:
    """A day in its one spelling; `20260403` and the like would be second addresses of a list."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def _by_votes(candidate: Candidate) -> tuple[int, int, str]:
    rank = candidate.last.rank if candidate.last else 10_000
    return -(candidate.upvotes or 0), rank, candidate.paper.id
