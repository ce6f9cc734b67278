"""The options in which a reader's wishes are typed, for every command that takes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from newsletter.cli.common import note
from newsletter.config import check_wishes, load_reader
from newsletter.errors import ConfigError
from newsletter.library import LARGEST, Find, LibraryError, match, read_library
from newsletter.membership import Wishes, wishes_of
from newsletter.subscriptions import remarks

HERE = "command line"
LISTS = ("topics", "keywords", "authors", "organizations", "categories", "liked", "muted")

Texts = list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was typed: wishes by the keys of a reader's file, such a file, and a reading list."""

    given: Mapping[str, Any]
    file: Path | None
    library: Path | None = None

    def wishes(self, before: Wishes | None, find: Find) -> Wishes | None:
        """Options over the file over what was; `None` if nothing is said.

        The papers of a reading list come behind those liked already; what became of it is told.

        Raises:
            ConfigError: a value is wrong, or a file.
        """
        if not self.given and self.file is None and self.library is None:
            return None
        base = wishes_of(load_reader(self.file)) if self.file else before
        given = dict(self.given)
        if self.library is not None:
            liked = given.get("liked", base.profile.liked if base else ())
            given["liked"] = tuple(dict.fromkeys((*liked, *_liked_in(self.library, find))))
        try:
            wishes = check_wishes(given, HERE, base)
        except ConfigError as error:
            raise ConfigError(HERE, [_as_typed(one) for one in error.problems]) from None
        for sentence in remarks(wishes.profile):
            note(sentence)
        return wishes


def _liked_in(file: Path, find: Find) -> tuple[str, ...]:
    """The papers of a reading list."""
    try:
        with file.open("rb") as opened:
            library = read_library(opened.read(LARGEST + 1))
    except FileNotFoundError:
        raise ConfigError(str(file), ["there is no such file"]) from None
    except OSError as error:
        raise ConfigError(str(file), [f"cannot be read ({error.strerror})"]) from None
    except LibraryError as error:
        raise ConfigError(str(file), [str(error)]) from None
    report = match(library, find)
    for sentence in report.sentences:
        note(sentence)
    return report.liked


def _file(flag: str, metavar: str, told: str) -> Any:
    return Annotated[Path | None, typer.Option(flag, metavar=metavar, help=told)]


def _text(flag: str, metavar: str, told: str) -> Any:
    return Annotated[str | None, typer.Option(flag, metavar=metavar, help=told)]


def _texts(flag: str, told: str) -> Any:
    told = f"{told}; may be repeated."
    return Annotated[Texts, typer.Option(flag, metavar="TEXT", help=told)]


# By the keys of a reader's file, but for the two files themselves.
_OPTIONS: Mapping[str, Any] = {
    "profile": _file("--profile", "FILE.toml", "A reader's file; options win over it."),
    "name": _text("--name", "TEXT", "What they like to be called."),
    "topics": _texts("--topic", "In their own words"),
    "keywords": _texts("--keyword", "Must occur"),
    "authors": _texts("--author", "To follow"),
    "organizations": _texts("--organization", "To follow"),
    "categories": _texts("--category", "arXiv code such as cs.CL"),
    "liked": _texts("--like", "arXiv id or title"),
    "library": _file(
        "--liked-file",
        "FILE",
        "A reading list (BibTeX, RIS, CSL-JSON, CSV, links, titles): liked as well.",
    ),
    "muted": _texts("--mute", "Never appears"),
    "max_papers": Annotated[
        int | None, typer.Option("--max-papers", metavar="NUMBER", help="1 to 50.")
    ],
    "trend_weight": Annotated[
        float | None,
        typer.Option("--trend-weight", metavar="NUMBER", help="0 only taste, 1 only trend."),
    ],
    "surprise": Annotated[
        bool | None, typer.Option("--surprise/--no-surprise", help="A place for a rising paper.")
    ],
    "cadence": _text("--cadence", "daily|weekdays|weekly", "How often."),
    "weekday": _text("--day", "mon|tue|...", "For the weekly cadence."),
    "send_at": _text("--at", "HH:MM", "Their local time."),
    "timezone": _text("--timezone", "NAME", "Such as Europe/Berlin."),
    "format": _text("--format", "html|text", "What mails are made of."),
}


def _as_typed(problem: str) -> str:
    """A sentence about a key of a reader's file, about the option that was typed for it."""
    key, _, said = problem.partition(":")
    option = _OPTIONS.get(key.partition(".")[0])
    if option is None:
        return problem
    return f"{option.__metadata__[0].default}:{said}"  # what stands first is the option's name


def takes_wishes(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command all these options; it receives them as one argument `told`."""

    def run(**typed: Any) -> None:
        wishes = {name: typed.pop(name) for name in _OPTIONS}
        file, library = wishes.pop("profile"), wishes.pop("library")
        given = {name: value for name, value in wishes.items() if value is not None}
        command(told=Told(given=given, file=file, library=library), **typed)

    own = inspect.signature(command).parameters.values()
    hints = {**get_type_hints(command, include_extras=True), **_OPTIONS}
    # typer reads a command's parameters from its signature.
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[one.name])
            for one in (*own, *map(_parameter, _OPTIONS))
            if one.name != "told"
        ]
    )
    run.__annotations__ = {name: hint for name, hint in hints.items() if name != "told"}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def _parameter(name: str) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
