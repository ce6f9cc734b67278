"""What TeX writes with signs and Unicode with characters, where several rooms read it."""

from __future__ import annotations

from typing import Final

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
