"""The topics offered to a reader who does not know what to write."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from newsletter.config.files import data_dir, read_toml
from newsletter.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One offered topic.

    Attributes:
        slug: its name in addresses of pages.
        words: what somebody may type who means it.
    """

    slug: str
    name: str
    words: tuple[str, ...] = ()


def load_topics() -> tuple[Topic, ...]:
    """The topics that ship with us.

    Raises:
        ConfigError: the file is broken, or two topics have the same name.
    """
    where = data_dir("config") / "topics.toml"
    tables = read_toml(where).get("topic", [])
    problems = [
        f"topic {place}: needs a name"
        for place, table in enumerate(tables, 1)
        if not (isinstance(table, dict) and str(table.get("name", "")).strip())
    ]
    if problems:
        raise ConfigError(str(where), problems)
    topics = tuple(_topic(table) for table in tables)
    slugs = [topic.slug for topic in topics]
    if twice := sorted({slug for slug in slugs if slugs.count(slug) > 1}):
        raise ConfigError(str(where), [f"{slug}: stands twice" for slug in twice])
    return topics


def _topic(table: dict[str, object]) -> Topic:
    name = str(table["name"]).strip()
    words = table.get("words", [])
    given = tuple(map(str, words)) if isinstance(words, list) else ()
    return Topic(slug=_slug(name), name=name, words=given)


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "topic"
