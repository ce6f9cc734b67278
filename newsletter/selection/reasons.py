"""Why a paper was picked, in the subscriber's own words: true, strongest first, at most three."""

from __future__ import annotations

from collections.abc import Iterable

from newsletter.model import Reason, Why
from newsletter.selection.relevance import Judgement
from newsletter.selection.trend import Trend
from newsletter.selection.words import plain

MOST_REASONS = 3
_LONGEST_DETAIL = 80  # characters


def reasons_for(
    judgement: Judgement, trend: Trend, *, weight: float, usual_trend: float
) -> tuple[Reason, ...]:
    """The interests a paper meets and what is remarkable about its votes, by what they gave it.

    The trend gave what it has above the usual one; any paper has that.
    """
    total = sum(item.strength for item in judgement.evidence) or 1.0
    share = (1 - weight) * judgement.taste / total
    weighed = [(item.strength * share, item.why, item.detail) for item in judgement.evidence]
    if trend.line:
        weighed.append((weight * (trend.value - usual_trend), Why.TREND, trend.line))
    ordered = sorted(weighed, key=lambda item: -item[0])
    return _distinct(Reason(why=why, detail=shortened(text)) for _, why, text in ordered)


def trend_reasons(trend: Trend, otherwise: str) -> tuple[Reason, ...]:
    """For a reader whose digest follows the trend alone."""
    return (Reason(why=Why.TREND, detail=trend.line or trend.plain or otherwise),)


def surprise_reasons(trend: Trend) -> tuple[Reason, ...]:
    """For the one place that goes to a paper from outside the profile."""
    return (Reason(why=Why.SURPRISE, detail=f"{trend.line}, from outside your interests"),)


def shortened(text: str) -> str:
    """The text on one line, cut between words where it is long."""
    line = " ".join(text.split())
    if len(line) <= _LONGEST_DETAIL:
        return line
    cut = line[: _LONGEST_DETAIL - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:.") + "…"


def _distinct(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """A word that is both topic and keyword is said once."""
    said: dict[str, Reason] = {}
    for reason in reasons:
        said.setdefault(plain(reason.detail), reason)
    return tuple(said.values())[:MOST_REASONS]
