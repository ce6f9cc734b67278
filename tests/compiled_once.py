"""Jinja compiles a template once a run, not once for each installation that a test builds."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import CodeType

import pytest
from jinja2 import Environment

_compile_anew = Environment.compile


def compile_once(patch: pytest.MonkeyPatch) -> None:
    """Code that is made of the same source in the same manner is made once from now on."""
    made: dict[object, object] = {}

    def compiled(self: Environment, source: object, *names: object, **how: object) -> object:
        def anew() -> object:
            return _compile_anew(self, source, *names, **how)

        # Of what is derived from it we do not know what its code depends on; a tree may be changed.
        if type(self) is not Environment or not isinstance(source, str):
            return anew()
        asked = (source, names, tuple(how.items()), _manner(self))
        if asked not in made:
            made[asked] = anew()
        return made[asked]

    patch.setattr(Environment, "compile", compiled)
    patch.setattr(Environment, "_compile", lambda _, source, file: _code(source, file))


def _manner(environment: Environment) -> tuple[object, ...]:
    """All that the code of a template depends on, but for its source."""
    return (
        *(environment.autoescape, environment.trim_blocks, environment.lstrip_blocks),
        *(environment.keep_trailing_newline, environment.optimized, environment.is_async),
        *(environment.undefined, environment.finalize),
        *(environment.block_start_string, environment.variable_start_string),
        tuple(environment.extensions),
        tuple(environment.filters.items()),
        tuple(environment.tests.items()),
    )


_code: Callable[[str, str], CodeType] = cache(lambda source, file: compile(source, file, "exec"))
