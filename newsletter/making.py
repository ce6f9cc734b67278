"""Frozen values made by the thousand, as out of the rows of a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, make_dataclass
from typing import Any, TypeVar

_Noun = TypeVar("_Noun")


def maker(noun: type[_Noun]) -> Callable[..., _Noun]:
    """Makes a frozen dataclass with slots from all its values in the order of its fields.

    In a third of the time of the class itself: that one has to get around its own guard for each
    value. Here the value is put together as its unguarded twin, and frozen as a whole.
    """
    names = [field.name for field in fields(noun)]  # type: ignore[arg-type]
    twin: Callable[..., Any] = make_dataclass(noun.__name__, names, slots=True)

    def made(*values: Any) -> _Noun:
        one = twin(*values)
        one.__class__ = noun
        return one  # type: ignore[no-any-return]

    return made
