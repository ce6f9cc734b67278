"""`newsletter migrate-store`: a living installation into another database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer

from newsletter.app import App
from newsletter.cli.common import ConfigOption, note, progress_bar
from newsletter.config import load_settings
from newsletter.store.moving import Moved, move

_NAMED = ("papers", "subscribers", "digests", "deliveries")


def migrate_store(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Address of the old database.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Address of an empty one.")],
    config: ConfigOption = None,
) -> None:
    """Moves everything into another database. Compares the two; the old one stays as it is."""
    app = App(load_settings(config))
    try:
        with _at_rest(app, source):
            moved = _moved(source, target)
    except KeyboardInterrupt:
        note("Interrupted: start it again with the same words, and it goes on where it was.")
        raise
    typer.echo(_told(moved))
    note("The old database is as it was. Now set store.url to the new address and start.")


@contextmanager
def _at_rest(app: App, source: str) -> Iterator[None]:
    """No service is at work on the old database, also where our settings name another one already.

    Raises:
        StoreError: one is.
    """
    # Imported late: the lock lies in the room that knows the scheduler and the web.
    from newsletter.runner import held, lock_beside, locks_of, only_instance

    with ExitStack() as locks:
        locks.enter_context(only_instance(app))
        lock = lock_beside(source)
        # Without a lock no service was ever at work there: it may be a copy.
        if lock and lock not in locks_of(app) and lock.exists():
            locks.enter_context(held(lock))
        yield


def _moved(source: str, target: str) -> Moved:
    with progress_bar() as progress:
        task = progress.add_task("Opening", total=None)

        def tell(what: str, done: int, of: int) -> None:
            progress.update(task, description=what, completed=done, total=of)

        return move(source, target, tell=tell)


def _told(moved: Moved) -> str:
    named = ", ".join(f"{name} {moved.rows[name]:,}" for name in _NAMED)
    before = f", {moved.found:,} of them before" if moved.found else ""
    return f"{sum(moved.rows.values()):,} rows moved{before}, and found the same ({named})"
