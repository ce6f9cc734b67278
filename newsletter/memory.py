"""How this process keeps its memory: what stands stays, and room for the next mail is not given back."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_NEW = 20_000  # objects before the young are looked through; Python's 700 are half a mail
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # names of glibc (mallopt(3))
_ROOM = ((_TRIM_THRESHOLD, 8 << 20), (_TOP_PAD, 1 << 20), (_MMAP_THRESHOLD, 512 << 10))  # octets


def settle_in() -> None:
    """For a process that makes mails from now on.

    Templates and libraries are not looked through again and again for garbage. And glibc gives what
    lies free at the end of its memory back to the system from 128 KB on, to ask for it again with
    the next mail: its 60 KB then take seven times as long to be joined.
    """
    gc.freeze()
    gc.set_threshold(_NEW, *gc.get_threshold()[1:])
    with suppress(OSError, AttributeError):  # another system has another way, or none
        mallopt = ctypes.CDLL(None).mallopt
        for name, octets in _ROOM:
            mallopt(name, octets)


def give_back() -> None:
    """What lies free goes back to the system: after work that takes much and leaves little."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


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
