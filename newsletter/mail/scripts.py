"""What other scripts ask of a line: its direction, its width, and where it may end without a blank."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

LEFT_TO_RIGHT_MARK = "\u200e"

_TURNED = frozenset(("R", "AL"))
_STRONG = frozenset(("L", *_TURNED))
# Chinese, Japanese and Korean, their full-width signs and emoji: two columns each.
_WIDE = (
    "\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff"
    "\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\U0001f300-\U0001faff\U00020000-\U0003fffd"
)
_OPENING = "（［｛〈《「『【〔〖｢“‘(\\[{‹«"
_CLOSING = "）］｝〉》」』】〕〗｣”’)\\]}›»、。，．：；！？・…‥ーゝゞ々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.:;!?%％"
_JOINED = "\u0300-\u036f\u200c\u200d\u3099\u309a\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"
_HAS_WIDE = re.compile(f"[{_WIDE}]")
_SPOT = re.compile(
    rf"(?:(?<=[{_WIDE}])(?=\S)|(?<=\S)(?=[{_WIDE}]))(?<![{_OPENING}\u200d])(?![{_CLOSING}{_JOINED}])"
)
_NEEDLESS_BLANK = re.compile(rf"(?<=[、。，．：；！？）」』】》]) (?=[{_WIDE}])")  # see `parted`
_PAUSE = re.compile(r"[、。，．：；！？）」』】》](?![、。，．：；！？）」』】》])")


def is_turned(text: str) -> bool:
    """Whether a text runs from right to left: its first letter decides, as with `dir="auto"`."""
    if text.isascii():
        return False
    kinds = map(unicodedata.bidirectional, text)
    return next((kind for kind in kinds if kind in _STRONG), "L") in _TURNED


def apart(text: str) -> str:
    """The text with a mark behind it where it ends from right to left.

    Else it would draw the comma or quotation mark behind it, and the next such text, into its own
    direction: two Arabic topics side by side would change places.
    """
    if text.isascii():
        return text
    kinds = map(unicodedata.bidirectional, reversed(text))
    ends = next((kind for kind in kinds if kind in _STRONG), "L")
    return text + LEFT_TO_RIGHT_MARK if ends in _TURNED else text


def quoted(text: str) -> str:
    """The text in quotation marks, to stand among others."""
    return f"“{text}”" if text.isascii() else apart(f"“{text}”")


def has_wide(text: str) -> bool:
    """Whether a character of it takes two columns."""
    return not text.isascii() and _HAS_WIDE.search(text) is not None


def columns(text: str) -> int:
    """How wide a text is at most where letters have one width, in columns.

    A mark that stands above its letter counts as one, so that no line has more characters either.
    """
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(one) in ("W", "F") for one in text)


def spots(text: str) -> list[int]:
    """Where a line may end without a blank: beside Chinese, Japanese and Korean characters, but not
    before a closing sign or behind an opening one.
    """
    return [found.start() for found in _SPOT.finditer(text)] if has_wide(text) else []


def parted(word: str, most: int) -> Iterator[str]:
    """A word in pieces of at most `most` characters: ended behind a sign that makes a pause where
    there is one, and never before a mark that belongs to the letter in front.
    """
    while len(word) > most:
        pauses = [found.end() for found in _PAUSE.finditer(word[: most + 1])]
        end = max((at for at in pauses if at <= most), default=0) or whole(word, most)
        yield word[:end]
        word = word[end:]
    yield word


def whole(text: str, end: int) -> int:
    """The end itself, or the one before it that parts no letter from its marks."""
    at = end
    while 0 < at < len(text) and _belongs(text[at - 1], text[at]):
        at -= 1
    return at or end


def _belongs(before: str, character: str) -> bool:
    is_mark = unicodedata.category(character)[0] == "M" or character in "\u200c\u200d"
    return is_mark or before == "\u200d" or "\U0001f3fb" <= character <= "\U0001f3ff"


def wrapped(text: str, margin: str, width: int, first: str, *, at_blanks: bool) -> Iterator[str]:
    """The lines of a text with wide characters, none wider than so many columns if it can end."""
    line, room = first, width - columns(first)
    for number, unit in enumerate(_units(text, at_blanks=at_blanks)):
        if number and columns(unit.rstrip(" ")) > room:
            yield line.rstrip(" ")
            line, room = margin, width - columns(margin)
        line += unit
        room -= columns(unit)
    yield line.rstrip(" ")


def _units(text: str, *, at_blanks: bool) -> Iterator[str]:
    """What no line may part, with the blank behind it."""
    if not at_blanks:
        text = _NEEDLESS_BLANK.sub("", text)
    blanks = {found.end() for found in re.finditer(" ", text)}
    ends = sorted(blanks.union(() if at_blanks else spots(text), (len(text),)))
    for start, end in pairwise((0, *ends)):
        yield text[start:end]
