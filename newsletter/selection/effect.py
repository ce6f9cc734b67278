"""What a change of taste does to a digest: which of its papers would stand elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.model import Paper, Pick


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A paper that changes its place among the picks.

    Attributes:
        before, after: 1 for the first place; `None` where it is no pick.
    """

    paper: Paper
    before: int | None
    after: int | None

    @property
    def up(self) -> bool:
        """Whether it gains: comes in, or stands nearer to the top."""
        return self.before is None or (self.after is not None and self.after < self.before)


def moves(before: Sequence[Pick], after: Sequence[Pick], *, held: int = 0) -> tuple[Move, ...]:
    """The picks that move between two digests: those who stay or come in by their new place,
    then those who leave by their old one.

    Args:
        held: a place that somebody outside both keeps (the paper voted on), so that the
            others are counted around it; 0 for none.
    """
    old, new = _places(before, held), _places(after, held)
    papers = {pick.paper.id: pick.paper for pick in (*before, *after)}
    changed = (
        Move(paper=papers[paper], before=old.get(paper), after=new.get(paper))
        for paper in papers
        if old.get(paper) != new.get(paper)
    )
    return tuple(sorted(changed, key=_order))


def _places(picks: Sequence[Pick], held: int) -> dict[str, int]:
    ids = [pick.paper.id for pick in picks]
    return {
        paper: place + (0 < held <= place)
        for place, paper in enumerate(dict.fromkeys(ids), start=1)
    }


def _order(move: Move) -> tuple[bool, int]:
    return move.after is None, move.after or move.before or 0
