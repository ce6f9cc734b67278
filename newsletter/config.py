"""Settings and profiles: TOML and environment in, frozen values out, every mistake at once.

Order, last wins: `config/newsletter.toml` of the package, the operator's own file, environment
variables (`NEWSLETTER_SOURCES__BASE_URL`).
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import available_timezones

from platformdirs import user_cache_path, user_data_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    StringConstraints,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from newsletter.errors import ConfigError
from newsletter.membership import Wishes, one_line, wishes_of
from newsletter.model import Cadence, Format, Profile, Publication, Subscriber

# pydantic speaks to programmers; these are the mistakes people make.
_PLAIN = {
    "tuple_type": 'must be a list such as ["one", "two"]',
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "model_type": "must be a table",
    "string_too_short": "must not be empty",
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?"
_FROZEN = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
_PACKAGE = Path(__file__).resolve().parent


def data_dir(name: str) -> Path:
    """A directory that ships with us (`templates`, `config`): in a checkout, else inside the wheel."""
    checkout = _PACKAGE.parent / name
    return (
        checkout if (_PACKAGE.parent / "pyproject.toml").is_file() else (_PACKAGE / "_data" / name)
    )


def _one_address(value: str) -> str:
    if value.count("@") != 1 or any(c.isspace() or c in '<>,;"' for c in value):
        raise ValueError("is not a plain e-mail address such as digest@example.org")
    return value


def _web_address(value: str) -> str:
    HttpUrl(value)
    return value.rstrip("/")


def _weekday(value: object) -> object:
    """A day may be written as a word, whole or its first three letters."""
    word = value.strip().lower() if isinstance(value, str) else ""
    days = [name for name in _DAYS if word in (name, name[:3])]
    if word and not days and not word.isdecimal():
        raise ValueError("must be a day such as mon or tuesday, or 0 (Monday) to 6")
    return _DAYS.index(days[0]) if days else value


def _local_time(value: object) -> object:
    """Hours and minutes; seconds, which TOML allows, are left out."""
    if isinstance(value, str) and (found := re.fullmatch(_CLOCK, value.strip())):
        return time(int(found[1]), int(found[2]))
    if isinstance(value, time) and value.tzinfo is None:
        return value.replace(second=0, microsecond=0)
    raise ValueError("must be a local time such as 08:00")


def _plain(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


Interest = Annotated[str, BeforeValidator(_plain), StringConstraints(min_length=1, max_length=1000)]
# The longest sensible list is a whole library pasted as liked papers.
Interests = Annotated[tuple[Interest, ...], Field(max_length=5000)]
Address = Annotated[str, AfterValidator(_one_address)]
Web = Annotated[str, AfterValidator(_web_address)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\r\n]*$")]


class PublicationSettings(BaseModel):
    """`[publication]`: who sends."""

    model_config = _FROZEN

    name: Line
    tagline: str
    base_url: Web
    from_name: Line
    from_address: Address
    reply_to: Address
    list_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]
    sender_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{5,15}$")]
    postal_address: Annotated[str, StringConstraints(min_length=1)]

    def value(self) -> Publication:
        """The noun of the model."""
        return Publication(**self.model_dump())


class StoreSettings(BaseModel):
    """`[store]`: an SQLAlchemy address; empty means a SQLite file in the state directory."""

    model_config = _FROZEN

    url: str


class PathSettings(BaseModel):
    """`[paths]`: empty means the directory the system gives this user."""

    model_config = _FROZEN

    state: str
    cache: str
    templates: str


class SourceSettings(BaseModel):
    """`[sources]`: where lists come from and how politely they are asked for."""

    model_config = _FROZEN

    default: Annotated[tuple[str, ...], Field(min_length=1)]
    base_url: Web
    mirrors: tuple[str, ...]
    extra_hosts: tuple[str, ...]
    allow_private: bool
    arxiv_url: Web
    arxiv_fallback: Annotated[str, StringConstraints(pattern=r"^([A-Za-z.-]+(\+[A-Za-z.-]+)*)?$")]
    user_agent: Line
    contact: str
    timeout_seconds: Annotated[float, Field(gt=0, le=300)]
    max_bytes: Annotated[int, Field(ge=10_000, le=200_000_000)]
    attempts: Annotated[int, Field(ge=1, le=10)]
    longest_wait_seconds: Annotated[float, Field(ge=0, le=3600)]
    obey_robots: bool
    proxy: str
    ca_file: str
    days_back: Annotated[int, Field(ge=1, le=31)]


class MailSettings(BaseModel):
    """`[mail]`: limits of a finished mail."""

    model_config = _FROZEN

    html_limit: Annotated[int, Field(ge=30_000, le=100_000)]


class Settings(BaseSettings):
    """All settings of one installation."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="NEWSLETTER_",
        env_nested_delimiter="__",
        str_strip_whitespace=True,
    )

    publication: PublicationSettings
    store: StoreSettings
    paths: PathSettings
    sources: SourceSettings
    mail: MailSettings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over the operator's file (given as arguments) over what ships with us."""
        del dotenv_settings, file_secret_settings
        shipped = _read_toml(data_dir("config") / "newsletter.toml")
        return env_settings, init_settings, InitSettingsSource(settings_cls, init_kwargs=shipped)

    @property
    def state_dir(self) -> Path:
        """Where the SQLite file lives."""
        return Path(self.paths.state) if self.paths.state else user_data_path("newsletter")

    @property
    def cache_dir(self) -> Path:
        """Where answers of the web are kept for conditional requests."""
        return Path(self.paths.cache) if self.paths.cache else user_cache_path("newsletter")

    @property
    def store_url(self) -> str:
        return self.store.url or f"sqlite:///{self.state_dir / 'newsletter.db'}"


