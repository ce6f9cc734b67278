"""Reports what the MJML compiler accepts in silence: unknown, misplaced and wrongly closed tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

from newsletter.mail.mjml.source import Document, placeholders
from newsletter.mail.mjml.table import ATTRIBUTES, CHILDREN, ENDING, EVERYWHERE

_TOKEN = re.compile(
    r"""(?P<comment><!--.*?-->|<!\[endif\]-->|<!doctype[^>]*>)
      | (?P<word>jx\d{5}xj)
      | <(?P<close>/?)(?P<name>[A-Za-z][\w:-]*)
         (?P<inside>(?:[^<>"']|"[^"]*"|'[^']*')*)>
      | (?P<stray><)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""([^\s=/"'<>]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>]+))?""")
_JINJA_WORD = re.compile(r"\{%[-+]?\s*(\w+)")
_GLUED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')jx\d{5}xj""")
_VOID = re.compile(r"area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr")
_DEFAULTS = frozenset(("mj-all", "mj-class"))
_EVERY_ATTRIBUTE = frozenset[str]().union(*ATTRIBUTES.values()) | EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault of a template, with the line where it stands."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """A tag that is open at some point of the template."""

    name: str
    offset: int


@dataclass(slots=True, kw_only=True)
class _Branching:
    """An `if` or `for` under way: what was open before it, and what each branch left open."""

    word: str
    offset: int
    before: tuple[_Open, ...]
    ends: list[tuple[_Open, ...]] = field(default_factory=list)


def lint(document: Document) -> tuple[Problem, ...]:
    """Every fault of a template and of the files it includes, in order; none when it is sound."""
    return tuple(_Linter(document).problems())


class _Linter:
    """Walks through one document; Jinja branches are followed one after the other."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: tuple[_Open, ...] = ()
        self._flow: list[_Branching] = []
        self._bodies = 0

    def problems(self) -> Iterator[Problem]:
        position = 0
        for token in _TOKEN.finditer(self._document.text):
            yield from self._text_between(position, token.start())
            yield from self._token(token)
            position = token.end()
        yield from self._text_between(position, len(self._document.text))
        yield from self._at_the_end()

    def _token(self, token: re.Match[str]) -> Iterator[Problem]:
        if token["word"]:
            yield from self._jinja(token)
        elif token["stray"]:
            yield self._problem(token.start(), "a bare “<”; write &lt; for the character")
        elif token["close"]:
            yield from self._close(token)
        elif token["name"]:
            yield from self._start(token)

    def _problem(self, offset: int, text: str) -> Problem:
        place = self._document.place(offset)
        return Problem(file=place.file, line=place.line, text=text)

    def _line(self, tag: _Open) -> int:
        return self._document.place(tag.offset).line

    # ---- text and tags

    def _parent(self) -> str:
        """The innermost open MJML tag, or nothing."""
        names = (tag.name for tag in reversed(self._open))
        return next((name for name in names if name.startswith("mj")), "")

    def _text_between(self, start: int, end: int) -> Iterator[Problem]:
        text = self._document.text[start:end].strip()
        if text and self._parent() not in ENDING:
            inside = f"inside <{self._parent()}>" if self._parent() else "outside of <mjml>"
            yield self._problem(start, f"the text “{text[:30]}” {inside} shows nowhere")

    def _start(self, token: re.Match[str]) -> Iterator[Problem]:
        name = token["name"].lower()
        if name == "mjml" or name.startswith("mj-"):
            yield from self._start_mjml(name, token)
        else:
            yield from self._start_html(name, token)

    def _start_mjml(self, name: str, token: re.Match[str]) -> Iterator[Problem]:
        parent = self._parent()
        if name not in ATTRIBUTES and not (parent == "mj-attributes" and name in _DEFAULTS):
            yield self._problem(token.start(), f"unknown tag <{name}>{_hint(name, ATTRIBUTES)}")
        else:
            yield from self._misplaced(name, parent, token.start())
            yield from self._attributes(name, token)
        self._bodies += name == "mj-body"
        if not token["inside"].rstrip().endswith("/"):
            self._open += (_Open(name=name, offset=token.start()),)

    def _misplaced(self, name: str, parent: str, offset: int) -> Iterator[Problem]:
        if parent == "mj-attributes" or (parent and parent not in ATTRIBUTES):
            return
        if not parent and name != "mjml":
            yield self._problem(offset, f"<{name}> stands outside of <mjml>")
        elif parent and name not in CHILDREN.get(parent, ()):
            homes = ", ".join(f"<{tag}>" for tag in CHILDREN if name in CHILDREN[tag])
            belongs = f"; it belongs into {homes}" if homes else ""
            yield self._problem(offset, f"<{name}> cannot stand in <{parent}>{belongs}")

    def _start_html(self, name: str, token: re.Match[str]) -> Iterator[Problem]:
        parent = self._parent()
        if parent not in ENDING:
            inside = f"<{parent}>" if parent else "the template"
            problem = f"<{name}> directly in {inside}; HTML belongs into <mj-text> or <mj-raw>"
            yield self._problem(token.start(), problem)
            return
        if _GLUED.search(token["inside"]):
            text = f"a blank is missing between an attribute of <{name}> and the Jinja tag after it"
            yield self._problem(token.start(), text)
        if not _VOID.fullmatch(name) and not token["inside"].rstrip().endswith("/"):
            self._open += (_Open(name=name, offset=token.start()),)

    def _close(self, token: re.Match[str]) -> Iterator[Problem]:
        name = token["name"].lower()
        open_names = [tag.name for tag in self._open]
        if name not in open_names:
            open_now = f"; open is {self._described(self._open[-1])}" if self._open else ""
            yield self._problem(token.start(), f"</{name}> closes nothing{open_now}")
            return
        keep = len(open_names) - 1 - open_names[::-1].index(name)
        for left in reversed(self._open[keep + 1 :]):
            text = f"</{name}> closes while {self._described(left)} is still open"
            yield self._problem(token.start(), text)
        self._open = self._open[:keep]

    def _described(self, tag: _Open) -> str:
        return f"<{tag.name}> of line {self._line(tag)}"

    # ---- attributes

    def _attributes(self, name: str, token: re.Match[str]) -> Iterator[Problem]:
        known = _allowed(name)
        seen: set[str] = set()
        for found in _ATTRIBUTE.finditer(token["inside"].rstrip().removesuffix("/")):
            offset = token.start("inside") + found.start()
            if (fault := _attribute_fault(name, found, known, seen)) is not None:
                yield self._problem(offset, fault)
            seen.add(found[1])

    # ---- Jinja

    def _jinja(self, token: re.Match[str]) -> Iterator[Problem]:
        found = _JINJA_WORD.match(self._document.tag(token["word"]).text)
        word = found[1] if found else ""
        if word in ("if", "for"):
            self._flow.append(_Branching(word=word, offset=token.start(), before=self._open))
        elif word in ("else", "elif") and self._flow:
            self._flow[-1].ends.append(self._open)
            self._open = self._flow[-1].before
        elif word in ("endif", "endfor") and self._flow:
            yield from self._branches_meet(self._flow.pop(), token.start())

    def _branches_meet(self, flow: _Branching, offset: int) -> Iterator[Problem]:
        """A loop must leave open what it found; the branches of an `if` must agree."""
        expected = [flow.before] if flow.word == "for" else flow.ends
        names = [tag.name for tag in self._open]
        for other in expected:
            if [tag.name for tag in other] != names:
                line = self._document.place(flow.offset).line
                what = "one pass of the loop" if flow.word == "for" else "one branch of the if"
                text = f"{what} of line {line} opens or closes other tags than the rest"
                yield self._problem(offset, text)
                break

    # ---- the whole

    def _at_the_end(self) -> Iterator[Problem]:
        for tag in self._open:
            yield self._problem(tag.offset, f"<{tag.name}> is never closed")
        if self._bodies != 1:
            count = "no" if not self._bodies else f"{self._bodies} times"
            yield self._problem(0, f"a template has one <mj-body>; this one has {count} <mj-body>")


_BETWEEN_ATTRIBUTES = (
    "a Jinja tag between the attributes of <{}>; put it inside a value, or the whole tag in an if"
)


def _allowed(name: str) -> frozenset[str]:
    if name in _DEFAULTS:
        return _EVERY_ATTRIBUTE | {"name"}
    return ATTRIBUTES[name] | EVERYWHERE


def _attribute_fault(
    tag: str, found: re.Match[str], known: frozenset[str], seen: set[str]
) -> str | None:
    name, value = found[1], found[2]
    if any(placeholders(name)):
        return _BETWEEN_ATTRIBUTES.format(tag)
    if name not in known:
        return f"<{tag}> knows no attribute {name}{_hint(name, known)}"
    if value is None or value[0] not in "\"'":
        return f"the value of {name} needs quotes"
    if name in seen:
        return f"{name} is given twice"
    return None


def _hint(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
