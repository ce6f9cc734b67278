"""Every exception of ours, in one tree.

NewsletterError
├── ConfigError     a setting, a profile or a command line that cannot be used
├── LibraryError    a pasted or uploaded reading list that cannot be used at all
├── SourceError     a list of papers that could not be read
│   └── NotOpenError    its day has not begun at the source (sources/ladder.py)
├── TemplateError   a template that is broken
├── MailError       a mail that must not leave (pre-flight failed)
├── SubscriptionError   what a subscriber's standing does not allow
│   ├── AddressError    an e-mail address that cannot be used
│   └── TokenError      a confirmation that is unknown, used or too old
└── StoreError      the database cannot be used as it is
    └── UnreadableError     one reader's row alone

The message is a sentence for the person who can mend it; the fields are for the log.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


class NewsletterError(Exception):
    """Base of all: catch this to catch what we foresaw."""


class ConfigError(NewsletterError):
    """A setting or profile cannot be used. `problems` holds every mistake found, one sentence each."""

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        self.where = where
        self.problems = tuple(problems)
        super().__init__(f"{where}: " + "; ".join(self.problems))


class LibraryError(NewsletterError):
    """A reading list cannot be used at all: empty, too large, or no list of papers."""


class SourceError(NewsletterError):
    """A list could not be read. `tier` names the way that was tried, `source` what was asked for."""

    def __init__(self, problem: str, *, source: str = "", tier: str = "") -> None:
        self.problem = problem
        self.source = source
        self.tier = tier
        head = ", ".join(part for part in (source, tier and f"tier {tier}") if part)
        super().__init__(f"{head}: {problem}" if head else problem)


class TemplateError(NewsletterError):
    """A template is broken at a known place. `line` is 0 when the engine does not tell it."""

    def __init__(self, problem: str, *, file: str, line: int = 0) -> None:
        self.problem = problem
        self.file = file
        self.line = line
        super().__init__(f"{file}:{line}: {problem}" if line else f"{file}: {problem}")


class MailError(NewsletterError):
    """A finished mail broke a rule that would have it bounced, clipped or shown wrongly."""


class StoreError(NewsletterError):
    """The database cannot be opened, is locked, or was made by a newer version."""


class UnreadableError(StoreError):
    """What is kept of one subscriber means nothing to this version; all others are well."""

    def __init__(self, subscriber_id: str, what: str) -> None:
        self.subscriber_id = subscriber_id
        super().__init__(
            f"what is kept of the subscriber {subscriber_id} cannot be read by this version of "
            f"newsletter ({what}); install the one that wrote it, or restore a backup"
        )


class SubscriptionError(NewsletterError):
    """What was asked for is not possible for this subscriber, address or paper."""


class AddressError(SubscriptionError):
    """An e-mail address cannot be used; the sentence says why and shows it harmlessly."""


class TokenError(SubscriptionError):
    """A mailed token cannot be used: it is unknown, used or too old."""


def harmless(text: str) -> str:
    """Text of the world for a terminal or a log: what would steer it is written out (`\\x1b`)."""
    return "".join(map(_written_out, text))


def _written_out(character: str) -> str:
    joins = character in "\u200c\u200d"  # scripts and emoji need them, and they steer nothing
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and not joins:
        return character.encode("unicode_escape").decode("ascii")
    return character
