"""`newsletter fleet`: workers on any number of machines over one PostgreSQL."""

from __future__ import annotations

import signal
import socket
import sys
from typing import Annotated

import typer

from newsletter import logs
from newsletter.app import App
from newsletter.cli.common import ConfigOption, terminal
from newsletter.cli.serve import end_in_time
from newsletter.config import load_settings
from newsletter.errors import ConfigError

cli = typer.Typer(
    help="Workers on any number of machines over one PostgreSQL.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@cli.callback()
def _fleet() -> None:
    """Keeps `worker` a command of its own name while it is the only one."""


@cli.command()
def worker(
    name: Annotated[
        str, typer.Option("--name", help="What the log calls it; by default this machine's name.")
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Does its share of the work of all workers, until SIGTERM. Reads lists, makes and sends digests."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the worker has its own way
    settings = load_settings(config)
    if settings.store_url.startswith("sqlite"):
        raise ConfigError(
            "store.url",
            ["a fleet needs PostgreSQL; `newsletter run` does everything on one SQLite file"],
        )
    try:
        # Imported late: only this command needs Procrastinate.
        from newsletter.fleet.worker import Worker
    except ImportError:
        raise ConfigError(
            "fleet", ["Procrastinate is not installed; pip install 'newsletter[fleet]'"]
        ) from None
    app = App(settings)
    logs.set_up(app.settings.operator.log_format, app.settings.operator.log_level, sys.stderr)
    called = name or socket.gethostname()
    at_work = Worker(app, name=called, on_stopping=end_in_time)
    terminal.print(f"The worker {called} is at work (Ctrl-C ends it)", markup=False, soft_wrap=True)
    at_work.run()
