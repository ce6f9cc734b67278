"""The Jinja side of the mail templates: how values are printed and how errors find their line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

import jinja2
from markupsafe import Markup

from newsletter.errors import TemplateError
from newsletter.mail.blanks.stencils import Stencils, stencils
from newsletter.mail.blanks.templates import BlankEnvironment
from newsletter.mail.mjml.compile import Compiled
from newsletter.mail.mjml.source import Place
from newsletter.mail.scripts import has_wide, is_turned, wrapped
from newsletter.mail.template_files import TemplateFiles
from newsletter.mail.wording import is_tidy, untagged

TEXT_WIDTH = 72

# Beyond what HTML needs: braces are template marks to some relays, a backslash in an attribute
# looks like an escape left over, and "=" keeps data from ever forming an attribute.
_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&#34;",
    "'": "&#39;",
    "`": "&#96;",
    "=": "&#61;",
    "{": "&#123;",
    "}": "&#125;",
    "\\": "&#92;",
}
_SPECIAL = re.compile(r"""[&<>"'`={}\\]""")
_WORD = re.compile(r"[^ \t\n\r\f\v]+")
# From its end, for colons are rarer than what stands before this one.
_SCRIPT_SCHEME = re.compile(r":(?:(?<=javascript:)|(?<=data:)|(?<=vbscript:))", re.IGNORECASE)
RENDERING_ERRORS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a template may raise when it is rendered."""


class Templates:
    """All templates of one mail, parsed once.

    Args:
        files: where partials come from.
        compiled: HTML templates made from MJML, by name.
    """

    def __init__(self, files: TemplateFiles, compiled: dict[str, Compiled]) -> None:
        self._compiled = compiled
        loader = _Loader(files, compiled)
        self._html = _html_environment(loader)
        self._text = _text_environment(loader)

    def html(self, name: str) -> Callable[..., str]:
        """A function that renders one HTML template; markup in values is escaped.

        Raises:
            TemplateError: the template is no valid Jinja; the function raises it as well.
        """
        return self._renderer(self._html, name)

    def text(self, name: str) -> Callable[..., str]:
        """The same for a text template: nothing is escaped, block tags leave no empty lines."""
        return self._renderer(self._text, name)

    def html_stencils(self, name: str) -> Stencils:
        """The same HTML template, to be rendered with blanks.

        Raises:
            PeekError: it can only be rendered as a whole.
        """
        return self._stencils(self._html, name)

    def text_stencils(self, name: str) -> Stencils:
        """The same for a text template."""
        return self._stencils(self._text, name)

    def _stencils(self, environment: jinja2.Environment, name: str) -> Stencils:
        with self._blaming(name):
            return stencils(BlankEnvironment(environment), name)

    def _renderer(self, environment: jinja2.Environment, name: str) -> Callable[..., str]:
        with self._blaming(name):
            template = environment.get_template(name)

        def render(**values: object) -> str:
            with self._blaming(name):
                return template.render(**values)

        return render

    @contextmanager
    def _blaming(self, name: str) -> Iterator[None]:
        """Turns whatever a template raises into one sentence with its file and line."""
        try:
            yield
        except TemplateError:
            raise
        except RENDERING_ERRORS as error:
            place = self._place(error, name)
            raise TemplateError(_sentence(error), file=place.file, line=place.line) from error

    def _place(self, error: Exception, name: str) -> Place:
        if isinstance(error, jinja2.TemplateSyntaxError):
            file, line = error.name or name, error.lineno
        else:
            file, line = _deepest_template_line(error.__traceback__) or (name, 0)
        compiled = self._compiled.get(file)
        return compiled.place(line) if compiled and line else Place(file=file, line=line)


class _Loader(jinja2.BaseLoader):
    def __init__(self, files: TemplateFiles, compiled: dict[str, Compiled]) -> None:
        self._files = files
        self._compiled = compiled

    def get_source(
        self,
        environment: jinja2.Environment,  # noqa: ARG002 - Jinja's signature
        template: str,
    ) -> tuple[str, str, Callable[[], bool]]:
        """The source and, as file name, the template's own name: error messages show it."""
        compiled = self._compiled.get(template)
        if compiled:
            return compiled.source, template, lambda: True
        try:
            self._files.find(template)
        except TemplateError as error:
            # Jinja's own exception leads to the line that asked for the file
            raise jinja2.TemplateNotFound(template, error.problem) from error
        return self._files.read(template), template, lambda: True


