"""What the studio and `--out` work on: readers, shelves of candidates, and the digest of a choice.

Everything that a designer edits (reader files, templates, settings) is read again for each preview.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from newsletter.app import App
from newsletter.config import load_reader
from newsletter.errors import ConfigError
from newsletter.model import Candidate, Paper, Subscriber
from newsletter.pipeline import Edition, preview
from newsletter.posting import Mail
from newsletter.selection import Background

WHOLE = "whole list"
USUAL_PORT = 8025
"""Where the studio answers unless it is told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Candidates of one source, to be cut into editions.

    Attributes:
        name: as the person named the source, or "stored papers".
        tier: which way it reached us; empty for the store.
        notes: what happened on the way.
        days: how many list days one edition looks back over.
    """

    name: str
    candidates: tuple[Candidate, ...]
    tier: str = ""
    notes: tuple[str, ...] = ()
    days: int = 1

    @property
    def editions(self) -> tuple[str, ...]:
        """The whole list, and the newest list days it spans when there are several."""
        days = {c.paper.listed_on for c in self.candidates if c.paper.listed_on}
        newest = sorted(days, reverse=True)[:60]
        return (WHOLE, *(day.isoformat() for day in newest)) if len(days) > 1 else (WHOLE,)

    @property
    def newest_day(self) -> date | None:
        """The last list day on this shelf; the whole list is named after it."""
        return max((c.paper.listed_on for c in self.candidates if c.paper.listed_on), default=None)

    def of_edition(self, edition: str) -> tuple[Candidate, ...]:
        """The candidates of one edition.

        Raises:
            ConfigError: there is no such edition on this shelf.
        """
        if edition == WHOLE:
            return self.candidates
        if edition not in self.editions:
            raise ConfigError("edition", [f"{edition} is not on the shelf {self.name}"])
        last = date.fromisoformat(edition)
        first = last - timedelta(days=self.days - 1)
        return tuple(
            c for c in self.candidates if c.paper.listed_on and first <= c.paper.listed_on <= last
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One choice on the workbench and everything there is to see of it."""

    shelf: Shelf
    edition_name: str
    edition: Edition
    mail: Mail
    html_limit: int


class Workbench:
    """Readers and shelves, and the digest of any choice among them.

    Args:
        make_app: builds the app afresh from the settings file, so that a change shows at once.
        reader_files: TOML files of readers; their stems are their names here.
        shelves: at least one.
        archive: stored papers, for word statistics.
        base_url: where the links of the mails lead.
    """

    def __init__(
        self,
        make_app: Callable[[], App],
        *,
        reader_files: Sequence[Path],
        shelves: Sequence[Shelf],
        archive: Sequence[Paper] = (),
        base_url: str,
        settings_file: Path | None = None,
    ) -> None:
        self._make_app = make_app
        self._files = {file.stem: file for file in reader_files}
        self._archive = tuple(archive)
        self._settings_file = settings_file
        self._backgrounds: dict[str, Background] = {}
        self.shelves = {shelf.name: shelf for shelf in shelves}
        self.base_url = base_url

    @property
    def readers(self) -> tuple[str, ...]:
        """The names of the readers, in the order they were given."""
        return tuple(self._files)

    @property
    def watched(self) -> tuple[Path, ...]:
        """Files and directories whose change makes a preview old."""
        app = self._make_app()
        settings = (self._settings_file,) if self._settings_file else ()
        return (*self._files.values(), *app.template_dirs, *settings)

    def reader(self, name: str) -> Subscriber:
        """Reads a reader's file again.

        Raises:
            ConfigError: there is no such reader, or the file is broken (each mistake named).
        """
        if name not in self._files:
            raise ConfigError("reader", [f"there is no reader {name}"])
        return load_reader(self._files[name])

    def preview(self, reader: str = "", shelf: str = "", edition: str = "") -> Preview:
        """The digest of a choice; empty names mean the first of their kind.

        Raises:
            NewsletterError: one sentence about what is broken; the next call starts afresh.
        """
        on = self._shelf(shelf)
        name = edition or on.editions[0]
        app = self._make_app()
        now = app.now()
        post = app.post(self.base_url)
        made, mail = preview(
            self.reader(reader or self.readers[0]),
            on.of_edition(name),
            self._background(app),
            post,
            edition=(on.newest_day or now.date()).isoformat() if name == WHOLE else name,
            now=now,
        )
        return Preview(
            shelf=on, edition_name=name, edition=made, mail=mail, html_limit=post.html_limit
        )

    def _background(self, app: App) -> Background:
        """Statistics over the archive and everything on the shelves, anew for another model."""
        model = app.settings.selection.model
        if model not in self._backgrounds:
            on_shelves = [c.paper for shelf in self.shelves.values() for c in shelf.candidates]
            papers = list({p.id: p for p in (*self._archive, *on_shelves)}.values())
            self._backgrounds = {model: Background.of(papers, app.encoder)}
        return self._backgrounds[model]

    def _shelf(self, name: str) -> Shelf:
        if name and name not in self.shelves:
            raise ConfigError("source", [f"there is no shelf {name}"])
        return self.shelves[name] if name else next(iter(self.shelves.values()))
