"""What must occur literally: keywords, people and organisations to follow, categories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Why
from newsletter.selection.texts import categories
from newsletter.selection.texts.hashing import Floats
from newsletter.selection.texts.matching import Names, Phrases
from newsletter.selection.texts.reading import Reading, name_parts
from newsletter.selection.texts.words import words
from newsletter.selection.usual.background import Background
from newsletter.selection.usual.batch import Batch

_FOLLOWED = 4.0  # an author or organisation to follow
_CATEGORY = 1.0  # broad: it counts little beside what the subscriber wrote
_KEYWORD = (0.5, 3.0)  # by rarity: a word that every fifth paper holds says little
_KEYWORD_PER_NAT, _COMMON_NATS = 0.6, 1.0
_IN_TITLE = 2.0

Interest = tuple[Why, str]


@dataclass(frozen=True, slots=True)
class Literals:
    """Some literal interests, ready to be looked for in any papers."""

    interests: tuple[Interest, ...]
    keywords: Phrases
    authors: Names
    organizations: Phrases
    codes: tuple[tuple[frozenset[str], str], ...]
    weights: dict[str, float]

    @classmethod
    def of(cls, interests: Sequence[Interest], background: Background) -> Literals:
        of_kind = {why: [text for kind, text in interests if kind is why] for why in Why}
        keywords = of_kind[Why.KEYWORD]
        return cls(
            tuple(interests),
            Phrases.of(keywords, background.acronyms.same_as),
            Names.of(of_kind[Why.AUTHOR]),
            Phrases.of(of_kind[Why.ORGANIZATION]),
            tuple((categories.codes(text), text) for text in of_kind[Why.CATEGORY]),
            dict(zip(keywords, _weights(keywords, background), strict=True)),
        )

    def measure(self, batch: Batch) -> Floats:
        """The strength of each interest (row) in each paper (column); 0 where it is not found."""
        at = {interest: row for row, interest in enumerate(self.interests)}
        measured = np.zeros((len(at), len(batch)))
        for place, read in enumerate(batch.readings):
            for interest, strength in self._found(read):
                measured[at[interest], place] = strength
        return measured

    def _found(self, read: Reading) -> Iterable[tuple[Interest, float]]:
        words = self.keywords.found_in((read.body,))
        in_title = self.keywords.found_in((read.title,)) if words else ()
        for word in words:
            yield (Why.KEYWORD, word), self.weights[word] * (_IN_TITLE if word in in_title else 1)
        for name in self.authors.found_in(read.spellings):
            yield (Why.AUTHOR, name), _FOLLOWED
        for name in self.organizations.found_in((read.organization,)):
            yield (Why.ORGANIZATION, name), _FOLLOWED
        for codes, text in self.codes:
            if categories.holds(codes, read.categories):
                yield (Why.CATEGORY, text), _CATEGORY


def spelled(why: Why, text: str) -> str:
    """What all spellings of an interest share: `KV cache` and `KV-cache` are one."""
    parts = name_parts(text) if why is Why.AUTHOR else words(text)
    return "".join(parts) or text


def _weights(keywords: Sequence[str], background: Background) -> list[float]:
    rarities = (background.rarity_of(keyword) for keyword in keywords)
    return [
        float(np.clip(_KEYWORD_PER_NAT * (rarity - _COMMON_NATS), *_KEYWORD)) for rarity in rarities
    ]
