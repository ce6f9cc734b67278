"""What comes out of a selection: every candidate with its parts, its verdict and its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from newsletter.model import Candidate, Paper, Pick, Reason
from newsletter.selection.reasons import shortened


class Verdict(StrEnum):
    """What became of a candidate, in the order of a ranking."""

    PICKED = "picked"
    NEXT = "next"
    SIMILAR = "similar"
    BELOW_CUT = "below_cut"
    MUTED = "muted"
    SENT_BEFORE = "sent_before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One candidate and how it fared.

    Attributes:
        score: taste and trend blended by the profile's weight, 0 to 1.
        taste: 0 (nothing fits) towards 1; means the same on every day.
        trend: 0 to 1 within its list day; 0 where no votes are known.
        reasons: for a pick at least one; for the others what would have spoken for them.
        note: why it is no pick; names the muted word or the paper it repeats.
    """

    candidate: Candidate
    score: float
    taste: float
    trend: float
    reasons: tuple[Reason, ...] = ()
    verdict: Verdict = Verdict.NEXT
    note: str = "no place left"

    @property
    def paper(self) -> Paper:
        return self.candidate.paper

    @property
    def pick(self) -> Pick:
        """What goes into a digest."""
        return Pick(
            paper=self.paper,
            score=self.score,
            reasons=self.reasons,
            upvotes=self.candidate.upvotes,
            comments=self.candidate.comments,
            stars=self.candidate.stars,
        )

    def judged(self, verdict: Verdict, note: str = "") -> Ranked:
        return replace(self, verdict=verdict, note=note)

    def repeating(self, other: Paper) -> Ranked:
        return self.judged(Verdict.SIMILAR, f"much the same as “{shortened(other.title)}”")


@dataclass(frozen=True, slots=True)
class Ranking:
    """Every candidate once: the picks in digest order, what came next, then the excluded."""

    ranked: tuple[Ranked, ...] = ()

    @classmethod
    def of(cls, ranked: Iterable[Ranked]) -> Ranking:
        """In the order of the verdicts; within one verdict as given."""
        order = list(Verdict)
        return cls(tuple(sorted(ranked, key=lambda item: order.index(item.verdict))))

    def __iter__(self) -> Iterator[Ranked]:
        return iter(self.ranked)

    def __len__(self) -> int:
        return len(self.ranked)

    @property
    def picks(self) -> tuple[Pick, ...]:
        return tuple(item.pick for item in self.ranked if item.verdict is Verdict.PICKED)
