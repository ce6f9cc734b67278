"""Choosing papers for one reader."""
from newsletter.selection.background import Background
from newsletter.selection.relevance import Taste
import numpy as np
def score(profile, papers, *, background=None):
    bg = background or Background.fit(papers)
    return np.array([j.total for j in Taste(profile, bg).judge(papers)])
