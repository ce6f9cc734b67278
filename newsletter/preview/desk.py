"""Keeps finished previews for as long as nothing they are made of changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from newsletter.preview.workbench import Preview, Workbench

_KEPT = 24

Fingerprint = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person looks at; an empty name means the first of its kind."""

    reader: str = ""
    source: str = ""
    edition: str = ""


class Desk:
    """Previews by choice. Safe to use from several threads: one preview is made at a time.

    The page and its frames ask for the same preview several times; it is made once, so that all of
    them show the very same mail.
    """

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._lock = Lock()
        self._kept: dict[Choice, tuple[Fingerprint, Preview]] = {}
        self._origins: dict[str, Choice] = {}

    def preview(self, choice: Choice, *, fresh: bool = False) -> Preview:
        """The preview of a choice; `fresh` makes it anew even if no file has changed.

        Raises:
            NewsletterError: what is broken, in one sentence.
        """
        with self._lock:
            now = _fingerprint(self._workbench)
            kept = self._kept.get(choice)
            if fresh or kept is None or kept[0] != now:
                kept = (now, self._make(choice))
                self._keep(choice, kept)
            return kept[1]

    def origin(self, subject: str) -> Choice | None:
        """The choice that a digest or reader, named in a link of its mail, came from."""
        return self._origins.get(subject)

    def _make(self, choice: Choice) -> Preview:
        made = self._workbench.preview(choice.reader, choice.source, choice.edition)
        digest = made.edition.digest
        self._origins[digest.id] = self._origins[digest.subscriber_id] = choice_of(made)
        return made

    def _keep(self, choice: Choice, made: tuple[Fingerprint, Preview]) -> None:
        """Under its full names too, for the frames of a page ask with those."""
        for name in (choice, choice_of(made[1])):
            self._kept.pop(name, None)
            self._kept[name] = made  # newest last
        for oldest in list(self._kept)[:-_KEPT]:
            del self._kept[oldest]


def choice_of(preview: Preview) -> Choice:
    """The choice that led to a preview, with every empty name filled in."""
    return Choice(
        reader=preview.edition.subscriber.id,
        source=preview.shelf.name,
        edition=preview.edition_name,
    )


def _fingerprint(workbench: Workbench) -> Fingerprint:
    """Changes whenever a watched file is written, replaced, added or removed."""
    files = sorted({file for path in workbench.watched for file in _files(path)})
    return tuple(_state(file) for file in files)


def _files(path: Path) -> Iterator[Path]:
    yield from path.rglob("*") if path.is_dir() else (path,)


def _state(file: Path) -> tuple[str, int, int, int]:
    try:
        state = file.stat()
    except OSError:  # removed this very moment, or never there: that is a state too
        return (str(file), 0, 0, 0)
    return (str(file), state.st_mtime_ns, state.st_size, state.st_ino)
