"""Recorded templates as octets: encoded once, but for the gaps that are filled in for each reader."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import cast

from newsletter.mail.blanks.gaps import TOKEN_LIMIT, Filler, Frame, Sheet
from newsletter.mail.blanks.stencils import CardTemplate, Stencils
from newsletter.mail.blanks.values import (
    Blanks,
    Cards,
    PeekError,
    Printed,
    Settled,
    Token,
    Values,
    filling,
    has_marks,
    names,
)
from newsletter.mail.octets import (
    BLANK_ROOM,
    EDGE_ROOM,
    INDENTED,
    REFERENCE,
    ROOM,
    UNINDENTED,
    quoted_printable,
    spread_page,
    width,
)
from newsletter.mail.wording import is_tidy

Line = tuple[str | Token | Printed, ...]
Part = bytes | Token | Filler
Item = Part | Cards

_FILLERS_KEPT = 256


class Sheets(ABC):
    """Records one template, part by part. Not safe to use from several threads."""

    def __init__(self, stencils: Stencils) -> None:
        self._stencils = stencils
        self._fillers = 0  # made so far
        self._filler = lru_cache(maxsize=_FILLERS_KEPT)(self._new_filler)

    def frame(self, mail: Callable[[Blanks], object]) -> Frame:
        """The frame of the mail that `mail` makes with blanks.

        Raises:
            PeekError: it must be rendered for each reader.
        """
        blanks = self._blanks()
        text = self._stencils.frame.render(mail=mail(blanks))
        sheets: list[Sheet] = []
        loops: list[int] = []
        items: list[Item] = []
        for item in self._frame_items(text, blanks):
            if isinstance(item, Cards):
                sheets.append(self._sheet(items))
                loops.append(item.loop)
                items = []
            else:
                items.append(item)
        return Frame((*sheets, self._sheet(items)), tuple(loops))

    def cards(self, card: Callable[[Blanks], object]) -> tuple[Sheet, ...]:
        """What each loop over the papers makes of the one that `card` makes with blanks.

        Raises:
            PeekError: it must be rendered for each reader.
        """
        return tuple(self._card(one, card) for one in self._stencils.cards)

    def _card(self, one: CardTemplate, card: Callable[[Blanks], object]) -> Sheet:
        blanks = self._blanks()
        text = one.template.render({one.name: card(blanks)})
        return self._sheet(self._card_items(text, blanks))

    def _blanks(self) -> Blanks:
        self._stencils.blanks.forget()
        return self._stencils.blanks

    def _sheet(self, items: Iterable[Item]) -> Sheet:
        parts: list[Part] = []
        for is_fixed, group in groupby(items, key=lambda item: isinstance(item, bytes)):
            if is_fixed:
                parts.append(_fixed(cast("Iterable[bytes]", group), is_first=not parts))
            else:
                parts += map(_gap, cast("Iterable[Token | Filler | Cards]", group))
        return Sheet(parts, is_even=self._are_even(parts))

    @abstractmethod
    def _are_even(self, parts: Sequence[Part]) -> bool:
        """Whether all parts that are the same for every reader are as `Body.is_even` means it."""

    @abstractmethod
    def _frame_items(self, text: str, blanks: Blanks) -> Iterator[Item]: ...

    @abstractmethod
    def _card_items(self, text: str, blanks: Blanks) -> Iterator[Item]: ...

    def _named(self, line: Line, fill: Callable[[Values], bytes]) -> Filler:
        self._fillers += 1
        gap = f"{type(self).__name__} {self._fillers}"
        return Filler(gap, fill, frozenset().union(*map(names, line)))

    @abstractmethod
    def _new_filler(self, line: Line, *, within_tag: bool = False) -> Filler: ...


class HtmlSheets(Sheets):
    """Seven bit HTML: characters beyond ASCII are references, and lines stay short."""

    def _frame_items(self, text: str, blanks: Blanks) -> Iterator[Item]:
        page = text.strip()
        # What stands at an edge might have to be stripped as well.
        if page[:1] + page[-1:] and not (page[:1] + page[-1:]).isascii():
            raise PeekError
        return self._items(_spread(page + "\n"), blanks)

    def _card_items(self, text: str, blanks: Blanks) -> Iterator[Item]:
        if not text:
            return iter(())
        # Begun as if a line were full, so that two papers never share one that is too long.
        page = _spread(text, column=ROOM)
        if page.endswith(" "):
            page = page[:-1] + "\n"  # the next one may begin with a line end
        _demand_short_edges(page)
        return self._items(page, blanks)

    def _items(self, page: str, blanks: Blanks) -> Iterator[Item]:
        before = ""
        for part in blanks.parts(REFERENCE.sub(lambda found: chr(int(found[1])), page)):
            if isinstance(part, str):
                before += part
                yield part.replace("\n", "\r\n").encode("ascii")
                continue
            if before.rfind("<style") > before.rfind("</style"):
                raise PeekError
            within_tag = before.rfind("<") > before.rfind(">")
            if isinstance(part, Printed):
                yield self._filler((part,), within_tag=within_tag)
                continue
            if within_tag and isinstance(part, Cards):
                raise PeekError
            yield part

    def _are_even(self, parts: Sequence[Part]) -> bool:
        fixed = [part for part in parts if isinstance(part, bytes)]
        ends_bare = bool(parts) and isinstance(parts[-1], bytes) and parts[-1].endswith(b" ")
        return not (ends_bare or any(map(_is_uneven, fixed)))

    def _new_filler(self, line: Line, *, within_tag: bool = False) -> Filler:
        (node,) = line
        if isinstance(node, str):
            raise PeekError

        make = filling(line)

        def fill(values: Values) -> bytes:
            text = make(values)
            octets = text.encode("ascii", "xmlcharrefreplace")
            # Only a rare value is long, empty or begins with a dot.
            if 0 < len(octets) <= BLANK_ROOM and text[0] != "." and is_tidy(text):
                return octets
            return _spread_value(octets, within_tag=within_tag)

        return self._named(line, fill)


class TextSheets(Sheets):
    """Quoted-printable text, line by line; a line with a gap is encoded when it is filled in.

    Attributes:
        has_even_gaps: nothing that ever filled one spoils what `Body.is_even` says.
    """

    def __init__(self, stencils: Stencils) -> None:
        super().__init__(stencils)
        self.has_even_gaps = True

    def _frame_items(self, text: str, blanks: Blanks) -> Iterator[Item]:
        last = blanks.parts(text[-1:])
        ended = last == ["\n"] or (last and isinstance(last[0], Cards))
        return self._items(text if ended else text + "\n", blanks)

    def _card_items(self, text: str, blanks: Blanks) -> Iterator[Item]:
        if text and not text.endswith("\n"):
            raise PeekError
        return self._items(text, blanks)

    def _items(self, text: str, blanks: Blanks) -> Iterator[Item]:
        for ready, lines in groupby(text.splitlines(keepends=True), key=lambda x: not has_marks(x)):
            if ready:
                yield quoted_printable("".join(lines))
                continue
            for line in lines:
                yield from self._line(blanks.parts(line))

    def _are_even(self, parts: Sequence[Part]) -> bool:
        # Gaps are whole lines, but for those of tokens, which stand between soft breaks.
        return all(
            _is_even_text(part, begins_line=_ends_line(last))
            for last, part in zip((b"\n", *parts), parts, strict=False)
            if isinstance(part, bytes)
        )

    def _line(self, parts: list[Settled]) -> Iterator[Item]:
        while parts and isinstance(first := parts[0], Cards):
            yield first
            del parts[0]
        line = tuple(part for part in parts if not isinstance(part, Cards))
        if len(line) < len(parts):
            raise PeekError  # papers would begin in the middle of a line
        ready = [part for part in line if not isinstance(part, Printed)]
        if len(ready) < len(line):
            yield self._filler(line)
        elif ready:
            yield from _link_line(ready)

    def _new_filler(self, line: Line, *, within_tag: bool = False) -> Filler:
        del within_tag

        make = filling(line)

        def fill(values: Values) -> bytes:
            made = quoted_printable(make(values))
            if not _is_even_text(made, begins_line=True):
                self.has_even_gaps = False
            return made

        return self._named(line, fill)


def _gap(item: Token | Filler | Cards) -> Token | Filler:
    if isinstance(item, Cards):
        raise PeekError  # papers within a paper
    return item


def _ends_line(part: Part) -> bool:
    """Whether what follows begins a line."""
    if isinstance(part, bytes):
        return not part or part.endswith(b"\n")
    return isinstance(part, Filler)


def _is_even_text(octets: bytes, *, begins_line: bool) -> bool:
    """Whether blanks stand alone, none at the end of a line, but for four that indent one."""
    if not _is_uneven(octets):
        return True
    indented = b"\r\n" + octets if begins_line else octets
    return not _is_uneven(indented.replace(INDENTED, UNINDENTED))


def _is_uneven(octets: bytes) -> bool:
    # Before `in` looks for octets it finds out, by an error, that they are no number: 0.3 us.
    return max(octets.find(b"  "), octets.find(b"\t"), octets.find(b" \r")) >= 0


def _fixed(items: Iterable[bytes], *, is_first: bool) -> bytes:
    """Octets that are the same for every reader.

    Raises:
        PeekError: a line of them begins with a dot (RFC 5321 section 4.5.2), or may.
    """
    octets = b"".join(items)
    if b"\n." in octets or (is_first and octets.startswith(b".")):
        raise PeekError
    return octets


def _spread(page: str, *, column: int = 0, room: int = ROOM) -> str:
    spread = spread_page(page, column=column, room=room)
    if spread is None:
        raise PeekError
    return spread


def _demand_short_edges(page: str) -> None:
    """Papers follow one another without regard to their lines.

    Raises:
        PeekError: the lines at both ends of this one could grow too long by that.
    """
    first, newline, rest = page.partition("\n")
    last = rest.rpartition("\n")[2]
    if not newline or width(first) > EDGE_ROOM or width(last) > ROOM:
        raise PeekError


def _spread_value(octets: bytes, *, within_tag: bool) -> bytes:
    """A value that may fill several lines, none of which begins with a dot.

    Raises:
        PeekError: lines cannot end in it, it would leave a line to what stands beside it, or its
            blanks would be one with those beside it.
    """
    text = octets.decode("ascii")
    if text.startswith("."):
        text = "&#46;" + text[1:]
    if len(text) > BLANK_ROOM or "\n" in text or "\r" in text:
        text = "" if within_tag else _spread(text, room=BLANK_ROOM)
    lines = text.split("\n")
    if not lines[0] or not lines[-1] or max(map(len, lines)) > BLANK_ROOM:
        raise PeekError
    spread = text.replace("\n", "\r\n").encode("ascii")
    if _is_uneven(spread) or b" " in (spread[:1], spread[-1:]):
        raise PeekError
    return spread


def _link_line(line: list[str | Token]) -> Iterator[Item]:
    """A line with tokens: soft breaks give each a line of its own, so that all else is ready."""
    pieces = [
        part if isinstance(part, Token) else quoted_printable(part).removesuffix(b"\r\n")
        for part in line
    ]
    if pieces[-1] == b"":
        pieces.pop()
    for place, piece in enumerate(pieces):
        if isinstance(piece, bytes) and len(piece.rpartition(b"\n")[2]) > TOKEN_LIMIT:
            raise PeekError  # no room for the soft break
        yield from (b"=\r\n", piece) if place else (piece,)
    yield b"\r\n"
