"""Environment variables as settings; one that ends in `_FILE` says where its value lies."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_origin

from pydantic_settings import BaseSettings, EnvSettingsSource

from newsletter.errors import ConfigError

_MOST_OCTETS = 65_536


class Variables(EnvSettingsSource):
    """The environment, each `NEWSLETTER_X__Y_FILE` replaced by what stands in the file it names.

    That is how Docker, Kubernetes and systemd hand secrets over. A key that itself ends in `_file`
    (`dkim.key_file`) stays what it is.

    Raises:
        ConfigError: naming each variable whose file cannot be used, never a content.
    """

    def __init__(self, settings: type[BaseSettings]) -> None:
        super().__init__(settings)
        kinds = {f"{self.env_prefix}{key}".lower(): kind for key, kind in _keys(settings)}
        _refuse_unknown(self.env_vars, list(kinds), self.env_prefix.lower())
        self.env_vars = _filled_in(self.env_vars, kinds)
        _refuse_no_json(self.env_vars, kinds)


class _FromFile(str):
    """Text that error messages do not repeat."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "what stands in its file"


def _keys(settings: type[BaseSettings]) -> Iterator[tuple[str, object]]:
    """Each variable, without the prefix, and what kind of value it holds."""
    for table, field in settings.model_fields.items():
        for key, inner in getattr(field.annotation, "model_fields", {}).items():
            yield f"{table}__{key}", inner.annotation


def _refuse_unknown(given: Iterable[str], names: Sequence[str], prefix: str) -> None:
    """What pydantic would pass over. Other variables may begin like ours: Kubernetes makes some.

    Raises:
        ConfigError: a table that is none, or a single underscore between table and key.
    """
    tables = {name.partition("__")[0] for name in names}
    single = {name.replace("__", "_"): name for name in names}
    problems = []
    for name in sorted(given):
        table, parted, _ = name.partition("__")
        meant = single.get(name) or single.get(name.removesuffix("_file"))
        if parted and name.startswith(prefix) and table not in tables:
            close = difflib.get_close_matches(table, tables, 1)
            hint = f"; did you mean {close[0].upper()}__...?" if close else ""
            problems.append(f"{name.upper()}: no table has this name{hint}")
        elif meant:
            problems.append(f"{name.upper()}: has two underscores, {meant.upper()}")
    if problems:
        raise ConfigError("environment", problems)


def _refuse_no_json(given: Mapping[str, str | None], kinds: Mapping[str, object]) -> None:
    """What pydantic would tell by the table alone. No value is repeated: it may hold a password.

    Raises:
        ConfigError: a list or a table that is not written as JSON.
    """
    written = {tuple: 'a list such as ["one", "two"]', dict: "a table in braces"}
    problems = [
        f"{name.upper()}: must be JSON, {written[kind]}"
        for name in sorted(given)
        if (kind := get_origin(kinds.get(name))) in written and not _is_json(given[name])
    ]
    if problems:
        raise ConfigError("environment", problems)


def _is_json(text: str | None) -> bool:
    try:
        return not text or json.loads(text) is not None
    except ValueError:
        return False


def _filled_in(given: Mapping[str, str | None], names: Iterable[str]) -> dict[str, str | None]:
    filled, problems = dict(given), []
    for name in names:
        file = filled.pop(f"{name}_file", None)
        if file is None:
            continue
        try:
            filled[name] = _content(file, is_given=name in given)
        except ValueError as error:
            problems.append(f"{name.upper()}_FILE: {error}")
    if problems:
        raise ConfigError("environment", problems)
    return filled


def _content(file: str, *, is_given: bool) -> str:
    """The text of a file. Its name is not repeated either: it may be a secret put in the wrong place."""
    if is_given:
        raise ValueError("the same variable without _FILE is given too; leave one of them out")
    try:
        with Path(file).open("rb") as opened:
            octets = opened.read(_MOST_OCTETS + 1)
    except OSError as error:
        raise ValueError(f"the file it names cannot be read ({error.strerror})") from None
    if len(octets) > _MOST_OCTETS:
        raise ValueError(f"the file it names is larger than {_MOST_OCTETS:,} octets")
    try:
        text = octets.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("the file it names is not UTF-8 text") from None
    if not text:
        raise ValueError("the file it names is empty")
    return _FromFile(text)
