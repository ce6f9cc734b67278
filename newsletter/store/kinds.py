"""The kinds of columns: what is written on one database reads the same on the other."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy
from sqlalchemy import JSON, Cast, ColumnElement, DateTime, Dialect, TypeDecorator, cast


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


def as_text(column: ColumnElement[Any]) -> Cast[str]:
    """A column of JSON as the database has it, for who reads many: see `from_json`.

    What SQLAlchemy does for each value takes as long as the reading.
    """
    return cast(column, sqlalchemy.Text)


def from_json(text: str | bytes) -> Any:
    """Four times as fast as the standard library, which alone takes lone surrogates."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def to_json(value: Any) -> str:
    """The same for writing."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value)


@lru_cache(maxsize=1_024)  # many rows say the same, mostly nothing
def words_in(text: str) -> tuple[str, ...]:
    """What stands in a column of `Words` that was read as text."""
    return tuple(from_json(text) or ())


@lru_cache(maxsize=1_024)  # many rows have one instant in common: who is due, what was claimed
def _aware(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text + "+00:00") if text else None
