"""Short forms and what they stand for, learned from "retrieval-augmented generation (RAG)"."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from newsletter.model import Paper
from newsletter.selection.texts.words import STOP_WORDS, words

# At least two capitals: (MoE), (LLMs), (T2I), and not (Figure) or (left).
_SHORT = re.compile(r"\(([A-Z][A-Za-z0-9]*[A-Z][A-Za-z0-9]?|[A-Z]{2,}s?)\)")
_LONGEST = 8  # letters of a short form; longer ones are mostly names of methods
_BEFORE = 140  # characters in which the long form must begin
_SENTENCE = re.compile(r"[.;:!?()\[\]]\s|[()]")

# A pair counts from so many papers on, and where nearly all who explain the short form mean it.
# A short form is looked for in place of the long one from more papers on: "tracking any point" is
# rarely called TAP, and "tap" is mostly something else.
_FEWEST_PAPERS, _SHARE = 4, 0.7
_FEWEST_FOR_SHORT = 10

Pair = tuple[
    str, str
]  # short and long form as comparable words: ("rag", "retrieval augmented ...")


@dataclass(frozen=True, slots=True)
class Acronyms:
    """The well supported pairs among some papers.

    Attributes:
        papers: how many papers explain each pair, the doubtful ones too, so that it can grow. A
            paper that came again with another text counts twice until all is measured anew.
        others: for each short or long form that is sure, the forms that mean the same.
    """

    papers: Mapping[Pair, int]
    others: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, papers: Iterable[Paper]) -> Acronyms:
        return cls({}, {}).grown(papers)

    def grown(self, papers: Iterable[Paper]) -> Acronyms:
        """The same with further papers."""
        count = Counter(self.papers)
        for paper in papers:
            count.update({*explained(paper.title), *explained(paper.abstract)})
        return Acronyms(count, _others(count))

    def same_as(self, phrase: str) -> tuple[str, ...]:
        """What means the same as the whole phrase, as comparable words; mostly nothing."""
        return self.others.get(" ".join(words(phrase)), ()) if self.others else ()

    def long_forms(self, phrase: str) -> tuple[str, ...]:
        """Of what means the same the long forms alone, where a stray hit would be unforgivable: who
        mutes "theory of mind" does not mute everybody called Tom.
        """
        return tuple(form for form in self.same_as(phrase) if " " in form)


def explained(text: str) -> Iterator[Pair]:
    """Each short form in brackets whose letters are the initials of the words before it."""
    for found in _SHORT.finditer(text):
        short = words(found[1])
        if len(short) == 1 and len(short[0]) <= _LONGEST:
            before = _SENTENCE.split(text[max(found.start() - _BEFORE, 0) : found.start()])[-1]
            if long := _spelled(short[0], words(before)):
                yield short[0], " ".join(long)


def _spelled(short: str, before: list[str]) -> list[str]:
    """The words at the end that the letters stand for, read from the last to the first.

    Little words may be left out (reinforcement learning *with* verifiable rewards, RLVR); a 2 may
    stand for "to".
    """
    letters, at = list(short), len(before)
    while letters and at:
        at -= 1
        word = before[at]
        if word[0] == letters[-1] or (word == "to" and letters[-1] == "2"):
            letters.pop()
        elif word not in STOP_WORDS or at == len(before) - 1:
            return []
    found = before[at:]
    return found if not letters and len(found) > 1 else []


def _others(papers: Mapping[Pair, int]) -> dict[str, tuple[str, ...]]:
    told: Counter[str] = Counter()
    for (short, _), count in papers.items():
        told[short] += count
    others: dict[str, list[str]] = defaultdict(list)
    for (short, long), count in sorted(papers.items(), key=lambda item: (-item[1], item[0])):
        if count >= _FEWEST_PAPERS and count >= _SHARE * told[short]:
            others[short].append(long)
            if count >= _FEWEST_FOR_SHORT:
                others[long].append(short)
    return {form: tuple(same) for form, same in others.items()}
