"""What every command shares: the terminal, and how it is spoken to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from typer.core import TyperGroup

from newsletter.app import App
from newsletter.config import data_dir, in_words
from newsletter.errors import ConfigError, NewsletterError, harmless
from newsletter.mail.template_files import mistyped

terminal = Console(stderr=True, highlight=False)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", envvar="NEWSLETTER_CONFIG", help="Your settings file (TOML)."),
]


class Doors(TyperGroup):
    """All commands; a wrong number or choice is told in our words, not in pydantic's."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that was typed."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            if isinstance(error.__cause__, ValidationError):
                error.message = in_words(error.__cause__.errors()[0])
            raise


def note(sentence: str) -> None:
    """Tells something beside the result, on standard error."""
    terminal.print(harmless(sentence), style="yellow", markup=False, soft_wrap=True)


def tell_where_mails_go(app: App) -> None:
    """Says so while there is no relay."""
    if not app.settings.smtp.host:
        folder = app.settings.mail_folder
        note(f"No relay is configured (smtp.host): mails become files in {folder}.")


def tell_mistyped_templates(app: App) -> None:
    """Tells of files in the operator's own directory of templates that replace nothing."""
    for sentence in mistyped(app.own_templates, data_dir("templates")):
        note(f"templates: {sentence}")


def write_private(file: Path, content: Iterable[bytes]) -> None:
    """Writes what is about people: readable for its owner only.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.writelines(content)
    except OSError as error:
        raise ConfigError(str(file), [f"cannot be written ({error.strerror})"]) from None


def complain(error: NewsletterError) -> None:
    """Tells what went wrong, on standard error."""
    sentence = harmless(f"newsletter: {error}")
    terminal.print(sentence, style="red", markup=False, soft_wrap=True)


def progress_bar() -> Progress:
    """A bar that is seen on a terminal only."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=terminal,
        transient=True,
        redirect_stdout=False,  # a pipe or a file is never touched; see _say
        disable=not terminal.is_terminal,
    )
