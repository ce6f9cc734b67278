"""The doors for people: what is typed in a terminal, and what comes back as text and exit code.

Exit codes: 0 done, 1 broken template, mail or database, 2 wrong usage, setting, profile
or subscriber, 3 a source failed.
"""

from __future__ import annotations

import os
import sys
import webbrowser
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from newsletter import __version__
from newsletter.app import App
from newsletter.cli import fleet, keys, operate, subscribers
from newsletter.cli.common import (
    ConfigOption,
    Doors,
    complain,
    note,
    progress_bar,
    tell_mistyped_templates,
    terminal,
)
from newsletter.cli.moving import migrate_store
from newsletter.cli.serve import run as run_service
from newsletter.cli.serve import serve as serve_pages
from newsletter.config import Settings, data_dir, load_reader, load_settings
from newsletter.errors import ConfigError, NewsletterError, SourceError, SubscriptionError
from newsletter.pipeline import BACKGROUND_PAPERS, Ingested, ingest
from newsletter.preview.shelves import stored_shelf, to_shelf
from newsletter.preview.workbench import USUAL_PORT, Shelf, Workbench
from newsletter.preview.write import write_preview
from newsletter.sources.lines import lines_of
from newsletter.sources.spec import SourceSpec, parse_source
from newsletter.store import Store
from newsletter.subscriptions import remarks

cli = typer.Typer(
    name="newsletter",
    cls=Doors,
    help="Trending papers in your inbox: a personal digest with the reason for every pick.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="SOURCE",
        help="trending | daily | daily:YYYY-MM-DD | arxiv:cs.CL+cs.LG | URL | path; may be repeated.",
    ),
]
TemplatesOption = Annotated[
    Path | None,
    typer.Option("--templates", help="A directory whose files replace single mail templates."),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Write the digest there and exit, without a server.")
]
HostOption = Annotated[str, typer.Option("--host", help="Address the studio listens on.")]
PortOption = Annotated[
    int | None,
    typer.Option("--port", min=0, max=65535, help="Port of the studio; 0 takes any free one."),
]
NoOpenOption = Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")]


def main() -> None:
    """Runs the command line; what we foresaw ends in a sentence and an exit code."""
    try:
        cli()
    except NewsletterError as error:
        complain(error)
        sys.exit(_exit_code(error))
    except BrokenPipeError:  # `newsletter fetch --json | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _exit_code(error: NewsletterError) -> int:
    if isinstance(error, ConfigError | SubscriptionError):
        return 2
    return 3 if isinstance(error, SourceError) else 1


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"newsletter {__version__}")
        raise typer.Exit


