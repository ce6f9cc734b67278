"""Why a paper was picked, in the subscriber's own words: true, strongest first, at most three."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from newsletter.model import Reason, Why
from newsletter.selection.evidence import Evidence
from newsletter.selection.field import Field
from newsletter.selection.fit.literal import Interest
from newsletter.selection.texts.words import plain

MOST_REASONS = 3
_LONGEST_DETAIL = 80  # characters
_MOST_KEPT = 20_000


class Reasons:
    """Makes reasons for papers of one field; what many readers are told is made once."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._known = field.told

    def interests(
        self, place: int, evidence: Sequence[Evidence], *, taste: float, weight: float
    ) -> tuple[Reason, ...]:
        """The interests a paper meets and what is remarkable about its votes, by what they gave it.

        The trend gave what it has above the usual one; any paper has that.

        Args:
            evidence: strongest first.
            weight: of the trend.
        """
        trend = self._field.trends[place]
        before = len(evidence)
        if trend.line:
            risen = weight * (trend.value - self._field.usual_trend)
            share = (1 - weight) * taste / (sum(strength for strength, _ in evidence) or 1.0)
            before = sum(strength * share >= risen for strength, _ in evidence)
        said = [interest for _, interest in evidence]
        key = (before, trend.line, *said)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            said[before:before] = [(Why.TREND, trend.line)] if trend.line else []
            known = _distinct(said)
            self._known[key] = known
        return known

    def trend(self, place: int) -> tuple[Reason, ...]:
        """For a reader whose digest follows the trend alone."""
        trend = self._field.trends[place]
        told = trend.line or trend.plain or self._field.list_days[place]
        return (Reason(why=Why.TREND, detail=told),)

    def surprise(self, place: int) -> tuple[Reason, ...]:
        """For the one place that goes to a paper from outside the profile."""
        line = self._field.trends[place].line
        return (Reason(why=Why.SURPRISE, detail=f"{line}, from outside your interests"),)


def shortened(text: str) -> str:
    """The text on one line, cut between words where it is long."""
    line = " ".join(text.split())
    if len(line) <= _LONGEST_DETAIL:
        return line
    cut = line[: _LONGEST_DETAIL - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:.") + "…"


def _distinct(said: Iterable[Interest]) -> tuple[Reason, ...]:
    """A word that is both topic and keyword is said once."""
    reasons: dict[str, Reason] = {}
    for why, text in said:
        key, reason = _reason(why, text)
        reasons.setdefault(key, reason)
        if len(reasons) == MOST_REASONS:
            break
    return tuple(reasons.values())


@lru_cache(maxsize=_MOST_KEPT)  # liked titles and topics come back, if rarely together
def _reason(why: Why, text: str) -> tuple[str, Reason]:
    """With what another reason that says the same has in common."""
    reason = Reason(why=why, detail=shortened(text))
    return plain(reason.detail), reason
