"""`newsletter serve` and `newsletter run`: the pages, and the whole scheduled service."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from threading import Timer
from typing import Annotated

import typer

from newsletter import logs
from newsletter.app import App
from newsletter.cli.common import (
    ConfigOption,
    note,
    tell_mistyped_templates,
    tell_where_mails_go,
    terminal,
)
from newsletter.config import load_settings
from newsletter.listen import bind, url_of

_log = logging.getLogger(__name__)
_END_SECONDS = 9.0  # docker stop waits for 10

_Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
_Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes any free one.")]


def serve(host: _Host = "127.0.0.1", port: _Port = 8080, config: ConfigOption = None) -> None:
    """Serves the pages, and sends the mails that they cause."""
    _serve(host, port, config, whole=False)


def run(host: _Host = "127.0.0.1", port: _Port = 8080, config: ConfigOption = None) -> None:
    """Runs everything: lists, digests at their hour, pages."""
    _serve(host, port, config, whole=True)


def _serve(host: str, port: int, config: Path | None, *, whole: bool) -> None:
    # Imported late: only these commands need the web and the scheduler.
    from newsletter.runner import Runner, only_instance

    app = App(load_settings(config))
    logs.set_up(app.settings.operator.log_format, app.settings.operator.log_level, sys.stderr)
    _tell_first_steps(app, whole=whole)
    # uvicorn finishes what it has in hand and then raises the signal again: that is a clean end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with only_instance(app), bind(host, port) as listening:
        url = url_of(listening)
        runner = Runner(app, on_ready=lambda: _say_where(url), on_stopping=end_in_time, whole=whole)
        runner.run(listening)


def end_in_time() -> None:
    """Whatever still hangs when the time is up (a relay, a page) is left as a crash would leave it.

    The ledger stands that, and a service manager would kill the process a little later anyway.
    """
    last = Timer(_END_SECONDS, _leave)
    last.daemon = True
    last.start()


def _leave() -> None:
    _log.warning("something hangs; the process ends without it")
    sys.stderr.flush()
    os._exit(0)


def _say_where(url: str) -> None:
    terminal.print(f"The pages are at {url} (Ctrl-C ends them)", markup=False, soft_wrap=True)


def _tell_first_steps(app: App, *, whole: bool) -> None:
    tell_where_mails_go(app)
    tell_mistyped_templates(app)
    if not whole and not app.has_papers:
        note("No papers are stored: a bundled page stands in; `newsletter fetch` reads today's.")
