"""Blanks: values that are not known yet. What a template does with one is noted, to be done later.

In a recording a blank is a text of one character from the last private plane of Unicode, which
stands in no data (`wording.tidy` drops it). Templates may print it, pass it on, join it to other
texts and give it to filters; whatever would have to look at the value raises `PeekError`, and the
template is rendered for each reader instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from types import GeneratorType

import jinja2
from markupsafe import Markup

FIRST, LAST = 0x100000, 0x10FFFD
_FIRST_OF_CARDS = 0x10FF00
_MARK = re.compile(f"([{chr(FIRST)}-{chr(LAST)}])")
PRIVATE = re.compile("[\U000f0000-\U0010ffff]")
"""What no template may hold: it would be taken for a blank, here or once it is a reference."""

Values = Mapping[str, str | int]
Evaluator = Callable[[Values], object]


class PeekError(Exception):
    """A template wants to know what stands in a blank."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The value itself; never an empty one, nor 0."""

    name: str

    def evaluator(self) -> Evaluator:
        """What makes of the values what it stands for; made once, for it runs in every mail."""
        return itemgetter(self.name)


@dataclass(frozen=True, slots=True)
class Token:
    """The part of a link that belongs to the reader: letters that mean the same everywhere."""

    name: str

    def evaluator(self) -> Evaluator:
        """See `Raw`."""
        return itemgetter(self.name)


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with blanks in it."""

    parts: tuple[str | Node, ...]
    is_markup: bool

    def evaluator(self) -> Evaluator:
        """See `Raw`."""
        fill = filling(self.parts)
        return (lambda values: Markup(fill(values))) if self.is_markup else fill  # noqa: S704 - as the template had it


@dataclass(frozen=True, slots=True)
class Applied:
    """What a filter makes of a blank."""

    function: Callable[..., object]
    args: tuple[object, ...]
    kwargs: tuple[tuple[str, object], ...]

    def evaluator(self) -> Evaluator:
        """See `Raw`."""
        function = self.function
        args = list(map(_evaluator, self.args))
        kwargs = [(name, _evaluator(arg)) for name, arg in self.kwargs]

        def applied(values: Values) -> object:
            known = {name: make(values) for name, make in kwargs}
            return function(*[make(values) for make in args], **known)

        return applied


@dataclass(frozen=True, slots=True)
class Printed:
    """A value as `{{ value }}` prints it."""

    of: Raw | Token | Filled | Applied
    printer: Callable[[object], object]

    def evaluator(self) -> Callable[[Values], str]:
        """See `Raw`."""
        printer, make = self.printer, self.of.evaluator()
        return lambda values: str(printer(make(values)))


@dataclass(frozen=True, slots=True)
class Cards:
    """Where the papers stand: what the loop of that number makes of them."""

    loop: int


Node = Raw | Token | Filled | Applied | Printed
Settled = str | Printed | Token | Cards
"""What a text may be made of once it is printed."""


def _evaluator(arg: object) -> Evaluator:
    return arg.evaluator() if isinstance(arg, Node) else lambda _values: arg


def filling(parts: Iterable[str | Node]) -> Callable[[Values], str]:
    """What joins literals and what nodes stand for."""
    every = tuple(parts)
    if len(every) == 1 and isinstance(every[0], Printed):
        return every[0].evaluator()
    form = "".join([one.replace("%", "%%") if isinstance(one, str) else "%s" for one in every])
    makes = [one.evaluator() for one in every if not isinstance(one, str)]
    return lambda values: form % tuple([make(values) for make in makes])


def names(node: object) -> frozenset[str]:
    """Of which values a node is made."""
    if isinstance(node, Raw | Token):
        return frozenset((node.name,))
    inner: Iterable[object] = ()
    if isinstance(node, Filled):
        inner = node.parts
    elif isinstance(node, Applied):
        inner = (*node.args, *(arg for _, arg in node.kwargs))
    elif isinstance(node, Printed):
        inner = (node.of,)
    return frozenset().union(*map(names, inner))


def mark_of_cards(loop: int) -> str:
    """The character that stands for all that a loop over the papers prints."""
    return chr(_FIRST_OF_CARDS + loop)


def has_marks(text: str) -> bool:
    """Whether blanks stand in a text."""
    return not text.isascii() and _MARK.search(text) is not None


class Blanks:
    """The blanks of one recording. Not safe to use from several threads.

    Args:
        escapes: whether printing changes a text, as it does in HTML.
    """

    def __init__(self, *, escapes: bool) -> None:
        self._escapes = escapes
        self._nodes: list[Node] = []

    def forget(self) -> None:
        """Begins a new recording."""
        self._nodes = []

    def mark(self, node: Node) -> str:
        """The character that stands for a node."""
        hash(node)  # kept by what they are, so a filter with a list among its arguments is no node
        self._nodes.append(node)
        if FIRST + len(self._nodes) > _FIRST_OF_CARDS:
            raise PeekError
        return chr(FIRST + len(self._nodes) - 1)

    def raw(self, name: str, *, given: object = True) -> str:
        """A blank for a value, or the empty text where there is none."""
        return self.mark(Raw(name)) if given else ""

    def token(self, name: str) -> str:
        """A blank for the token of a link."""
        return self.mark(Token(name))

    def parts(self, text: str) -> list[Settled]:
        """A recorded text as literals and what is to be printed between them.

        Raises:
            PeekError: something stands in it that was never printed.
        """
        found = self._parts(text)
        settled = [part for part in found if isinstance(part, Settled)]
        if len(settled) < len(found):
            raise PeekError
        return settled

    def node(self, text: str) -> Raw | Token | Filled | Applied:
        """What a text with blanks stands for.

        Raises:
            PeekError: its type would have to be known, or what all papers look like.
        """
        found = self._parts(text)
        markup = isinstance(text, Markup)
        if len(found) == 1 and isinstance(found[0], Raw | Token | Applied) and not markup:
            return found[0]
        # A filter may have answered anything; and a plain text in markup would need escaping.
        allowed = str | Token | Printed if markup else str | Raw | Token | Filled | Printed
        known = tuple(part for part in found if isinstance(part, allowed))
        if len(known) < len(found):
            raise PeekError
        return Filled(known, markup)

    def print(self, value: object, printer: Callable[[object], object]) -> object:
        """What printing a value gives: for one with blanks, a blank again."""
        if not isinstance(value, str) or not has_marks(value):
            return printer(value if isinstance(value, str) else seen(value))
        if isinstance(value, Markup):
            self.parts(value)
            return value
        found = self._parts(value)
        if not self._escapes and not any(isinstance(part, Raw | Applied) for part in found):
            return value  # only texts that are printed already, one beside the other
        if self._escapes and _is_link(found):
            return printer(value)
        mark = self.mark(Printed(self.node(value), printer))
        return Markup(mark) if self._escapes else mark  # noqa: S704 - a single character

    def defer(self, function: Callable[..., object]) -> Callable[..., object]:
        """A filter that is applied later where blanks are among its arguments."""

        def applied(*args: object, **kwargs: object) -> object:
            if all(map(is_plain, (*args, *kwargs.values()))):
                return function(*args, **kwargs)
            named = tuple((name, self._argument(arg)) for name, arg in kwargs.items())
            return self.mark(Applied(function, tuple(map(self._argument, args)), named))

        return applied

    def truth(self, value: object) -> object:
        """A value whose truth is asked for; that of a blank is known, that of most others is not.

        Raises:
            PeekError: it is not known.
        """
        if isinstance(value, str) and has_marks(value):
            found = self._parts(value)
            if not any(map(_is_something, found)):
                raise PeekError
        return value

    def _argument(self, arg: object) -> object:
        if isinstance(arg, str) and has_marks(arg):
            return self.node(arg)
        return seen(arg)

    def _parts(self, text: str) -> list[str | Node | Cards]:
        return [self._part(part) for part in _MARK.split(text) if part]

    def _part(self, part: str) -> str | Node | Cards:
        code = ord(part[0])
        if code < FIRST or len(part) > 1:
            return part
        if code >= _FIRST_OF_CARDS:
            return Cards(code - _FIRST_OF_CARDS)
        return self._nodes[code - FIRST]


def _is_link(parts: list[str | Node | Cards]) -> bool:
    """Whether it is printed alike whatever its tokens are; `data:` would be if one ended so."""
    kinds_fit = all(isinstance(part, str | Token) for part in parts)
    return kinds_fit and not any(":" in part for part in parts[1:] if isinstance(part, str))


def _is_something(part: object) -> bool:
    if isinstance(part, Printed):
        return _is_something(part.of)
    if isinstance(part, Filled):
        return any(map(_is_something, part.parts))
    return isinstance(part, str | Raw | Token)


def is_plain(value: object) -> bool:
    """Whether no blank can be in a value, as deep as one can see without asking it."""
    if isinstance(value, str):
        return not has_marks(value)
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    # a generator comes from a filter, whose arguments were seen
    return value is None or isinstance(value, int | float | jinja2.Undefined | GeneratorType)


def seen(value: object) -> object:
    """A value that is looked at.

    Raises:
        PeekError: it holds a blank, or might.
    """
    if not is_plain(value):
        raise PeekError
    return value
