"""The live preview: what a profile would have received from the papers of the last days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from newsletter.mail.digest import subject_for
from newsletter.mail.templating import counted
from newsletter.mail.view import Card
from newsletter.mail.wording import plain, short_date, shorten
from newsletter.model import Pick, Profile
from newsletter.pipeline import Pool
from newsletter.selection import Ranking
from newsletter.selection.ranking import Verdict
from newsletter.web.cards import card_of

AT_FIRST = 5  # papers that are seen without a further click
RESTING = "The preview rests for a moment; what you wrote is all here."
_ABSTRACT = 200
_TITLE = 90
_CLOSEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One paper of the preview; `is_new` if the profile that is kept would not have brought it."""

    paper_id: str
    card: Card
    is_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What stands beside a form.

    Attributes:
        papers: the picks, best first.
        subject: of the mail they would have made.
        considered: how many papers they were chosen from.
        days: of which days these are, in words; empty where lists have no days.
        closest: where nothing fits, titles of what comes nearest.
        muted: how many papers the mutes kept away.
        is_trend: nothing is said yet, so this is what everybody looks at.
        sample: a bundled page stands in for lists that were not read yet.
        effect: what a change would do, in a sentence; empty where nothing is compared.
        leaving: titles that a change would take away.
        notes: what the reader should know of their entries.
        problem: why there is no preview now; else empty.
    """

    papers: tuple[Shown, ...] = ()
    subject: str = ""
    considered: int = 0
    days: str = ""
    closest: tuple[str, ...] = ()
    muted: int = 0
    is_trend: bool = False
    sample: bool = False
    effect: str = ""
    leaving: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def first(self) -> tuple[Shown, ...]:
        return self.papers[:AT_FIRST]

    @property
    def rest(self) -> tuple[Shown, ...]:
        return self.papers[AT_FIRST:]

    @property
    def summary(self) -> str:
        """For ears, and for the bar on phones."""
        if self.problem or not self.papers:
            return self.problem or self.why_nothing
        count = counted(len(self.papers), "paper")
        effect = f" {self.effect}" if self.effect else ""
        return f"{count}, the first is “{self.papers[0].card.title}”.{effect}"

    @property
    def why_nothing(self) -> str:
        """Why there is no paper."""
        if not self.considered:
            return "There is no paper to choose from."
        papers = counted(self.considered, "paper")
        if self.muted == self.considered:
            return f"Of {papers} your mutes keep every one away."
        if self.muted:
            away = f"{self.muted:,} away, and of the others none fits closely enough."
            return f"Of {papers} your mutes keep {away}"
        return f"Of {papers} none fits closely enough."


def glance(profile: Profile, ranking: Ranking, pool: Pool, *, notes: Sequence[str] = ()) -> Glance:
    """The picks of a ranking, and how they came to be."""
    length = min(_ABSTRACT, profile.abstract_length)
    considered = len(ranking)
    return Glance(
        papers=tuple(_shown(pick, n, length) for n, pick in enumerate(ranking.picks, start=1)),
        subject=subject_for(ranking.picks, considered),
        considered=considered,
        days=days_of(pool),
        closest=() if ranking.picks else _closest(ranking),
        muted=sum(item.verdict is Verdict.MUTED for item in ranking),
        is_trend=profile.says_nothing,
        sample=pool.sample,
        notes=tuple(notes),
    )


def compared(now: Glance, before: Ranking) -> Glance:
    """The preview with what differs from the picks of the profile that is kept."""
    kept = {pick.paper.id: pick for pick in before.picks}
    shown = tuple(replace(one, is_new=one.paper_id not in kept) for one in now.papers)
    there = {one.paper_id for one in shown}
    leaving = [pick for paper_id, pick in kept.items() if paper_id not in there]
    return replace(
        now,
        papers=shown,
        effect=_effect(sum(one.is_new for one in shown), len(leaving)),
        leaving=tuple(map(_title, leaving)),
    )


def days_of(pool: Pool) -> str:
    """`2 and 3 April 2026`, `1 to 3 April 2026`, `30 March 2026 to 1 April 2026`."""
    listed = {c.paper.listed_on for c in pool.candidates if c.paper.listed_on}
    if not listed:
        return ""
    first, last = min(listed), max(listed)
    if first == last:
        return short_date(last)
    if (first.year, first.month) != (last.year, last.month):
        return f"{short_date(first)} to {short_date(last)}"
    return f"{first.day} {_between(first, last)} {short_date(last)}"


def _closest(ranking: Ranking) -> tuple[str, ...]:
    """What somebody would have to broaden their words for."""
    near = [item for item in ranking if item.verdict is Verdict.BELOW_CUT and item.taste > 0]
    near.sort(key=lambda item: -item.taste)
    return tuple(_title(item.pick) for item in near[:_CLOSEST])


def _between(first: date, last: date) -> str:
    return "and" if (last - first).days == 1 else "to"


def _shown(pick: Pick, rank: int, length: int) -> Shown:
    return Shown(paper_id=pick.paper.id, card=card_of(pick, rank, abstract=length))


def _title(pick: Pick) -> str:
    return shorten(plain(pick.paper.title), _TITLE) or "A paper without a title"


def _effect(coming: int, leaving: int) -> str:
    if not coming and not leaving:
        return "These picks would stay as they are."
    parts = []
    if coming:
        parts.append(f"{counted(coming, 'paper')} would come in")
    if leaving:
        parts.append(f"{leaving if coming else counted(leaving, 'paper')} would leave")
    return ", ".join(parts) + "."
