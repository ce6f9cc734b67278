"""Text as comparable words: case, accents, plurals and hyphens folded the same way on every side."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:\+\+|#)?")
_INNER_HYPHEN = re.compile(r"(?<=[^\W_])[-‐‑](?=[^\W_])")

_KEEPS_ITS_E = ("caches", "niches", "movies", "cookies")

_SAYS_LITTLE = """
a about above after again against all also am an and any are as at be because been before
being below between both but by can could did do does doing down during each few for from
further had has have having he her here hers him his how i if in into is it its itself just
may me more most my no nor not now of off on once only or other our ours out over own s same
she should so some such t than that the their theirs them then there these they this those
through thus to too under until up upon us very via was we were what when where which while
who whom why will with within without would you your yours
"""


def plain(text: str) -> str:
    """The text without case, accents and compatibility forms (a ligature, a full-width digit)."""
    if text.isascii():
        return text.lower()
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in spread if not unicodedata.combining(c))


def singular(word: str) -> str:
    """The word without an English plural ending. Applied to both sides, so it need not be a word."""
    if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return word
    if word.endswith(_KEEPS_ITS_E):
        return word[:-1]
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]


def words(text: str) -> list[str]:
    """Every word in order, hyphens taken as spaces: `KV-caches` gives `kv`, `cache`."""
    return [singular(word) for word in _WORD.findall(plain(text))]


def closed_words(text: str) -> list[str]:
    """Every word in order, hyphens dropped: `pre-training` gives `pretraining`."""
    return [singular(word) for word in _WORD.findall(_INNER_HYPHEN.sub("", plain(text)))]


def has_inner_hyphen(text: str) -> bool:
    return _INNER_HYPHEN.search(text) is not None


STOP_WORDS = frozenset(singular(word) for word in _SAYS_LITTLE.split())


def content_words(text: str) -> list[str]:
    """Every word in order, without stop words and single characters."""
    return [word for word in words(text) if len(word) > 1 and word not in STOP_WORDS]
