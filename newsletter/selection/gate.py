"""Who is out before any place is given: sent before, muted, or without an interest that fits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from newsletter.model import Paper, Profile, title_key
from newsletter.selection.background import Background, paper_id_in
from newsletter.selection.entrants import Entrant, follows_trend_alone
from newsletter.selection.matching import Mutes
from newsletter.selection.ranking import Ranked, Verdict
from newsletter.selection.reasons import shortened

_LEAST_TASTE = 0.05  # what fits has less only where dislikes outweigh it
_TREND_ALONE = 0.4  # weight times trend from which a paper needs no interest


class Gate:
    """The rules of one reader for one round."""

    def __init__(
        self,
        profile: Profile,
        already_sent: Collection[str],
        entered: Sequence[Entrant],
        background: Background,
    ) -> None:
        named = (*profile.liked, *profile.disliked)
        known = {paper_id_in(text) or title_key(text) for text in named}
        self._profile = profile
        self._background = background
        self._mutes = Mutes.of(profile.muted) if profile.muted else None
        self._sent = _with_title_keys(set(already_sent), entered, background)
        self._known = _with_title_keys(known, entered, background)

    def verdict(self, entrant: Entrant) -> Ranked | None:
        """The candidate with its verdict if it is out, else nothing."""
        paper, ranked = entrant.paper, entrant.ranked
        if not self._sent.isdisjoint((paper.id, paper.key)):
            return ranked.judged(Verdict.SENT_BEFORE, "it was in an earlier digest")
        if not self._known.isdisjoint((paper.id, paper.key)):
            return ranked.judged(Verdict.SENT_BEFORE, "you know it: your profile names it")
        if word := self._muted(paper):
            return ranked.judged(Verdict.MUTED, f"you muted “{shortened(word)}”")
        if not self._fits(entrant):
            return ranked.judged(Verdict.BELOW_CUT, "none of your interests fits it well enough")
        if ranked.score < self._profile.min_score:
            least = f"{ranked.score:.2f} is below your least score {self._profile.min_score:.2f}"
            return ranked.judged(Verdict.BELOW_CUT, least)
        return None

    def _muted(self, paper: Paper) -> str:
        return self._mutes.first_in(self._background.reading(paper)) if self._mutes else ""

    def _fits(self, entrant: Entrant) -> bool:
        if follows_trend_alone(self._profile):
            return True
        wanted = entrant.judgement.fits and entrant.ranked.taste >= _LEAST_TASTE
        return wanted or self._profile.trend_weight * entrant.ranked.trend >= _TREND_ALONE


def _with_title_keys(
    named: Collection[str], entered: Sequence[Entrant], background: Background
) -> frozenset[str]:
    """The ids and title keys, and the title keys of the papers that the ids name."""
    places = (background.place_of(name) for name in named)
    stored = {background.papers[place].key for place in places if place >= 0}
    here = {entrant.paper.key for entrant in entered if entrant.paper.id in named}
    return frozenset({*named, *stored, *here} - {""})
