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
        wishes = check_wishes(given, HERE, base)
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


_ReaderFile = Annotated[
    Path | None,
    typer.Option("--profile", metavar="FILE.toml", help="A reader's file; options win over it."),
]
_ReadingList = Annotated[
    Path | None,
    typer.Option(
        "--liked-file",
        metavar="FILE",
        help="A reading list (BibTeX, RIS, CSL-JSON, CSV, links, titles): liked as well.",
    ),
]


def _options(
    profile: _ReaderFile = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="TEXT", help="What they like to be called.")
    ] = None,
    topics: Annotated[
        Texts, typer.Option("--topic", metavar="TEXT", help="In their own words; may be repeated.")
    ] = None,
    keywords: Annotated[
        Texts, typer.Option("--keyword", metavar="TEXT", help="Must occur; may be repeated.")
    ] = None,
    authors: Annotated[
        Texts, typer.Option("--author", metavar="TEXT", help="To follow; may be repeated.")
    ] = None,
    organizations: Annotated[
        Texts, typer.Option("--organization", metavar="TEXT", help="To follow; may be repeated.")
    ] = None,
    categories: Annotated[
        Texts,
        typer.Option(
            "--category", metavar="TEXT", help="arXiv code such as cs.CL; may be repeated."
        ),
    ] = None,
    liked: Annotated[
        Texts, typer.Option("--like", metavar="TEXT", help="arXiv id or title; may be repeated.")
    ] = None,
    library: _ReadingList = None,
    muted: Annotated[
        Texts, typer.Option("--mute", metavar="TEXT", help="Never appears; may be repeated.")
    ] = None,
    max_papers: Annotated[
        int | None, typer.Option("--max-papers", metavar="NUMBER", help="1 to 50.")
    ] = None,
    trend_weight: Annotated[
        float | None,
        typer.Option("--trend-weight", metavar="NUMBER", help="0 only taste, 1 only trend."),
    ] = None,
    surprise: Annotated[
        bool | None, typer.Option("--surprise/--no-surprise", help="A place for a rising paper.")
    ] = None,
    cadence: Annotated[
        str | None, typer.Option("--cadence", metavar="daily|weekdays|weekly", help="How often.")
    ] = None,
    weekday: Annotated[
        str | None, typer.Option("--day", metavar="mon|tue|...", help="For the weekly cadence.")
    ] = None,
    send_at: Annotated[
        str | None, typer.Option("--at", metavar="HH:MM", help="Their local time.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", metavar="NAME", help="Such as Europe/Berlin.")
    ] = None,
    format: Annotated[  # noqa: A002 - the key of a reader's file
        str | None, typer.Option("--format", metavar="html|text", help="What mails are made of.")
    ] = None,
) -> None:
    """Only its parameters count; they are called as in a reader's file."""


def takes_wishes(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command all these options; it receives them as one argument `told`."""
    own = inspect.signature(command)
    added = inspect.signature(_options)

    def run(**typed: Any) -> None:
        wishes = {name: typed.pop(name) for name in added.parameters}
        file, library = wishes.pop("profile"), wishes.pop("library")
        given = {name: value for name, value in wishes.items() if value is not None}
        command(told=Told(given=given, file=file, library=library), **typed)

    hints = get_type_hints(command, include_extras=True)
    hints |= get_type_hints(_options, include_extras=True)
    together = {**own.parameters, **added.parameters}.values()
    # typer reads a command's parameters from its signature.
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[one.name])
            for one in together
            if one.name != "told"
        ]
    )
    run.__annotations__ = {name: hint for name, hint in hints.items() if name != "told"}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run
