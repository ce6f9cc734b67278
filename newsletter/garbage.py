"""When Python looks for garbage that refers to itself; the work of this house makes hardly any."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEW = 20_000  # objects before the young are looked through; Python's 700 are half a mail


def look_seldom() -> None:
    """What stands stays: templates and libraries are not looked through again and again."""
    gc.freeze()
    gc.set_threshold(_NEW, *gc.get_threshold()[1:])


@contextmanager
def untouched() -> Iterator[None]:
    """For as long as a round takes that makes many objects which stay till its end.

    To look through those of 500 digests again and again costs as much as a third of the round.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
