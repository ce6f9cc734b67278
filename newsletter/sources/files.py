"""Reading a local file as a source, with a clear sentence for every way it can fail."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from newsletter.errors import SourceError


def read_file(path: str, *, max_bytes: int) -> bytes:
    """The bytes of a regular file.

    Raises:
        SourceError: missing, a directory or device, larger than `max_bytes`, or not readable.
    """
    try:
        # Looked at before it is opened: opening a pipe would wait for somebody to write into it.
        _refuse(path, Path(path).stat(), max_bytes)
        with Path(path).open("rb") as file:
            return file.read(max_bytes)
    except FileNotFoundError:
        raise SourceError("there is no such file", source=path) from None
    except PermissionError:
        raise SourceError("the file may not be read by this user", source=path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no usable path"
        raise SourceError(f"the file cannot be read: {reason}", source=path) from None


def _refuse(path: str, status: os.stat_result, max_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise SourceError("this is a directory; name a file in it", source=path)
    if not stat.S_ISREG(status.st_mode):
        raise SourceError("this is no regular file", source=path)
    if status.st_size > max_bytes:
        size = f"{status.st_size} bytes, more than the {max_bytes} allowed (sources.max_bytes)"
        raise SourceError(f"the file is too large: {size}", source=path)
