"""`newsletter subscribers ...` and `newsletter subscribe`: the operator's desk in the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from newsletter.app import App
from newsletter.cli.common import ConfigOption, note, progress_bar, write_private
from newsletter.cli.wishes import HERE, LISTS, Texts, Told, takes_wishes
from newsletter.cli.words import card, table
from newsletter.config import load_settings
from newsletter.errors import ConfigError, harmless
from newsletter.membership import Consent, wishes_of
from newsletter.model import Status
from newsletter.subscriptions import (
    Imported,
    export_rows,
    import_rows,
    read_table,
    write_csv,
    write_json,
)

cli = typer.Typer(
    help="Subscribers: add, look, edit, import, export, forget.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_VOUCHED = "The operator says that this person asked to be subscribed."

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The address, in any spelling.")]
ConsentOption = Annotated[
    str, typer.Option("--consent", metavar="TEXT", help="What they agreed to, for the record.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]
StatusOption = Annotated[Status | None, typer.Option("--status", help="Only these.")]


@cli.command()
@takes_wishes
def add(
    email: Email,
    told: Told,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="You hold their consent: active at once.")
    ] = False,
    consent: ConsentOption = _VOUCHED,
    lift_suppression: Annotated[
        bool, typer.Option("--lift-suppression", help="They themselves asked anew.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Enters a subscriber. Pending; with --confirmed active, and who left comes back."""
    app = App(load_settings(config))
    desk = app.subscriptions
    before = wishes_of(desk.find(email)) if desk.knows(email) else None
    now = app.now()
    subscriber = desk.enrol(
        email,
        told.wishes(before, app.store.find_papers),
        Consent(at=now, origin=HERE, wording=consent) if confirmed else None,
        now=now,
        lift=lift_suppression,
    )
    _say(f"{subscriber.email} is {subscriber.status}")
    if subscriber.status is Status.PENDING:
        note(
            "Pending: nothing is mailed, and after 48 hours they may be purged. "
            "Once you hold their consent, run this again with --confirmed."
        )


@cli.command("list")
def list_(
    status: StatusOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Shows who is subscribed, one line each."""
    app = App(load_settings(config))
    if as_json:
        _print_lines(write_json(export_rows(app.store, status=status)))
        return
    for line in table(app.subscriptions.all(status=status)):
        _say(line)


@cli.command()
def show(email: Email, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Shows one subscriber. --json gives everything kept about them."""
    desk = App(load_settings(config)).subscriptions
    held = desk.export(desk.find(email).id)
    if as_json:
        # Nothing but ASCII: no name can steer the terminal.
        typer.echo(json.dumps(held, indent=2))
        return
    for line in card(held):
        _say(line)


@cli.command()
@takes_wishes
def edit(
    email: Email,
    told: Told,
    clear: Annotated[
        Texts, typer.Option("--clear", metavar="topics|keywords|...", help="Empties a list.")
    ] = None,
    pause_until: Annotated[
        str | None, typer.Option("--pause-until", metavar="YYYY-MM-DD", help="No digest before.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Ends a pause now.")] = False,
    config: ConfigOption = None,
) -> None:
    """Changes what is named. The rest stays; a list given replaces the former one."""
    emptied = dict.fromkeys(map(_list_name, clear or ()), ())
    told = replace(told, given={**told.given, **emptied})
    until = _day(pause_until) if pause_until else None
    if until and resume:
        raise ConfigError(HERE, ["--pause-until and --resume exclude one another"])
    app = App(load_settings(config))
    desk = app.subscriptions
    subscriber = desk.find(email)
    wishes = told.wishes(wishes_of(subscriber), app.store.find_papers)
    # What their standing may refuse comes first: then nothing is changed.
    if until:
        subscriber = desk.pause(subscriber.id, until, now=app.now())
    if resume:
        subscriber = desk.resume(subscriber.id, now=app.now())
    if wishes:
        subscriber = desk.change(subscriber.id, wishes, now=app.now())
    for line in card(desk.export(subscriber.id)):
        _say(line)


@cli.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV (ours or listmonk's) or JSON.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell, but change nothing.")] = False,
    consent: ConsentOption = _VOUCHED,
    config: ConfigOption = None,
) -> None:
    """Takes subscribers over from a file. Those we know stay as they are."""
    read = read_table(file)
    for sentence in read.notes:
        note(f"{file}: {sentence}")
    app = App(load_settings(config))
    now = app.now()
    vouched = Consent(at=now, origin=f"import of {file.name}", wording=consent)
    with progress_bar() as progress:
        rows = progress.track(read.rows, description="Importing subscribers")
        store = app.store_to_look_at if dry_run else app.store
        done = import_rows(store, rows, vouched=vouched, now=now, dry_run=dry_run)
    _tell(done, dry_run=dry_run)
    if done.rejected:
        raise typer.Exit(2)


@cli.command()
def export(
    file: Annotated[
        Path | None, typer.Argument(help="Ends in .json for JSON; without it, standard output.")
    ] = None,
    as_json: JsonOption = False,
    status: StatusOption = None,
    config: ConfigOption = None,
) -> None:
    """Writes all subscribers as CSV or JSON. `import` reads both again."""
    rows = export_rows(App(load_settings(config)).store, status=status)
    as_json = as_json or (file is not None and file.suffix.lower() == ".json")
    lines = write_json(rows) if as_json else write_csv(rows)
    if file is None:
        _print_lines(lines)
        return
    write_private(file, (line.encode() for line in lines))
    note(f"Wrote {file}; it holds personal data.")


@cli.command()
def unsubscribe(
    email: Email,
    reason: Annotated[str, typer.Option("--reason", help="For the record.")] = "",
    config: ConfigOption = None,
) -> None:
    """Ends their digests. The profile is kept in case they come back."""
    app = App(load_settings(config))
    desk = app.subscriptions
    subscriber = desk.unsubscribe(desk.find(email).id, now=app.now(), reason=reason)
    _say(f"{subscriber.email} is {subscriber.status}")


@cli.command()
def forget(
    email: Email,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Erases everything about them. A salted hash stays, so that nobody mails them again."""
    app = App(load_settings(config))
    desk = app.subscriptions
    subscriber = desk.find(email)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError("forget", ["this cannot be undone; add --yes if you mean it"])
        typer.confirm(f"Erase {harmless(subscriber.email)} for good?", abort=True)
    desk.forget(subscriber.id, now=app.now())
    _say(f"{subscriber.email} is forgotten")


def _list_name(text: str) -> str:
    if text not in LISTS:
        raise ConfigError("--clear", [f"“{text}” is none of {', '.join(LISTS)}"])
    return text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError("--pause-until", [f"“{text}” is no day such as 2026-04-03"]) from None


def _tell(done: Imported, *, dry_run: bool) -> None:
    for passed in (*done.contradicted, *done.suppressed, *done.rejected):
        note(f"{passed.place}: {passed.why}")
    would = " (dry run: nothing was changed)" if dry_run else ""
    passed_over = f", {len(done.suppressed)} suppressed" if done.suppressed else ""
    _say(f"{done.added} new, {done.known} known{passed_over}, {len(done.rejected)} rejected{would}")


def _say(line: str) -> None:
    typer.echo(harmless(line))


def _print_lines(lines: Iterable[str]) -> None:
    for text in lines:
        typer.echo(text, nl=False)
