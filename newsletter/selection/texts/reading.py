"""Texts and papers made ready once for looking up what subscribers wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from newsletter.model import Paper
from newsletter.selection.texts import categories
from newsletter.selection.texts.words import closed_words, has_inner_hyphen, plain, words


@dataclass(frozen=True, slots=True)
class Said:
    """What some texts say.

    Attributes:
        words: every word of them, with hyphens as spaces and with hyphens dropped.
        runs: the words in order, each text on a line of its own, between spaces.
        plain: the texts without case and accents.
    """

    words: frozenset[str]
    runs: str
    plain: str

    @classmethod
    def of(cls, texts: Iterable[str]) -> Said:
        given = [text for text in texts if text]
        lines = [words(text) for text in given]
        lines += [closed_words(text) for text in given if has_inner_hyphen(text)]
        return cls(
            frozenset(word for line in lines for word in line),
            "\n".join(f" {' '.join(line)} " for line in lines),
            "\n".join(plain(text) for text in given),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """A paper made ready.

    Attributes:
        body: title, abstract and keywords.
        rest: whatever else may be muted.
        spellings: each author in full and with initials; see `spellings`.
    """

    title: Said
    body: Said
    organization: Said
    rest: Said
    spellings: tuple[str, ...]
    categories: tuple[str, ...]

    @classmethod
    def of(cls, paper: Paper) -> Reading:
        named = (categories.NAMES.get(code, "") for code in paper.categories)
        return cls(
            Said.of([paper.title]),
            Said.of([paper.title, paper.abstract, *paper.keywords]),
            Said.of([paper.organization]),
            Said.of([paper.summary, *paper.authors, *paper.categories, *named]),
            tuple(form for name in paper.authors for form in spellings(name)),
            paper.categories,
        )

    @property
    def everything(self) -> tuple[Said, ...]:
        """All that it holds."""
        return self.body, self.organization, self.rest


def name_parts(name: str) -> list[str]:
    """`Levine, Sergey` and `Sergey Levine` are the same parts."""
    family, comma, given = name.partition(",")
    turned = f"{given} {family}" if comma else name
    return re.findall(r"[^\W_]+", plain(turned))


def spellings(name: str) -> Iterable[str]:
    """The name with each given name in full or as an initial; the family name stays whole."""
    parts = name_parts(name)
    if not parts:
        return ()
    if len(parts) > 5:  # 2**n spellings; nobody follows such a name by an initial in the middle
        return (" ".join(parts),)
    given = [dict.fromkeys((part, part[0])) for part in parts[:-1]]
    return (" ".join((*choice, parts[-1])) for choice in product(*given))
