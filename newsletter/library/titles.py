r"""Titles as reference managers write them (LaTeX, braces, HTML) -> one line of plain text."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

from newsletter.membership import one_line
from newsletter.tex import ACCENTS, LETTERS, signs

LONGEST_TITLE: Final = 300
_LONGEST_RAW: Final = 1000  # what is behind is not looked at, so that no title can take long

# Switches without an argument in braces; with one, every unknown command is taken off.
_SWITCHES: Final = frozenset(
    (
        *("bf", "it", "em", "sc", "tt", "rm", "sl", "sf", "bfseries", "itshape", "scshape"),
        *("left", "right", "big", "Big", "displaystyle", "textstyle"),
        *("mathbf", "mathrm", "mathit", "mathsf", "mathtt", "mathcal", "mathbb", "mathfrak"),
        *("boldsymbol", "bm", "operatorname", "textbf", "textit", "texttt", "textsc", "textrm"),
        *("text", "emph", "xspace", "protect", "noopsort", "ensuremath"),
    )
)
_OWN: Final = {"cdots": "…", "dots": "…", "ldots": "…", "sim": "~", "textasciitilde": "~"}

_ACCENT: Final = re.compile(
    r"\\(?:(['\"`^~=.])[ \t]?|([cvuHkrdb])(?:[ \t]|(?=\{)))"
    r"(?:\{[ \t]?\\?([A-Za-z])[ \t]?\}|\\?([A-Za-z]))"
)
_TOKEN: Final = re.compile(
    r"\\([A-Za-z]+)\*?([ \t]?)(\{(?!\}))?|\\(.)|---?|``|''|[{}$~]", re.DOTALL
)
_SIGNS: Final = {"--": "–", "---": "—", "``": "“", "''": "”", "~": " "}
_SPACES: Final = frozenset("\\,;: >\n\t")
_NOTHING: Final = frozenset("-/!()[]")
_MARKUP: Final = re.compile(
    r"</?(?:i|b|u|em|strong|sub|sup|span|sc|scp|bold|italic|inline-formula)(?:\s[^<>]{0,200})?/?>",
    re.IGNORECASE,
)


def from_latex(raw: str) -> str:
    r"""A BibTeX value as plain text: accents and signs resolved, braces and other commands gone.

    Not by pylatexenc's parser: on broken input it raises KeyError, IndexError and TypeError, and it
    writes warnings. Its table of signs is used.
    """
    text = raw[:_LONGEST_RAW]
    if "\\" in text:
        text = _ACCENT.sub(_accented, text)
    return from_markup(_TOKEN.sub(_plain, text))


def from_markup(raw: str) -> str:
    """A title with the little HTML that Zotero and publishers write, as plain text."""
    text = raw[:_LONGEST_RAW]
    if "<" in text:
        text = _MARKUP.sub("", text)
    if "&" in text:
        text = _MARKUP.sub("", html.unescape(text))
    return one_line(text)[:LONGEST_TITLE].rstrip()


def plain_title(raw: str) -> str:
    r"""A title of any other kind of file: LaTeX only where a backslash or two dollars show it."""
    head = raw[:_LONGEST_RAW]
    return from_latex(head) if "\\" in head or head.count("$") > 1 else from_markup(head)


def _accented(match: re.Match[str]) -> str:
    sign, letter = match[1] or match[2], match[3] or match[4]
    composed = unicodedata.normalize("NFC", letter + ACCENTS[sign])
    return composed if len(composed) == 1 else letter


def _plain(match: re.Match[str]) -> str:
    name, space, brace, escaped = match.groups()
    if name:
        return _named(name, space, brace)
    if escaped:
        return " " if escaped in _SPACES else "" if escaped in _NOTHING else escaped
    return _SIGNS.get(match[0], "")


def _named(name: str, space: str, brace: str | None) -> str:
    sign = _OWN.get(name) or signs().get(name, "")
    if sign:
        return sign if name in LETTERS else sign + space
    return "" if brace or name in _SWITCHES else name + space
