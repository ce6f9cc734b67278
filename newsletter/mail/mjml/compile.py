"""Compiles a Jinja-in-MJML template once into a Jinja HTML template that remembers its lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2
import mjml

from newsletter.errors import TemplateError
from newsletter.mail.mjml.lint import Problem, lint
from newsletter.mail.mjml.source import Document, Piece, Place, Reader, placeholders, read_document

# The compiler writes more than any client needs, in every card again. Each line: what goes, what
# stays. Together they save about a fifth of a card; the picture in Chromium stays the same.
_SQUEEZES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[ \t\r\n]+", " "),
        (r" ?<!--\[if lte mso 11\]>.*?<!\[endif\]--> ?", ""),  # Outlook 2003
        (r"mj-outlook-group-fix ", ""),  # spoke to that style only
        (r"<!\[endif\]--> ?<!--\[if mso \| IE\]>", ""),  # closes for Outlook and opens again
        (r"</?tbody>", ""),  # every parser supplies it
        (r"(<table) border=\"0\"", r"\1"),  # the default
        (r"background:(#\w+);background-color:\1;", r"background-color:\1;"),
        (r"#([\da-f])\1([\da-f])\2([\da-f])\3(?=[;\"])", r"#\1\2\3"),
        (r"direction:ltr;", ""),  # said once, on the html tag
        (r"(line-height:[\w.]+;)text-align:left;", r"\1"),  # said by the column around it
        (r"(?<=[: ])0px", "0"),
        (r"(<table [^>]*width=\"100%\") style=\"vertical-align:top;\"", r"\1"),  # nothing to align
        (r"border-collapse:collapse;border-spacing:0;", ""),  # said by the head for all tables
        (r"(<img [^>]*?)height=\"auto\" ", r"\1"),  # no such value in HTML; the style says it
        (r"outline:none;text-decoration:none;", ""),  # said by the head for all images
        (r" target=\"_blank\"", ""),  # a mail program opens a browser anyway
        (r" class=\"[\w-]+-outlook\"", ""),
        (r"mj-column-per-", "c"),
        (r"mj-column-px-", "p"),
        (r"mj-full-width-mobile", "fw"),
        (r"\[if mso \| IE\]", "[if mso]"),  # Internet Explorer 10 stopped reading these
        (r";(?=\")", ""),
        (r" style=\"\"", ""),
    )
)
_STYLE = re.compile(r"<style.*?</style>")
_STYLE_SPACES = re.compile(r" ?([{};,>]) ?")
_RAW = re.compile(r"\{%[-+]?\s*raw\s*-?%\}(.*)\{%[-+]?\s*endraw\s*-?%\}", re.DOTALL)
_POSITION = re.compile(r"position (\d+):\d+")
_PROBLEMS_SHOWN = 5
_BLOCK = re.compile(r"\{%[-+]?\s*(end)?(if|for|macro|call|filter|with|block)\b")
_NEVER_CLOSED = ("Unexpected end of template", "nesting mistake")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """An HTML template, and where each of its lines came from.

    Each Jinja tag begins a new line in `source` (white space inside a tag means nothing), so that
    the line of a Jinja error leads back to the line of the MJML file.
    """

    source: str
    places: tuple[Place, ...]

    def place(self, line: int) -> Place:
        """The place of a line of `source`, counted from 1."""
        index = min(max(line, 1), len(self.places)) - 1
        return self.places[index]


def compile_template(reader: Reader, name: str) -> Compiled:
    """Compiles a template file and all it includes.

    Raises:
        TemplateError: the lint found faults (file and line of the first, the next ones named; a
            Jinja tag that is none or never closed comes before them), or the compiler refused the template or
            lost a Jinja tag.
    """
    document = read_document(reader, name)
    _refuse_wrong_jinja(document, name)
    if problems := lint(document):
        _refuse_faults(problems)
    page = _compiled(document, name)
    _refuse_losses(document, page)
    return _restored(document, _squeezed(_with_raws(document, page)), name)


def _refuse_wrong_jinja(document: Document, name: str) -> None:
    """With a wrong or missing `endif` everything behind it seems to be in the wrong place."""
    bare = " ".join(found[0] for found in placeholders(document.text))
    tags = _restored(document, bare, name)
    try:
        jinja2.Environment(autoescape=True).parse(tags.source)
    except jinja2.TemplateSyntaxError as error:
        said = error.message or ""
        place = tags.place(error.lineno)
        if any(words in said for words in _NEVER_CLOSED) and (tag := _left_open(document)):
            said, place = f"{tag.text} is never closed", tag.place
        raise TemplateError(said, file=place.file, line=place.line) from error


def _left_open(document: Document) -> Piece | None:
    """The block tag that the next end tag does not fit; it may be in quite another file."""
    opened: list[tuple[Piece, str]] = []
    for tag in document.tags:
        found = _BLOCK.match(tag.text)
        if found and not found[1]:
            opened.append((tag, found[2]))
        elif found and opened:
            last, kind = opened.pop()
            if kind != found[2]:
                return last
    return opened[-1][0] if opened else None


def _refuse_faults(problems: Sequence[Problem]) -> None:
    first, *others = problems
    text = first.text
    for other in others[: _PROBLEMS_SHOWN - 1]:
        text += f"; {other.file}:{other.line}: {other.text}"
    if len(problems) > _PROBLEMS_SHOWN:
        text += f"; and {len(problems) - _PROBLEMS_SHOWN} more"
    raise TemplateError(text, file=first.file, line=first.line)


def _compiled(document: Document, name: str) -> str:
    try:
        # no web fonts: they cost a request to a third party and change nothing for the reader
        return mjml.mjml2html(document.text, fonts={})
    except ValueError as error:
        place = _blamed(document, str(error), name)
        raise TemplateError(
            f"MJML cannot be compiled: {error}", file=place.file, line=place.line
        ) from error


def _blamed(document: Document, message: str, name: str) -> Place:
    found = _POSITION.search(message)
    if found is None:
        return Place(file=name, line=0)
    # the compiler counts octets
    before = document.text.encode()[: int(found[1])].decode(errors="ignore")
    return document.place(len(before))


def _refuse_losses(document: Document, page: str) -> None:
    """Some attributes are read as numbers: a Jinja tag in there would silently be dropped."""
    kept = {found[0] for found in placeholders(page)}
    for found in placeholders(document.text):
        if found[0] not in kept:
            tag = document.tag(found[0])
            raise TemplateError(
                f"MJML drops {tag.text} here: this attribute must be a plain value",
                file=tag.place.file,
                line=tag.place.line,
            )


def _with_raws(document: Document, page: str) -> str:
    """The page with `{% raw %}` pieces unwrapped where nothing in them looks like Jinja."""
    for found in list(placeholders(page)):
        inner = _RAW.fullmatch(document.tag(found[0]).text)
        if inner and "{" not in inner[1]:
            page = page.replace(found[0], inner[1])
    return page


def _squeezed(page: str) -> str:
    for pattern, replacement in _SQUEEZES:
        page = pattern.sub(replacement, page)
    return _STYLE.sub(lambda found: _squeezed_style(found[0]), page)


def _squeezed_style(style: str) -> str:
    """Without blanks around punctuation; two closing braces stay apart, they are Jinja's mark."""
    return _STYLE_SPACES.sub(r"\1", style).replace("}}", "} }").replace("}}", "} }")


def _restored(document: Document, page: str, name: str) -> Compiled:
    """The compiled page with its Jinja tags back in place of their placeholders."""
    parts: list[str] = []
    places = [Place(file=name, line=1)]
    position = 0
    for found in placeholders(page):
        tag = document.tag(found[0])
        parts += (page[position : found.start()], _on_a_new_line(tag))
        places += _line_places(tag)
        position = found.end()
    return Compiled(source="".join((*parts, page[position:])), places=tuple(places))


def _on_a_new_line(tag: Piece) -> str:
    edge = 3 if tag.text[2:3] in ("-", "+") else 2
    return tag.text[:edge] + "\n" + tag.text[edge:]


def _line_places(tag: Piece) -> list[Place]:
    """One place for each line end that the tag brings along."""
    lines = _on_a_new_line(tag).count("\n")
    return [Place(file=tag.place.file, line=tag.place.line + number) for number in range(lines)]
