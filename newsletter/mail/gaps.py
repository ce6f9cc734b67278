"""Octets with gaps, and what fills these for each reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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


Gap = tuple[Filler | None, str]
"""What fills a gap; nothing for one that the token of that name fills alone."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Octets with gaps.

    No line of them begins with a dot, whatever fills the gaps.

    Attributes:
        form: the octets, `%b` for each gap.
        gaps: what fills them, in their order.
        is_even: in front of any other it is a body as `Body.is_even` means it, as far as that depends
            on what is the same for every reader.
    """

    form: bytes
    gaps: tuple[Gap, ...]
    is_even: bool

    @classmethod
    def of(cls, parts: Iterable[bytes | Gap], *, is_even: bool) -> Sheet:
        """From octets and gaps in their order."""
        kept = list(parts)
        form = b"".join(
            part.replace(b"%", b"%%") if isinstance(part, bytes) else b"%b" for part in kept
        )
        return cls(form, tuple(part for part in kept if not isinstance(part, bytes)), is_even)

    def filled(self, values: Values, tokens: Mapping[str, bytes]) -> bytes:
        """All of it, with the octets of the tokens."""
        found = [
            tokens[name]
            if filler is None
            else filler[values[name]]
            if name
            else filler.fill(values)
            for filler, name in self.gaps
        ]
        return self.form % tuple(found)


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
