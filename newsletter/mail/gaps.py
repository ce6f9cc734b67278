"""Octets with gaps, and what fills these for each reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from newsletter.mail.blanks import Values

TOKEN_LIMIT = 75
"""The longest token that fills no more than a line of quoted-printable."""

_SHARED_KEPT = 8_192


class Filler(dict[str | int, bytes]):
    """What becomes of a gap, by the value that goes there: readers share reasons and days.

    Args:
        fill: makes the octets.
        names: of the values it takes.

    Attributes:
        name: of the one value it takes; empty where it takes several, which are not remembered.
    """

    def __init__(self, fill: Callable[[Values], bytes], names: frozenset[str]) -> None:
        super().__init__()
        self.fill = fill
        self.names = names
        self.name = "" if len(names) > 1 else next(iter(names))

    def __missing__(self, value: str | int) -> bytes:
        if len(self) >= _SHARED_KEPT:
            self.clear()
        made = self[value] = self.fill({self.name: value})
        return made


@dataclass(frozen=True, slots=True)
class Sheet:
    """Octets with gaps.

    No line of them begins with a dot, whatever fills the gaps.

    Attributes:
        parts: the octets in their order; for a token its `gap`.
        fillers: what fills the gaps that no token does, each with its place among the parts.
        is_even: in front of any other it is a body as `Body.is_even` means it, as far as that depends
            on what is the same for every reader.
    """

    parts: list[bytes]
    fillers: tuple[tuple[int, Filler], ...]
    is_even: bool

    @property
    def names(self) -> frozenset[str]:
        """Of the values that fill the gaps, tokens that fill one alone aside."""
        return frozenset().union(*(filler.names for _, filler in self.fillers))

    def filled(self, values: Values) -> list[bytes]:
        """All parts but the tokens."""
        parts = self.parts.copy()
        for place, filler in self.fillers:
            name = filler.name
            parts[place] = filler[values[name]] if name else filler.fill(values)
        return parts


def gap(token: str) -> bytes:
    """What stands for a token among parts: no mail holds a NUL."""
    return b"\0" + token.encode()


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything but the papers.

    Attributes:
        sheets: one more than there are loops over the papers.
        loops: which loop stands between two sheets.
    """

    sheets: tuple[Sheet, ...]
    loops: tuple[int, ...]

    @property
    def is_even(self) -> bool:
        """Whether it is a body as `Body.is_even` means it; see `Sheet.is_even`."""
        return all(sheet.is_even for sheet in self.sheets)
