"""Octets with gaps, and what fills these for each reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter

from newsletter.mail.blanks import Token, Values

TOKEN_LIMIT = 75
"""The longest token that fills no more than a line of quoted-printable."""

_SHARED_KEPT = 8_192


Octets = dict[str, bytes]
"""What stands in gaps, each by its name: that of a token, or that of a filler's gap."""


class Filler(dict[str | int, bytes]):
    """What becomes of a gap, by the value that goes there: readers share reasons and days.

    Args:
        gap: its name, which no other filler has.
        fill: makes the octets.
        names: of the values it takes.

    Attributes:
        name: of the one value it takes; empty where it takes several, which are not remembered.
    """

    def __init__(self, gap: str, fill: Callable[[Values], bytes], names: frozenset[str]) -> None:
        super().__init__()
        self.gap = gap
        self.fill = fill
        self.name = "" if len(names) > 1 else next(iter(names))

    def __missing__(self, value: str | int) -> bytes:
        if len(self) >= _SHARED_KEPT:
            self.clear()
        made = self[value] = self.fill({self.name: value})
        return made


def fill(fillers: Iterable[Filler], values: Values, octets: Octets) -> None:
    """Adds what stands in their gaps."""
    for filler in fillers:
        name = filler.name
        octets[filler.gap] = filler[values[name]] if name else filler.fill(values)


class Sheet:
    """Octets with gaps.

    No line of them begins with a dot, whatever fills the gaps.

    Args:
        parts: fixed octets, tokens, and fillers, in their order.

    Attributes:
        form: the octets, `%b` for each gap.
        gaps: finds what stands there, in their order.
        fillers: of the gaps that no token fills alone, each once.
        is_even: in front of any other it is a body as `Body.is_even` means it, as far as that depends
            on what is the same for every reader.
    """

    __slots__ = ("fillers", "form", "gaps", "is_even")

    def __init__(self, parts: Iterable[bytes | Token | Filler], *, is_even: bool) -> None:
        form: list[bytes] = []
        fillers: dict[str, Filler] = {}
        gaps: list[str] = []
        for part in parts:
            if isinstance(part, bytes):
                form.append(part.replace(b"%", b"%%"))
                continue
            form.append(b"%b")
            if isinstance(part, Token):
                gaps.append(part.name)
            else:
                gaps.append(part.gap)
                fillers[part.gap] = part
        self.form = b"".join(form)
        self.gaps: Callable[[Octets], object] = itemgetter(*gaps) if gaps else _none
        self.fillers = tuple(fillers.values())
        self.is_even = is_even

    def filled(self, octets: Octets) -> bytes:
        """All of it."""
        return self.form % self.gaps(octets)


def _none(_octets: Octets) -> tuple[()]:
    return ()


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything but the papers.

    Attributes:
        sheets: one more than there are loops over the papers.
        loops: which loop stands between two sheets.
    """

    sheets: tuple[Sheet, ...]
    loops: tuple[int, ...]
