"""Octets with gaps, and what fills these for each reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from newsletter.mail.blanks.values import Token, Values

TOKEN_LIMIT = 75
"""The longest token that fills no more than a line of quoted-printable."""

_SHARED_KEPT = 8_192
_SHARED = frozenset(("rank", "since", "subject", "why"))  # all else is hardly met again


Octets = dict[str, bytes]
"""What stands in gaps, each by its name: that of a token, or that of a filler's gap."""


@dataclass(frozen=True, slots=True, eq=False)
class Filler:
    """What becomes of a gap.

    Attributes:
        gap: its name, which no other filler has.
        fill: makes the octets.
        names: of the values it takes.
    """

    gap: str
    fill: Callable[[Values], bytes]
    names: frozenset[str]


class Shared:
    """What becomes of gaps that take the same single value: readers share it.

    Attributes:
        name: of the value.
        known: what stands in all of them, by the value.
    """

    __slots__ = ("_fillers", "known", "name")

    def __init__(self, name: str, fillers: Sequence[Filler]) -> None:
        self.name = name
        self.known: dict[str | int, Octets] = {}
        self._fillers = fillers

    def learn(self, value: str | int) -> Octets:
        """What stands there, made anew and kept."""
        if len(self.known) >= _SHARED_KEPT:
            self.known.clear()
        values = {self.name: value}
        made = {filler.gap: filler.fill(values) for filler in self._fillers}
        self.known[value] = made
        return made


class Fillers(NamedTuple):
    """Those of some sheets, each once: of values that readers share, and of all others."""

    shared: tuple[Shared, ...]
    others: tuple[Filler, ...]

    @classmethod
    def of(
        cls, sheets: Iterable[Sheet], shared: Callable[[str, tuple[Filler, ...]], Shared]
    ) -> Fillers:
        """The fillers of sheets; `shared` answers the same for the same fillers of a value."""
        every = dict.fromkeys(filler for sheet in sheets for filler in sheet.fillers)
        alike = {
            name: tuple(filler for filler in every if filler.names == {name}) for name in _SHARED
        }
        others = tuple(filler for filler in every if not _is_shared(filler))
        return cls(tuple(shared(name, some) for name, some in alike.items() if some), others)

    def fill(self, values: Values, octets: Octets) -> None:
        """Adds what stands in their gaps."""
        for shared in self.shared:
            value = values[shared.name]
            octets.update(shared.known.get(value) or shared.learn(value))
        for filler in self.others:
            octets[filler.gap] = filler.fill(values)


def _is_shared(filler: Filler) -> bool:
    return len(filler.names) == 1 and filler.names <= _SHARED


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
