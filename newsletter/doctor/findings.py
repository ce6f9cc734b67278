"""What an examination says: sound, worth mending, or broken, with the fix."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is; `FAIL` means that mails do not leave, or do not arrive."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at.

    Attributes:
        about: the word for what was looked at, e.g. `SPF`.
        said: what was found, a sentence.
        fix: what to do, a sentence; empty where all is well.
    """

    level: Level
    about: str
    said: str
    fix: str = ""


def ok(about: str, said: str) -> Finding:
    """All is well."""
    return Finding(level=Level.OK, about=about, said=said)


def warn(about: str, said: str, fix: str) -> Finding:
    """It works, but not for long or not for everybody."""
    return Finding(level=Level.WARN, about=about, said=said, fix=fix)


def fail(about: str, said: str, fix: str) -> Finding:
    """It does not work."""
    return Finding(level=Level.FAIL, about=about, said=said, fix=fix)