def _html_environment(loader: jinja2.BaseLoader) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printed_html,
    )
    environment.filters["number"] = "{:,}".format
    environment.filters["counted"] = counted
    environment.filters["turned"] = is_turned
    return environment


def _text_environment(loader: jinja2.BaseLoader) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=loader,
        autoescape=False,  # noqa: S701 - text parts know no markup
        undefined=jinja2.StrictUndefined,
        finalize=_printed_text,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = "{:,}".format
    environment.filters["counted"] = counted
    environment.filters["wrap"] = wrap
    environment.filters["untagged"] = untagged
    return environment


def _printed_html(value: object) -> object:
    """What `{{ value }}` prints: nothing for a value that is not known, else escaped text."""
    if type(value) is str:  # nearly always
        return escape(value)
    if value is None:
        return ""
    return value if hasattr(value, "__html__") or _is_undefined(value) else escape(str(value))


def _printed_text(value: object) -> object:
    return "" if value is None else value


def _is_undefined(value: object) -> bool:
    return isinstance(value, jinja2.Undefined)


def escape(text: str) -> Markup:
    """Text that stays text wherever HTML puts it: between tags and in quoted attributes."""
    # Looking up every letter of a text that is not plain ASCII takes ten times as long.
    escaped = _SPECIAL.sub(_escaped, text) if _SPECIAL.search(text) else text
    if ":" in escaped:
        escaped = _SCRIPT_SCHEME.sub("&#58;", escaped)
    return Markup(escaped)  # noqa: S704 - escaped just now


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES[found[0]]


def counted(number: int, one: str, many: str = "") -> str:
    """`1 paper`, `12 papers`, `1,200 papers`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def wrap(
    text: str,
    indent: int = 0,
    width: int = TEXT_WIDTH,
    first: str = "",
    *,
    at_blanks: bool = False,
) -> str:
    """A paragraph of a text part, wrapped at words, or where Chinese and Japanese may end a line.

    Args:
        indent: blanks before each line.
        width: longest line in columns, indentation included (RFC 5322 asks for 78 at most).
        first: stands at the start of the first line instead of the indentation, e.g. ` 1. `.
        at_blanks: nowhere else, so that a title can be found in both parts of the mail.
    """
    # The standard library's does the same in many times the time, and every mail has its sentences.
    margin, lines = " " * indent, []
    rest, line = text if is_tidy(text) else " ".join(_WORD.findall(text)), first or margin
    if has_wide(rest):
        return "\n".join(wrapped(rest, margin, width, line, at_blanks=at_blanks))
    while len(line) + len(rest) > width and (end := _line_end(rest, width - len(line))) > 0:
        lines.append(line + rest[:end])
        rest, line = rest[end + 1 :], margin
    return "\n".join((*lines, line + rest)) if rest else ""


def _line_end(words: str, room: int) -> int:
    """Where a line of so many characters ends: at a blank, if only behind a word that is too long;
    -1 where there is none.
    """
    end = words.rfind(" ", 0, room + 1) if room > 0 else -1
    return end if end > 0 else words.find(" ")


def _deepest_template_line(trace: TracebackType | None) -> tuple[str, int] | None:
    """File and line of the innermost template in a traceback (Jinja rewrites its frames)."""
    found = None
    while trace is not None:
        if "__jinja_template__" in trace.tb_frame.f_globals or _is_template_frame(trace):
            found = (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _is_template_frame(trace: TracebackType) -> bool:
    return trace.tb_frame.f_code.co_filename.endswith(".j2")


def _sentence(error: Exception) -> str:
    if isinstance(error, jinja2.TemplateNotFound):
        return error.message or f"there is no template “{error.name}”"
    if isinstance(error, RecursionError):
        return "the template includes or calls itself without end"
    text = str(getattr(error, "message", None) or error).strip()
    text = re.sub(r"'newsletter\.[\w.]*\.(\w+) object'", r"the \1", text)
    return text or type(error).__name__