@cli.callback()
def _newsletter(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


@cli.command()
def fetch(
    source: SourceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read, but keep nothing.")] = False,
    config: ConfigOption = None,
) -> None:
    """Reads lists of papers and keeps what is new."""
    app = App(load_settings(config))
    store = app.scratch_store() if dry_run else app.store
    failed = False
    for spec, done in _read_all(app, store, _specs(source, app.settings)):
        if isinstance(done, SourceError):
            failed = True
            complain(done)
        else:
            _show(done, as_json=as_json, dry_run=dry_run, asked=spec.name)
    if failed:
        raise typer.Exit(3)


@cli.command()
def preview(
    source: SourceOption = None,
    profile: Annotated[
        list[Path] | None,
        typer.Option("--profile", metavar="FILE.toml", help="A reader; may be repeated."),
    ] = None,
    out: OutOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = None,
    no_open: NoOpenOption = False,
    templates: TemplatesOption = None,
    config: ConfigOption = None,
) -> None:
    """Shows a reader's digest in the local studio, or writes it."""
    app = App(load_settings(config), templates=templates)
    readers = profile or _sample_readers()
    _check_before_reading(app, readers)
    bench = _workbench(app, readers, _shelves(app, source), config, templates)
    if out is not None:
        _write(bench, bench.readers if profile else bench.readers[:1], out)
        return
    _serve(bench, host, port, no_open=no_open)


@cli.command()
def demo(
    out: OutOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = None,
    no_open: NoOpenOption = False,
    config: ConfigOption = None,
) -> None:
    """Shows today's papers for two sample readers in the studio."""
    app = App(_hasty(load_settings(config)))
    shelf = _live_or_bundled(app)
    bench = _workbench(app, _sample_readers(), [shelf], config, None)
    if out is not None:
        _write(bench, bench.readers, out)
        return
    _serve(bench, host, port, no_open=no_open)


# In the order of `newsletter --help`: after the commands above.
cli.command("subscribe")(subscribers.add)
cli.command("run")(run_service)
cli.command("serve")(serve_pages)
cli.command("migrate-store")(migrate_store)
cli.add_typer(subscribers.cli, name="subscribers")
cli.add_typer(keys.cli, name="keys")
cli.add_typer(operate.cli)
cli.add_typer(fleet.cli, name="fleet")


def _specs(source: Sequence[str] | None, settings: Settings) -> list[SourceSpec]:
    """All sources parsed before the first is read, so that a typing mistake costs nothing."""
    return [parse_source(text) for text in source or settings.sources.default]


def _read_all(
    app: App, store: Store, specs: Sequence[SourceSpec], *, quiet: bool = False
) -> Iterator[tuple[SourceSpec, Ingested | SourceError]]:
    """Each source in turn, with what it brought or why it failed; notes are told as they come.

    `quiet` keeps back what servers make us wait for.
    """
    with progress_bar() as progress, app.reading(specs, None if quiet else note) as sources:
        for spec in progress.track(specs, description="Reading sources"):
            try:
                done = ingest(sources, store, spec, now=app.now())
            except SourceError as error:
                yield spec, error
                continue
            for sentence in done.listing.notes:
                note(f"{spec.name}: {sentence}")
            yield spec, done


def _show(done: Ingested, *, as_json: bool, dry_run: bool, asked: str) -> None:
    listing = done.listing
    if as_json:
        _say(lines_of(listing).rstrip("\n"))
        return
    kept = "kept nothing (dry run)" if dry_run else f"{len(done.new)} new"
    again = f", the same list as {done.repeats}" if done.repeats else ""
    stands_in = "" if listing.source == asked else f" from {listing.source}"
    count = len(listing.entries)
    papers = "1 paper" if count == 1 else f"{count} papers"
    _say(f"{asked}: {papers}{stands_in} by {listing.tier}, {kept}{again}")


def _say(text: str) -> None:
    """To standard output; where that is the terminal with the progress bar, around the bar."""
    if not text:  # an empty list as JSON lines
        return
    if sys.stdout.isatty() and terminal.is_terminal:
        terminal.print(text, markup=False, soft_wrap=True)
    else:
        typer.echo(text)


def _shelves(app: App, source: Sequence[str] | None) -> list[Shelf]:
    """What was asked for, else the stored papers, else the default sources.

    Raises:
        SourceError: a source could not be read.
    """
    if not source and app.has_papers:
        return [stored_shelf(app.store, days=app.settings.sources.days_back)]
    scratch = app.scratch_store()
    shelves = []
    for _, done in _read_all(app, scratch, _specs(source, app.settings)):
        if isinstance(done, SourceError):
            raise done
        shelves.append(to_shelf(scratch, done.listing))
    return shelves


def _live_or_bundled(app: App) -> Shelf:
    """Today's list, or what trends when there is none; without a network, the bundled text page."""
    scratch = app.scratch_store()
    for _, done in _read_all(
        app, scratch, [parse_source("daily"), parse_source("trending")], quiet=True
    ):
        if isinstance(done, SourceError):
            break  # offline: the next question would only make the person wait
        if done.listing.entries:
            return to_shelf(scratch, done.listing)
    note("Offline: using the bundled page of 111 papers instead of today's list.")
    return to_shelf(scratch, app.record_bundled(scratch).listing)


def _hasty(settings: Settings) -> Settings:
    """A demo waits for nobody: one try, a few seconds."""
    quick: dict[str, Any] = {"attempts": 1, "timeout_seconds": 6.0}
    return settings.model_copy(update={"sources": settings.sources.model_copy(update=quick)})


def _check_before_reading(app: App, readers: Sequence[Path]) -> None:
    """A broken reader, template or model is said before anybody waits for a network."""
    for file in readers:
        for sentence in remarks(load_reader(file).profile):
            note(f"{file}: {sentence}")
    names = Counter(file.stem for file in readers)
    if twice := [str(file) for file in readers if names[file.stem] > 1]:
        raise ConfigError(
            "--profile", [f"{', '.join(twice)}: rename one, the file name is the reader"]
        )
    app.post(app.settings.publication.base_url)
    tell_mistyped_templates(app)
    _ = app.encoder


def _sample_readers() -> list[Path]:
    return sorted((data_dir("config") / "demo").glob("*.toml"))


def _workbench(
    app: App,
    readers: Sequence[Path],
    shelves: Sequence[Shelf],
    config: Path | None,
    templates: Path | None,
) -> Workbench:
    return Workbench(
        lambda: App(load_settings(config), templates=templates),
        reader_files=readers,
        shelves=shelves,
        archive=app.store.papers(newest=BACKGROUND_PAPERS) if app.has_papers else (),
        base_url=f"http://127.0.0.1:{USUAL_PORT}",
        settings_file=config,
    )


def _write(bench: Workbench, readers: Sequence[str], out: Path) -> None:
    """One reader's files into the folder itself, several readers' into a folder each."""
    for reader in readers:
        folder = out / reader if len(readers) > 1 else out
        write_preview(bench.preview(reader), folder)
        terminal.print(f"Wrote {folder / 'digest.html'}", markup=False, soft_wrap=True)


def _serve(bench: Workbench, host: str, port: int | None, *, no_open: bool) -> None:
    # With what it brings along FastAPI takes a sixth of the start of every command.
    from newsletter.preview.server import serve

    def ready(url: str) -> None:
        terminal.print(f"The studio is at {url} (Ctrl-C ends it)", markup=False, soft_wrap=True)
        if not no_open and _has_display():
            webbrowser.open(url)

    serve(
        bench,
        template_dir=data_dir("templates") / "studio",
        host=host,
        port=port,
        on_ready=ready,
    )


def _has_display() -> bool:
    """Without one, `webbrowser` would start a text browser in this very terminal."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
