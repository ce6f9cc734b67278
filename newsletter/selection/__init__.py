"""Choosing papers for one reader: papers, sightings and a profile in, picks with reasons out."""

from newsletter.selection.background import Background
from newsletter.selection.ranking import Ranked, Ranking, Verdict
from newsletter.selection.select import rank, rank_all, score, select

__all__ = ["Background", "Ranked", "Ranking", "Verdict", "rank", "rank_all", "score", "select"]
