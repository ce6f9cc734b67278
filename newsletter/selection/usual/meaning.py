"""What texts mean, told by a model that is given from outside; without one there is nothing to tell.

A static word-vector model knows that "car" and "vehicle" are near, which the stored papers may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from newsletter.model import Paper
from newsletter.selection.texts.hashing import Floats


class Encoder(Protocol):
    """Texts as vectors whose cosine says how near their meanings are.

    A text has the same vector whatever is encoded beside it.
    """

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """A row (float32) of unit length for each text; of zeros for one that says nothing."""
        ...


def meanings(encoder: Encoder | None, texts: Sequence[str]) -> Floats:
    """The vectors of the texts; no columns where there is no model."""
    if encoder is None or not texts:
        return np.zeros((len(texts), encoder.width if encoder else 0), np.float32)
    return encoder.encode(texts)


def meanings_of(encoder: Encoder | None, papers: Iterable[Paper]) -> Floats:
    """The vectors of papers, by title and abstract."""
    return meanings(encoder, [f"{p.title}. {p.abstract or p.summary}" for p in papers])
