"""Finds template files along a search path and never leaves it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from newsletter.errors import ConfigError, TemplateError

_ALIKE = 0.8  # of 1: `crad.mjml.j2` and `card.mjml.j2` are, `footer.html.j2` is like none


def mistyped(own: Path | None, ours: Path) -> Iterator[str]:
    """A sentence on each file of an operator's directory that is nearly called like one of ours.

    Such a file replaces nothing. One with a name of its own may be asked for by another.

    Args:
        ours: the directory with all templates that ship with us, by kind (`mail`, `web`).
    """
    if own is None:
        return
    known = [file.relative_to(ours).as_posix() for file in ours.glob("*/*")]
    known += [name.removeprefix("mail/") for name in known if name.startswith("mail/")]
    for file in sorted((*own.glob("*"), *own.glob("mail/*"), *own.glob("web/*"))):
        name = file.relative_to(own).as_posix()
        if name not in known and file.is_file():
            for close in difflib.get_close_matches(name, known, 1, _ALIKE):
                yield f"{name} replaces no template; is {close} meant?"


class TemplateFiles:
    """A search path of template directories: the first that holds a file wins.

    A directory may hold the mail templates itself or in a subdirectory `mail`; both are looked at,
    the subdirectory first.

    Raises:
        ConfigError: one of them is not there, and nobody would notice that others stand in.
    """

    def __init__(self, directories: Sequence[Path]) -> None:
        for directory in directories:
            if not directory.is_dir():
                raise ConfigError(str(directory), ["there is no such directory of templates"])
        self._places = tuple(
            place.resolve()
            for directory in directories
            for place in (directory / "mail", directory)
        )

    def find(self, name: str, *, asked_by: str = "", line: int = 0) -> Path:
        """The file of that name.

        Args:
            name: relative, with forward slashes, without `..`.
            asked_by, line: where the name stands, for the message.

        Raises:
            TemplateError: no directory holds it, or the name leads out of the directories.
        """
        file = asked_by or name
        pure = PurePosixPath(name)
        if not name or pure.is_absolute() or ".." in pure.parts or "\\" in name:
            raise TemplateError(
                f"“{name}” leads out of the template directories", file=file, line=line
            )
        for place in self._places:
            path = (place / pure).resolve()
            if path.is_file() and path.is_relative_to(place):
                return path
        raise TemplateError(
            f"there is no template “{name}” in {self._described()}", file=file, line=line
        )

    def read(self, name: str, *, asked_by: str = "", line: int = 0) -> str:
        """The text of that file.

        Raises:
            TemplateError: see `find`; also for a file that is not UTF-8 or cannot be read.
        """
        path = self.find(name, asked_by=asked_by, line=line)
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            text = path.read_bytes()[: error.start]
            line = text.count(b"\n") + 1
            raise TemplateError("is not UTF-8 here", file=name, line=line) from error
        except OSError as error:
            raise TemplateError(f"cannot be read: {error.strerror}", file=name) from error

    def _described(self) -> str:
        return " or ".join(str(place) for place in self._places) or "an empty search path"
