"""In which ways papers of a round are alike to named ones: by words, and in spaces of few dimensions."""

from __future__ import annotations

import numpy as np

from newsletter.selection.texts.hashing import Matrix
from newsletter.selection.texts.tables import Marks, Rows
from newsletter.selection.usual.batch import Batch

# What is usual when hardly any paper is stored.
SPREAD_OF_WORDS, SPREAD_IN_SPACE, SPREAD_OF_MEANING = 0.02, 0.15, 0.1

TITLES = 0.4  # the titles of the named papers count so much more
_CLOSE = 0.12  # a cosine that papers of one field rarely reach


class ByWords:
    """Cosines of words and pairs above those with any paper; what is in the title counts more.

    Attributes:
        alike: how alike each named paper (row) is to each of the round (column).
        cosines: their cosines alone, to tell which is nearest.
        close: where these are close.
    """

    def __init__(self, batch: Batch, room: int) -> None:
        self._batch = batch
        self.alike = Rows(len(batch), room)
        self.cosines = Rows(len(batch), room, np.float16)
        self.close = Marks(len(batch), room)

    def append(self, units: Matrix, titles: Matrix) -> None:
        """Adds named papers."""
        cosines = self._batch.said(units).T
        self.cosines.append(cosines)
        self.close.append(cosines.astype(np.float32) >= _CLOSE)
        self.alike.append(cosines + TITLES * self._batch.said(titles).T - self._batch.common)

    def cut(self, size: int) -> None:
        """Forgets all named papers but the first."""
        for table in (self.alike, self.cosines, self.close):
            table.cut(size)
