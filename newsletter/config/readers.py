"""A reader as a file, and what a reader asks for as checked values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError

from newsletter.config.fields import (
    FROZEN,
    Address,
    Interests,
    LocalTime,
    Number,
    Weekday,
    Whole,
    Zone,
)
from newsletter.config.files import read_toml, sentences
from newsletter.errors import ConfigError
from newsletter.membership import Wishes, one_line, wishes_of
from newsletter.model import Cadence, Format, Profile, Subscriber


class ReaderFile(BaseModel):
    """A reader as a file: the fields of `Profile` (bare or under `[profile]`) and who it is for."""

    model_config = FROZEN

    name: Annotated[
        str, StringConstraints(max_length=80, pattern=r"^[^\r\n]*$"), AfterValidator(one_line)
    ] = ""
    email: Address = "you@reader.example"
    cadence: Cadence = Cadence.WEEKDAYS
    send_at: LocalTime = time(8, 0)
    weekday: Weekday = 0
    timezone: Zone = "UTC"
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
    max_papers: Annotated[Whole, Field(ge=1, le=50)] = 10
    min_score: Annotated[Number, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    trend_weight: Annotated[Number, Field(ge=0, le=1, allow_inf_nan=False)] = 0.25
    surprise: bool = True
    abstract_length: Annotated[Whole, Field(ge=0, le=2000)] = 280

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
    given = read_toml(file)
    table = given.pop("profile", {})
    if not isinstance(table, dict):
        raise ConfigError(str(file), ["profile: must be a table, written [profile]"])
    if twice := sorted(given.keys() & table.keys()):
        raise ConfigError(str(file), [f"{key}: stands twice" for key in twice])
    try:
        return ReaderFile(**given, **table).subscriber(file.stem)
    except ValidationError as error:
        raise ConfigError(str(file), sentences(error, ReaderFile)) from None


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
        raise ConfigError(where, sentences(error, ReaderFile)) from None
