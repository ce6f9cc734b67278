"""The kinds of columns: what is written on one database reads the same on the other."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy
from sqlalchemy import JSON, DateTime, Dialect, TypeDecorator


def sayable(text: str) -> str:
    """Text that every database takes: NUL is left out, lone surrogates become `?`.

    PostgreSQL refuses the first (the length of a C string), UTF-8 has no octets for the second.
    """
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "")


def is_sayable(text: str) -> bool:
    """Whether it stays as it is."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


class String(TypeDecorator[str]):
    """A word of ours, of so many characters at most (SQLite does not count them), sayable.

    Also what is looked for is made sayable.
    """

    impl = sqlalchemy.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else sayable(value)


class Text(String):
    """Text of any length, sayable."""

    impl = sqlalchemy.Text
    cache_ok = True


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, written as naive UTC: SQLite keeps no zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return value.replace(tzinfo=UTC) if value else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Text of SQLite becomes an aware datetime in one step: mails have several instants."""
        if dialect.name == "sqlite":
            return _aware
        return super().result_processor(dialect, coltype)


class Words(TypeDecorator[tuple[str, ...]]):
    """A tuple of texts, kept as a JSON array."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> list[str]:
        del dialect
        return list(value or ())

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...]:
        del dialect
        return tuple(value or ())


@lru_cache(maxsize=1_024)  # many rows have one instant in common: who is due, what was claimed
def _aware(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text + "+00:00") if text else None
