"""Where the papers of a round stand that a text means; each text is read once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

from newsletter.model import Paper, title_key
from newsletter.selection.usual.background import Background, paper_id_in

_MOST_TEXTS = 100_000

_Meaning = TypeVar("_Meaning")


class Read(dict[str, _Meaning]):
    """What texts mean. When there are too many all are forgotten, and read anew."""

    def __init__(self, read: Callable[[str], _Meaning], most: int = _MOST_TEXTS) -> None:
        self._read, self._most = read, most

    def __missing__(self, text: str) -> _Meaning:
        if len(self) >= self._most:
            self.clear()
        meaning = self[text] = self._read(text)
        return meaning


class Places:
    """Where papers stand by id and by title.

    Attributes:
        twins: places of papers that share their title; a text that means one of them means all.
    """

    def __init__(self, papers: Sequence[Paper], background: Background) -> None:
        self._papers, self._background = tuple(papers), background
        self._by_id = {paper.id: place for place, paper in enumerate(papers)}
        by_key: dict[str, list[int]] = defaultdict(list)
        for place, paper in enumerate(papers):
            if paper.key:
                by_key[paper.key].append(place)
        self._first = {key: places[0] for key, places in by_key.items()}
        self.twins = tuple(tuple(places) for places in by_key.values() if len(places) > 1)

    def of(self, name: str) -> int:
        """The paper that an id or a title key means, the first where it has twins; -1 for none."""
        if name in self._by_id:
            place = self._by_id[name]
            return self._first.get(self._papers[place].key, place)
        stored = self._background.place_of(name)
        key = self._background.papers[stored].key if stored >= 0 else name
        return self._first.get(key, -1)

    def named(self, text: str) -> int:
        """The same for an id, a link or a title in a profile."""
        return self.of(paper_id_in(text) or title_key(text))
