"""What a subscriber wrote, found literally in a paper: phrases, people, organisations, categories."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from newsletter.model import Paper
from newsletter.selection.texts import categories
from newsletter.selection.texts.reading import Reading, Said, name_parts, spellings
from newsletter.selection.texts.words import closed_words, plain, words

# Scripts written without spaces (Thai, Lao, kana, Han, Hangul): there a phrase has no word borders.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


Same = Callable[[str], tuple[str, ...]]  # what else means the same as a phrase


def _nothing(_phrase: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases of a subscriber, ready to be looked for in many papers at once.

    Case, accents, plurals and hyphens do not matter; word borders do. A phrase without letters and
    digits (an emoji) or in a script without spaces is looked for as it stands. The cost of a search
    grows with the words that begin a phrase and occur, not with the number of phrases.

    Attributes:
        order: each phrase with its place.
        by_first: by first word, the forms to look for and their phrases.
        firsts: those words.
        loose: what is looked for as it stands.
    """

    order: Mapping[str, int]
    by_first: Mapping[str, tuple[tuple[str, str], ...]]
    firsts: frozenset[str]
    loose: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, phrases: Iterable[str], same: Same = _nothing) -> Phrases:
        """With `same` a phrase is also found by what means the same (`Acronyms.same_as`)."""
        order = {phrase: place for place, phrase in enumerate(dict.fromkeys(phrases))}
        by_first: dict[str, list[tuple[str, str]]] = defaultdict(list)
        loose: list[tuple[str, str]] = []
        for phrase in order:
            forms = _forms(phrase)
            also = (_forms(other) for other in same(phrase))
            for form in sorted(forms.union(*also)):
                by_first[form.partition(" ")[0]].append((f" {form} ", phrase))
            if not forms and phrase.strip():
                loose.append((plain(phrase.strip()), phrase))
        listed = {first: tuple(forms) for first, forms in by_first.items()}
        return cls(order, listed, frozenset(listed), tuple(loose))

    def found(self, texts: Iterable[str]) -> tuple[str, ...]:
        """The phrases that occur in any of the texts, in the order the subscriber gave them."""
        return self.found_in((Said.of(texts),)) if self.order else ()

    def found_in(self, said: Iterable[Said]) -> tuple[str, ...]:
        """The same for texts made ready before."""
        hits = {phrase for one in said for phrase in self._hits(one)}
        return tuple(sorted(hits, key=self.order.__getitem__))

    def _hits(self, said: Said) -> Iterable[str]:
        yield from (phrase for needle, phrase in self.loose if needle in said.plain)
        for first in self.firsts & said.words:
            yield from (phrase for form, phrase in self.by_first[first] if form in said.runs)


def _forms(phrase: str) -> set[str]:
    """`KV-cache` is looked for as `kv cache` and `kvcache`; nothing for a phrase to take as is."""
    said = words(phrase)
    if not said or _UNSPACED.search(phrase):
        return set()
    return {" ".join(said), "".join(said), " ".join(closed_words(phrase))}


@dataclass(frozen=True, slots=True)
class Names:
    """People to look for. A name matches in full; where the subscriber wrote an initial, by initial.

    "S. Levine" finds Sergey Levine, but "Sergey Levine" does not find S. Levine: that may be
    somebody else.
    """

    known: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, names: Iterable[str]) -> Names:
        known: dict[str, list[str]] = defaultdict(list)
        for name in names:
            if spelled := " ".join(name_parts(name)):
                known[spelled].append(name)
        return cls(known)

    def found(self, people: Iterable[str]) -> tuple[str, ...]:
        """The subscriber's spellings of those who are among the people."""
        return self.found_in(form for person in people for form in spellings(person))

    def found_in(self, spelled: Iterable[str]) -> tuple[str, ...]:
        """The same for people whose spellings were made ready before."""
        if not self.known:
            return ()
        found = (name for form in spelled for name in self.known.get(form, ()))
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Mutes:
    """What must never appear, in whatever field of a paper it stands."""

    phrases: Phrases
    names: Names
    categories: tuple[tuple[frozenset[str], str], ...]

    @classmethod
    def of(cls, muted: Collection[str], same: Same = _nothing) -> Mutes:
        """With `same` (`Acronyms.long_forms`) a muted short form mutes the long one too."""
        coded = tuple((codes, text) for text in muted if (codes := categories.codes(text)))
        return cls(Phrases.of(muted, same), Names.of(muted), coded)

    def first(self, paper: Paper) -> str:
        """The first muted word that this paper holds; empty if it holds none."""
        return next(iter(self.all_in(Reading.of(paper))), "") if self.phrases.order else ""

    def all_in(self, reading: Reading) -> tuple[str, ...]:
        """Every muted word that a paper holds, in the order the subscriber gave them."""
        coded = [
            text for codes, text in self.categories if categories.holds(codes, reading.categories)
        ]
        said = self.phrases.found_in(reading.everything)
        named = self.names.found_in(reading.spellings)
        return tuple(sorted({*coded, *said, *named}, key=self.phrases.order.__getitem__))
