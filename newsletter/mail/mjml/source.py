"""Reads a Jinja-in-MJML template as one document: includes unfolded, every piece knowing its line."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import jinja2

from newsletter.errors import TemplateError

_INCLUDE = re.compile(r"<mj-include\b([^<>]*?)/?>(?:\s*</mj-include\s*>)?")
_COMMENT = re.compile(r"<!--(?!\[if|<!\[endif|>).*?-->", re.DOTALL)
_ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_CSS_TOKEN = re.compile(
    r"""/\*.*?\*/|\{\{.*?\}\}|\{%.*?%\}|\{\#.*?\#\}|"[^"\n]*"|'[^'\n]*'|[{}]""", re.DOTALL
)
_PLACEHOLDER = re.compile(r"jx(\d{5})xj")


class Reader(Protocol):
    """Where includes come from."""

    def read(self, name: str, *, asked_by: str = "", line: int = 0) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a template file."""

    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a template: markup, or one Jinja tag with its delimiters."""

    text: str
    place: Place
    jinja: bool


class Document:
    """A template as the MJML compiler sees it: each Jinja tag is one word, `jx00007xj`.

    The compiler mangles quotes, `<` and line ends inside Jinja tags; it leaves plain words alone.
    """

    def __init__(self, pieces: list[Piece]) -> None:
        self.tags = tuple(piece for piece in pieces if piece.jinja)
        self._pieces: list[Piece] = []
        self._starts: list[int] = []
        parts: list[str] = []
        length = 0
        for piece, word in zip(pieces, _words(pieces), strict=True):
            self._pieces.append(piece)
            self._starts.append(length)
            parts.append(word)
            length += len(word)
        self.text = "".join(parts)

    def place(self, offset: int) -> Place:
        """The template line of a position in `text`."""
        if not self._pieces:
            return Place(file="", line=0)
        index = max(bisect_right(self._starts, offset) - 1, 0)
        piece = self._pieces[index]
        if piece.jinja:
            return piece.place
        before = piece.text.count("\n", 0, offset - self._starts[index])
        return Place(file=piece.place.file, line=piece.place.line + before)

    def tag(self, word: str) -> Piece:
        """The Jinja tag a placeholder stands for."""
        return self.tags[int(word[2:-2])]


def placeholders(text: str) -> Iterator[re.Match[str]]:
    """Every placeholder in a text."""
    return _PLACEHOLDER.finditer(text)


def _words(pieces: list[Piece]) -> Iterator[str]:
    number = 0
    for piece in pieces:
        if piece.jinja:
            yield f"jx{number:05}xj"
            number += 1
        else:
            yield piece.text


def read_document(reader: Reader, name: str) -> Document:
    """The document of a template file with all it includes.

    Raises:
        TemplateError: a file is missing, includes itself, or has a Jinja tag that does not end.
    """
    nothing = Piece(text="", place=Place(file=name, line=1), jinja=False)
    return Document(list(_pieces(reader, reader.read(name), name, (name,))) or [nothing])


def _pieces(reader: Reader, source: str, file: str, trail: tuple[str, ...]) -> Iterator[Piece]:
    for piece in _split(source, file):
        if piece.jinja:
            yield piece
        else:
            yield from _unfold(reader, piece, trail)


def _unfold(reader: Reader, piece: Piece, trail: tuple[str, ...]) -> Iterator[Piece]:
    """A stretch of markup with its `mj-include`s replaced by the files they name."""
    position = 0
    for found in _INCLUDE.finditer(piece.text):
        yield _part(piece, position, found.start())
        here = _part(piece, found.start(), found.end())
        yield from _included(reader, here, dict(_attributes(found[1])), trail)
        position = found.end()
    yield _part(piece, position, len(piece.text))


def _part(piece: Piece, start: int, end: int) -> Piece:
    line = piece.place.line + piece.text.count("\n", 0, start)
    return Piece(
        text=piece.text[start:end], place=Place(file=piece.place.file, line=line), jinja=False
    )


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for found in _ATTRIBUTE.finditer(text):
        yield found[1], found[2] if found[2] is not None else found[3]


def _included(
    reader: Reader, tag: Piece, attributes: dict[str, str], trail: tuple[str, ...]
) -> Iterator[Piece]:
    file, line = tag.place.file, tag.place.line
    name, kind = attributes.get("path", ""), attributes.get("type", "mjml")
    if not name:
        raise TemplateError("mj-include needs a path", file=file, line=line)
    if kind not in ("mjml", "css"):
        raise TemplateError(f"mj-include knows mjml and css, not “{kind}”", file=file, line=line)
    if name in trail:
        raise TemplateError(
            f"the template includes itself: {' > '.join((*trail, name))}", file=file, line=line
        )
    source = reader.read(name, asked_by=file, line=line)
    inner = _pieces(reader, source, name, (*trail, name))
    if kind == "css":
        _refuse_wrong_braces(source, name)
        yield Piece(text="<mj-style>", place=tag.place, jinja=False)
    yield from inner
    if kind == "css":
        yield Piece(text="</mj-style>", place=tag.place, jinja=False)


def _refuse_wrong_braces(css: str, file: str) -> None:
    """Behind a brace that is missing, clients leave out all that follows, dark mode as well."""
    opened: list[tuple[int, bool]] = []  # where, and whether rules may stand inside
    before = 0
    for found in _CSS_TOKEN.finditer(css):
        here = found.start()
        if found[0] == "{" and (not opened or opened[-1][1]):
            opened.append((here, "@" in css[before:here]))
        elif found[0] == "{":
            break
        elif found[0] == "}" and not opened:
            raise TemplateError("“}” closes nothing", file=file, line=_line(css, here))
        elif found[0] == "}":
            opened.pop()
        before = found.end()
    if opened:
        raise TemplateError("“{” is never closed", file=file, line=_line(css, opened[-1][0]))


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _split(source: str, file: str) -> Iterator[Piece]:
    """Markup and Jinja tags in turn, comments of both kinds left out."""
    inside: list[str] = []
    start = 0
    opened = ""
    for line, kind, text in _tokens(_blank_comments(source), file):
        if kind == "data" and not opened:
            yield Piece(text=text, place=Place(file=file, line=line), jinja=False)
            continue
        if not opened:
            opened, start = kind, line
        inside.append(text)
        if kind == opened.replace("_begin", "_end"):
            if not opened.startswith("comment"):
                yield Piece(text="".join(inside), place=Place(file=file, line=start), jinja=True)
            opened, inside = "", []


def _tokens(source: str, file: str) -> Iterator[tuple[int, str, str]]:
    try:
        yield from jinja2.Environment(autoescape=True).lex(source, filename=file)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            error.message or "Jinja syntax", file=file, line=error.lineno
        ) from error


def _blank_comments(source: str) -> str:
    """Without HTML comments (those for Outlook stay), line numbers unchanged."""
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source)
