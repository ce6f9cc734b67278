"""Choosing papers for one reader: papers, sightings and a profile in, picks with reasons out."""

from newsletter.selection.field import Field
from newsletter.selection.ranking import Ranked, Ranking, Verdict
from newsletter.selection.select import rank, score, select, select_all
from newsletter.selection.usual.background import Background
from newsletter.selection.usual.meaning import Encoder

__all__ = [
    "Background",
    "Encoder",
    "Field",
    "Ranked",
    "Ranking",
    "Verdict",
    "rank",
    "score",
    "select",
    "select_all",
]
