"""What TeX writes with signs and Unicode with characters, where several rooms read it."""

from __future__ import annotations

from functools import cache
from typing import Final

# Letters; unlike other macros they swallow the blank behind them (`S\o rensen`).
LETTERS: Final = (
    *("ss", "ae", "AE", "oe", "OE", "aa", "AA", "o", "O", "l", "L", "i", "j"),
    *("dh", "DH", "th", "TH", "dj", "DJ", "ng", "NG"),
)
# Text accents (`\'e`) and math accents (`\tilde{O}`) as combining characters.
ACCENTS: Final = {
    "'": "\u0301",
    "`": "\u0300",
    '"': "\u0308",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    "c": "\u0327",
    "v": "\u030c",
    "u": "\u0306",
    "H": "\u030b",
    "k": "\u0328",
    "r": "\u030a",
    "d": "\u0323",
    "b": "\u0331",
}


@cache  # a table that never changes; read on first use, because pylatexenc takes 40 ms to import
def signs() -> dict[str, str]:
    """Macro name -> the one character outside of ASCII that it stands for; some 600 of them."""
    from pylatexenc.latex2text import get_default_latex_context_db

    database = get_default_latex_context_db()
    known: dict[str, str] = {}
    for category in database.category_list:
        for name, spec in database.d[category]["macros"].items():
            text = spec.simplify_repl
            if isinstance(text, str) and len(text) == 1 and "\xa0" < text < "\ue000":
                known.setdefault(name, text)
    return known
