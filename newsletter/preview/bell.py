"""Live reload: watches what previews are made of and rings every open page when it changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from newsletter.errors import NewsletterError
from newsletter.preview.workbench import Workbench

_KEEPALIVE_SECONDS = 15.0
_DEBOUNCE_MS = 400  # an editor's save is several changes within some milliseconds
_RECONNECT_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Something changed.

    Attributes:
        files: names of the changed files, without directories.
        studio: the studio's own page changed, so the page itself must be loaded again.
    """

    files: tuple[str, ...]
    studio: bool = False

    def event(self) -> bytes:
        """As a server-sent event (HTML standard, section 9.2)."""
        name = "studio" if self.studio else "tick"
        return f"event: {name}\ndata: {json.dumps({'files': self.files})}\n\n".encode()


class Bell:
    """Tells every listener of each change; lives in one event loop."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Ring | None]] = set()
        self._closed = False

    def ring(self, ring: Ring) -> None:
        """Tells everybody who listens now."""
        for listener in self._listeners:
            listener.put_nowait(ring)

    def close(self) -> None:
        """Ends all streams, so that a server waiting for its connections can stop."""
        self._closed = True
        for listener in self._listeners:
            listener.put_nowait(None)

    async def listen(self) -> AsyncIterator[bytes]:
        """The stream of one page, until the bell is closed or the page leaves."""
        queue: asyncio.Queue[Ring | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield f"retry: {_RECONNECT_MS}\n: listening\n\n".encode()
            while not self._closed:
                event = await _next_event(queue)
                if event is None:
                    return
                yield event
        finally:
            self._listeners.discard(queue)


async def _next_event(queue: asyncio.Queue[Ring | None]) -> bytes | None:
    try:
        ring = await asyncio.wait_for(queue.get(), _KEEPALIVE_SECONDS)
    except TimeoutError:
        return b": still here\n\n"
    return ring.event() if ring else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is watched: single files and whole directories, as absolute paths."""

    files: frozenset[Path]
    folders: frozenset[Path]

    @classmethod
    def over(cls, paths: Iterable[Path]) -> Watch:
        """Links count as themselves and as what they lead to, for either may be replaced."""
        both = {form for path in paths for form in (path.absolute(), path.resolve())}
        folders = frozenset(path for path in both if path.is_dir())
        return cls(files=frozenset(both - folders), folders=folders)

    @property
    def roots(self) -> tuple[Path, ...]:
        """The directories to listen to.

        A file is watched through its directory, because most editors replace files when saving.
        """
        below = {d for top in self.folders for d in (top, *top.rglob("*")) if d.is_dir()}
        beside = {file.parent for file in self.files if file.parent.is_dir()}
        return tuple(sorted(below | beside))

    def wants(self, path: Path) -> bool:
        return path in self.files or any(path.is_relative_to(folder) for folder in self.folders)


async def ring_on_change(
    workbench: Workbench, template_dir: Path, bell: Bell, stop: asyncio.Event
) -> None:
    """Rings the bell at every change of what is watched, until `stop` is set."""
    watched = _look(workbench, template_dir, Watch.over((template_dir,)))
    polling = False
    while not stop.is_set():
        try:
            async for files in _changes(watched, stop, polling=polling):
                bell.ring(_ring(files, template_dir))
                now = _look(workbench, template_dir, watched)
                if now != watched:  # the settings name another directory now
                    watched = now
                    break
        except OSError:  # the system watches no more files for this user: look at them instead
            if polling:
                raise
            polling = True


def _look(workbench: Workbench, template_dir: Path, last: Watch) -> Watch:
    """What to watch now; while the settings are broken, what was watched last."""
    try:
        return Watch.over((*workbench.watched, template_dir))
    except NewsletterError:
        return last


async def _changes(
    watched: Watch, stop: asyncio.Event, *, polling: bool
) -> AsyncIterator[frozenset[Path]]:
    ignore_temporary = DefaultFilter(ignore_dirs=())

    def wanted(change: Change, path: str) -> bool:
        return ignore_temporary(change, path) and watched.wants(Path(path))

    async for changes in awatch(
        *watched.roots,
        watch_filter=wanted,
        debounce=_DEBOUNCE_MS,
        stop_event=stop,
        recursive=False,
        force_polling=polling or None,
    ):
        yield frozenset(Path(path) for _, path in changes)


def _ring(files: frozenset[Path], template_dir: Path) -> Ring:
    own = template_dir.resolve()
    studio = any(file.resolve().is_relative_to(own) for file in files)
    return Ring(files=tuple(sorted({file.name for file in files})), studio=studio)
