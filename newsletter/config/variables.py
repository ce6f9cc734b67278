"""Environment variables as settings; one that ends in `_FILE` says where its value lies."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

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
        keys = [f"{self.env_prefix}{key}".lower() for key in _keys(settings)]
        _refuse_unknown(self.env_vars, keys, self.env_prefix.lower())
        self.env_vars = _filled_in(self.env_vars, keys)


class _FromFile(str):
    """Text that error messages do not repeat."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "what stands in its file"


def _keys(settings: type[BaseSettings]) -> Iterator[str]:
    for table, field in settings.model_fields.items():
        for key in getattr(field.annotation, "model_fields", ()):
            yield f"{table}__{key}"


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
