"""What a subscriber wrote, found literally in a paper: phrases, people, organisations, categories."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from newsletter.model import Paper
from newsletter.selection import categories
from newsletter.selection.words import closed_words, has_inner_hyphen, plain, runs, words

_LONGEST_RUN = 8  # words; longer phrases are rare and searched for one by one
# Scripts written without spaces (Thai, Lao, kana, Han, Hangul): there a phrase has no word borders.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases of a subscriber, ready to be looked for in many papers at once.

    Case, accents, plurals and hyphens do not matter; word borders do. A phrase without letters and
    digits (an emoji) or in a script without spaces is looked for as it stands. The cost of a search
    grows with the text, not with the number of phrases.
    """

    order: Mapping[str, int]
    forms: Mapping[str, str]
    lengths: tuple[int, ...]
    loose: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, phrases: Iterable[str]) -> Phrases:
        order = {phrase: place for place, phrase in enumerate(dict.fromkeys(phrases))}
        forms: dict[str, str] = {}
        loose: list[tuple[str, str]] = []
        for phrase in order:
            spellings = _spellings(phrase)
            if spellings:
                forms.update({form: phrase for form in spellings if form not in forms})
            elif phrase.strip():
                loose.append((plain(phrase.strip()), phrase))
        lengths = sorted({form.count(" ") + 1 for form in forms})
        return cls(order, forms, tuple(lengths), tuple(loose))

    def found(self, texts: Iterable[str]) -> tuple[str, ...]:
        """The phrases that occur in any of the texts, in the order the subscriber gave them."""
        hits: set[str] = set()
        for text in texts:
            hits.update(self._found_in(text))
        return tuple(sorted(hits, key=self.order.__getitem__))

    def _found_in(self, text: str) -> set[str]:
        hits = {phrase for needle, phrase in self.loose if needle in plain(text)}
        if self.forms:
            hits.update(self._forms_in(words(text)))
            if has_inner_hyphen(text):
                hits.update(self._forms_in(closed_words(text)))
        return hits

    def _forms_in(self, said: list[str]) -> Iterable[str]:
        return (self.forms[run] for run in runs(said, self.lengths) if run in self.forms)


def _spellings(phrase: str) -> set[str]:
    """`KV-cache` is looked for as `kv cache` and `kvcache`; nothing for a phrase to take as is."""
    said = words(phrase)
    if not said or len(said) > _LONGEST_RUN or _UNSPACED.search(phrase):
        return set()
    return {" ".join(said), "".join(said), " ".join(closed_words(phrase))}


@dataclass(frozen=True, slots=True)
class Names:
    """People to look for. A name matches in full; where the subscriber wrote an initial, by initial.

    "S. Levine" finds Sergey Levine, but "Sergey Levine" does not find S. Levine: that may be
    somebody else.
    """

    known: Mapping[str, str]

    @classmethod
    def of(cls, names: Iterable[str]) -> Names:
        known: dict[str, str] = {}
        for name in names:
            spelled = " ".join(_name_parts(name))
            if spelled:
                known.setdefault(spelled, name)
        return cls(known)

    def found(self, people: Iterable[str]) -> tuple[str, ...]:
        """The subscriber's spellings of those who are among the people."""
        if not self.known:
            return ()
        spelled = (form for person in people for form in _abbreviations(_name_parts(person)))
        return tuple(dict.fromkeys(self.known[form] for form in spelled if form in self.known))


def _name_parts(name: str) -> list[str]:
    """`Levine, Sergey` and `Sergey Levine` are the same parts."""
    family, comma, given = name.partition(",")
    turned = f"{given} {family}" if comma else name
    return re.findall(r"[^\W_]+", plain(turned))


def _abbreviations(parts: list[str]) -> Iterable[str]:
    """The name with each given name in full or as an initial; the family name stays whole."""
    if not parts:
        return ()
    if len(parts) > 5:  # 2**n spellings; nobody follows such a name by an initial in the middle
        return (" ".join(parts),)
    given = [dict.fromkeys((part, part[0])) for part in parts[:-1]]
    return (" ".join((*choice, parts[-1])) for choice in product(*given))


@dataclass(frozen=True, slots=True)
class Mutes:
    """What must never appear, in whatever field of a paper it stands."""

    phrases: Phrases
    names: Names
    categories: tuple[tuple[frozenset[str], str], ...]

    @classmethod
    def of(cls, muted: Collection[str]) -> Mutes:
        coded = tuple((codes, text) for text in muted if (codes := categories.codes(text)))
        return cls(Phrases.of(muted), Names.of(muted), coded)

    def first(self, paper: Paper) -> str:
        """The muted word that this paper holds; empty if it holds none."""
        for codes, text in self.categories:
            if categories.holds(codes, paper.categories):
                return text
        hits = self.phrases.found(_all_texts(paper)) or self.names.found(paper.authors)
        return hits[0] if hits else ""


def _all_texts(paper: Paper) -> tuple[str, ...]:
    named = tuple(categories.NAMES.get(code, "") for code in paper.categories)
    prose = (paper.title, paper.abstract, paper.summary, paper.organization)
    return (*prose, *paper.keywords, *paper.authors, *paper.categories, *named)