def load_settings(file: Path | None = None) -> Settings:
    """The settings of this installation.

    Raises:
        ConfigError: the file is missing or not TOML, or any key is unknown or has a wrong value.
    """
    given = _read_toml(file) if file else {}
    try:
        return Settings(**given)
    except ValidationError as error:
        where = str(file) if file else "settings (defaults and environment)"
        raise ConfigError(where, _sentences(error, Settings)) from None


class ReaderFile(BaseModel):
    """A reader as a file: the fields of `Profile` (bare or under `[profile]`) and who it is for."""

    model_config = _FROZEN

    name: Annotated[
        str, StringConstraints(max_length=80, pattern=r"^[^\r\n]*$"), AfterValidator(one_line)
    ] = ""
    email: Address = "you@reader.example"
    cadence: Cadence = Cadence.WEEKDAYS
    send_at: Annotated[time, BeforeValidator(_local_time)] = time(8, 0)
    weekday: Annotated[int, BeforeValidator(_weekday), Field(ge=0, le=6)] = 0
    timezone: Annotated[str, AfterValidator(lambda zone: _known_zone(zone))] = "UTC"
    format: Format = Format.HTML
    since: date | None = None

    topics: Interests = ()
    keywords: Interests = ()
    authors: Interests = ()
    organizations: Interests = ()
    categories: Interests = ()
    liked: Interests = ()
    disliked: Interests = ()
    muted: Interests = ()
    max_papers: Annotated[int, Field(ge=1, le=50)] = 10
    min_score: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    trend_weight: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.25
    surprise: bool = True
    abstract_length: Annotated[int, Field(ge=0, le=2000)] = 280

    def subscriber(self, reader_id: str) -> Subscriber:
        """The reader as a subscriber called `reader_id`."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        profile = Profile(**{f.name: given.pop(f.name) for f in fields(Profile)})
        return Subscriber(id=reader_id, profile=profile, **given)


def load_reader(file: Path) -> Subscriber:
    """Reads a reader's file; its name without ending becomes the id.

    Raises:
        ConfigError: naming the file and every key that is wrong.
    """
    given = _read_toml(file)
    table = given.pop("profile", {})
    if not isinstance(table, dict):
        raise ConfigError(str(file), ["profile: must be a table, written [profile]"])
    if twice := sorted(given.keys() & table.keys()):
        raise ConfigError(str(file), [f"{key}: stands twice" for key in twice])
    try:
        return ReaderFile(**given, **table).subscriber(file.stem)
    except ValidationError as error:
        raise ConfigError(str(file), _sentences(error, ReaderFile)) from None


def check_wishes(given: Mapping[str, Any], where: str, base: Wishes | None = None) -> Wishes:
    """What a reader asks for, from the keys of a reader's file; `base` gives what is not said.

    Raises:
        ConfigError: naming `where` and every key that is wrong.
    """
    known = base or Wishes()
    told = {f.name: getattr(known, f.name) for f in fields(Wishes) if f.name != "profile"}
    told |= {f.name: getattr(known.profile, f.name) for f in fields(Profile)}
    try:
        return wishes_of(ReaderFile(**{**told, **given}).subscriber(""))
    except ValidationError as error:
        raise ConfigError(where, _sentences(error, ReaderFile)) from None


@cache  # the set is read from many files, which never change while we run
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        close = difflib.get_close_matches(name, _zones(), 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(f"is no IANA time zone such as Europe/Berlin{hint}")
    return name


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(str(file), ["there is no such file"]) from None
    except OSError as error:
        raise ConfigError(str(file), [f"cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError:
        raise ConfigError(str(file), ["is not UTF-8 text"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(file), [f"is not valid TOML: {error}"]) from None


def _sentences(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One sentence a mistake, each beginning with its key."""
    return [_sentence(mistake, model) for mistake in error.errors(include_url=False)]


def _sentence(mistake: Any, model: type[BaseModel]) -> str:
    path = [part for part in mistake["loc"] if isinstance(part, str)]
    key = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "extra_forbidden":
        close = difflib.get_close_matches(path[-1], _keys_beside(path, model), 1)
        return f"{key}: unknown key" + (f"; did you mean {close[0]}?" if close else "")
    message = _PLAIN.get(mistake["type"], mistake["msg"].removeprefix("Value error, "))
    given = repr(mistake["input"])
    return f"{key}: {message} (given: {given if len(given) < 60 else given[:57] + '...'})"


def _keys_beside(path: list[str], model: type[BaseModel]) -> list[str]:
    for part in path[:-1]:
        field = model.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type):
            return []
        model = field.annotation
    return list(model.model_fields)
