"""What ships with us and what an operator writes: found, read as TOML, mistakes told in sentences."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from newsletter.errors import ConfigError

_A_DAY = "must be a day such as 2026-04-03"
_PLAIN = {
    "tuple_type": 'must be a list such as ["one", "two"]',
    "list_type": 'must be a list such as ["one", "two"]',
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be {ge:.15g} or more",
    "greater_than": "must be more than {gt:.15g}",
    "less_than_equal": "must be {le:.15g} or less",
    "less_than": "must be less than {lt:.15g}",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "date_type": _A_DAY,
    "date_parsing": _A_DAY,
    "date_from_datetime_parsing": _A_DAY,
    "date_from_datetime_inexact": _A_DAY,
    "model_type": "must be a table",
    "missing": "is missing",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must be one line",  # the only shape that is not told by its field
}
NOT_TO_BE_SHOWN = "secret_type"  # the kind of mistake whose value is not repeated
_LOGIN = re.compile(r"[^\s/@]:[^\s/@]+@|password")  # one before a host, or in a table as text
_PACKAGE = Path(__file__).resolve().parent.parent


def data_dir(name: str) -> Path:
    """A directory that ships with us (`templates`, `config`): in a checkout, else inside the wheel."""
    checkout = _PACKAGE.parent / name
    return (
        checkout if (_PACKAGE.parent / "pyproject.toml").is_file() else (_PACKAGE / "_data" / name)
    )


def read_toml(file: Path) -> dict[str, Any]:
    """The content of a file.

    Raises:
        ConfigError: it is missing, no text or no TOML.
    """
    try:
        # Editors of Windows begin a file with a mark, which TOML does not know.
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(str(file), ["there is no such file"]) from None
    except OSError as error:
        raise ConfigError(str(file), [f"cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError:
        raise ConfigError(str(file), ["is not UTF-8 text"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(file), [f"is not valid TOML: {error}"]) from None


def sentences(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One sentence a mistake, each beginning with its key."""
    mistakes = error.errors(include_url=False)
    return [_sentence(mistake, model) for mistake in mistakes if not _follows(mistake)]


def _follows(mistake: Any) -> bool:
    """Whether it is told already by another: a list counts as empty when all in it is wrong."""
    given = mistake["input"]
    return mistake["type"] == "too_short" and isinstance(given, list | tuple) and bool(given)


def in_words(mistake: Any) -> str:
    """What a value must be, in our words rather than those of the library that checked it."""
    kind, told = mistake["type"], mistake.get("ctx", {})
    if kind == "too_long":
        things = "characters" if isinstance(mistake["input"], str) else "entries"
        return f"must have at most {told['max_length']:,} {things}"
    if kind == "string_too_short" and mistake["input"].strip():
        return f"must have {told['min_length']} characters at least"
    if kind in _PLAIN:
        return _PLAIN[kind].format(**told)
    return str(mistake["msg"].removeprefix("Value error, "))


def _sentence(mistake: Any, model: type[BaseModel]) -> str:
    path = [part for part in mistake["loc"] if isinstance(part, str)]
    key = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "extra_forbidden":
        close = difflib.get_close_matches(path[-1], _keys_beside(path, model), 1)
        return f"{key}: unknown key" + (f"; did you mean {close[0]}?" if close else "")
    if mistake["type"] == "tuple_type" and isinstance(mistake["input"], dict):
        return f"{key}: is a list of tables, with double brackets: [[{key}]]"
    return f"{key}: {in_words(mistake)}{_given(mistake)}"


def _given(mistake: Any) -> str:
    """What was written, unless it is a secret or may hold one."""
    value = mistake["input"]
    if mistake["type"] in (NOT_TO_BE_SHOWN, "missing") or (
        value and isinstance(value, dict | list)
    ):
        return ""
    shown = repr(value).lower() if isinstance(value, bool) else repr(value)  # as in TOML
    if _LOGIN.search(shown):
        return ""
    return f" (given: {shown if len(shown) < 60 else shown[:57] + '...'})"


def _keys_beside(path: list[str], model: type[BaseModel]) -> list[str]:
    for part in path[:-1]:
        field = model.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type):
            return []
        model = field.annotation
    return list(model.model_fields)
