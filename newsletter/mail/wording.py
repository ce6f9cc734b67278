"""Makes text from anywhere fit to be read in a mail: cleaned, shortened, enumerated, dated."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from newsletter.mail.scripts import parted, spots, whole

_DANGLING = " \t,;:.!?–—-(/"
_SMALL_WORDS = re.compile(
    r"(?:a|an|and|as|at|by|for|from|in|into|is|its|of|on|or|the|to|via|with)", re.IGNORECASE
)
# Zero-width joiners shape Persian, Indic scripts and family emoji; every other format character
# (direction overrides, zero-width space, soft hyphen, tags) only serves to deceive or to break.
_KEPT_FORMATS = frozenset("\u200c\u200d")
_DROPPED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
_SENTENCE_END = re.compile(r"[.!?؟۔।][)\]”’\"']*(?=\s|$)|[。！？][」』）”’]*")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|al|vs|cf|Fig|Eq|Sec|resp|approx|No|[A-Z])\.)$")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
UNKNOWN = frozenset(("None", "nan", "undefined"))
"""What programs print for what they do not know."""

_UNKNOWN_FIGURE = re.compile(r"(?:None|nan|undefined) (?:upvote|comment|star)s?")
_LONGEST_WORD = 60
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}")
_SCHEME = re.compile(r"https?://(?=\S)", re.IGNORECASE)
_TAG_LIKE = re.compile(r"<(/?[A-Za-z][^<>]{0,60})>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_OPEN_TAG = re.compile(r"<(?=/?[A-Za-z])")
_DOUBLED_BRACE = re.compile(r"(?<=\{)(?=[{%])|(?<=[%}])(?=\})")


def tidy(text: str) -> str:
    """One line of text without characters that steer, hide or break what stands around it.

    Control and format characters go (joiners stay), every run of white space becomes one blank.
    """
    if is_tidy(text):
        return text
    return " ".join(_NOT_PLAIN.sub(lambda found: _tidy_character(found[0]), text).split())


def is_tidy(text: str) -> bool:
    """Whether it is sure at a glance that words stand one blank apart and nothing hides between."""
    if not text.isprintable() or "  " in text or "\ufffd" in text:
        return False
    return text[:1] != " " and text[-1:] != " "


def _tidy_character(character: str) -> str:
    if character.isspace():
        return " "
    if character in _KEPT_FORMATS:
        return character
    # U+FFFD marks a character that was already lost on the way to us
    dropped = unicodedata.category(character) in _DROPPED or character == "\ufffd"
    return "" if dropped else character


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters of a text, cut where it reads naturally.

    A sentence end in the last 40 % of the limit wins; otherwise the last whole word and "…".
    """
    if limit <= 0:
        return ""
    if len(text) <= limit:
        return text
    end = _last_sentence_end(text[: limit + 1], limit * 6 // 10)
    return text[:end] if end else _cut_at_word(text, limit)


def _last_sentence_end(window: str, least: int) -> int:
    """Where the last sentence of the window ends, or 0 when none ends at or after `least`."""
    ends = [
        match.end()
        for match in _SENTENCE_END.finditer(window)
        if least <= match.end() < len(window)
        and not _ABBREVIATION.search(window[: match.start() + 1])
    ]
    return ends[-1] if ends else 0


def _cut_at_word(text: str, limit: int) -> str:
    head = text[: max(limit - 1, 0)]
    if not text[len(head) : len(head) + 1].isspace():
        # Chinese and Japanese words stand side by side: a blank may be a whole sentence away.
        word_end = max(head.rfind(" "), *spots(text[: len(head) + 1]), -1)
        head = head[: word_end if word_end > 0 else whole(text, len(head))]
    return head.rstrip(_DANGLING + "\u200c\u200d") + "…"


def readable(text: str) -> str:
    """Data as the HTML part shows it, escaped by the template; `<think>` stays `<think>`.

    On top of `tidy`: entity leftovers are resolved; URLs in prose lose their scheme (only our own
    links may be clickable, and a text URL must stand on a line of its own); doubled braces are
    parted, because relays treat them as their template marks; endless words get breaks. And
    nothing is left of a text that is a program's word for what it does not know.
    """
    clean = tidy(text)
    # most texts are plain already, and looking for a character is cheaper than substituting it
    while ("&" in clean or "://" in clean) and (bare := _bared(clean)) != clean:
        clean = bare
    if "{" in clean or "}" in clean:
        clean = _DOUBLED_BRACE.sub(" ", clean)
    if clean in UNKNOWN or _UNKNOWN_FIGURE.fullmatch(clean):
        return ""
    return _LONG_WORD.sub(_in_pieces, clean) if _has_long_word(clean) else clean


def _bared(text: str) -> str:
    """Once over; what is taken out can leave another entity or URL behind: `&l&#8238;t;`."""
    if "&" in text:
        text = tidy(_without_entities(text))
    return _SCHEME.sub("", text) if "://" in text else text


def _in_pieces(found: re.Match[str]) -> str:
    return " ".join(parted(found[0], _LONGEST_WORD))


def _has_long_word(text: str) -> bool:
    at = 0
    while len(text) - at > _LONGEST_WORD:
        at = text.rfind(" ", at, at + _LONGEST_WORD + 1) + 1
        if not at:
            return True
    return False


def untagged(text: str) -> str:
    """`<think>` as ‹think›, because a text part with tags is taken for broken HTML."""
    return _OPEN_TAG.sub("< ", _TAG_LIKE.sub(r"‹\1›", text)) if "<" in text else text


@lru_cache(maxsize=4_096)
def plain(text: str) -> str:
    """Data that must read the same in both parts, such as a title."""
    return untagged(readable(text))


def _without_entities(text: str) -> str:
    """Resolved until none is left, for `&amp;lt;` was escaped twice; each pass shortens the text."""
    resolved = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    while resolved != text:
        text, resolved = resolved, _ENTITY.sub(lambda found: html.unescape(found[0]), resolved)
    return text


@lru_cache(maxsize=8_192)  # a day's titles are cut at few places, for every reader
def headline_cut(title: str, limit: int) -> str:
    """A title cut at a word, without a preposition or a colon left hanging before the ellipsis."""
    if len(title) <= limit:
        return title
    words = _cut_at_word(title, limit).removesuffix("…").split(" ")
    while len(words) > 1 and _SMALL_WORDS.fullmatch(words[-1]):
        words.pop()
    return " ".join(words).rstrip(_DANGLING) + "…"


def enumerate_names(names: Sequence[str], total: int) -> str:
    """`A, B and C`; when `total` is larger than what is named: `A, B, C and 12 more`."""
    if total > len(names):
        return ", ".join(names) + f" and {total - len(names):,} more"
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + f" and {names[-1]}"


def long_date(day: date) -> str:
    """`Friday, 16 January 2026`, whatever the locale of the machine."""
    return f"{WEEKDAYS[day.weekday()]}, {short_date(day)}"


def short_date(day: date) -> str:
    """`16 January 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def edition_name(edition: str) -> str:
    """The day of an edition in words; an edition that is no day stays as it is."""
    try:
        return long_date(date.fromisoformat(edition))
    except ValueError:
        return tidy(edition)
