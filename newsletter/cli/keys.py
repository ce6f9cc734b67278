"""`newsletter keys ...`: the keys that sign the links in mails; their secrets are never shown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer

from newsletter.app import App
from newsletter.cli.common import ConfigOption, note
from newsletter.config import load_settings
from newsletter.errors import ConfigError
from newsletter.store.keys import DatedKey

cli = typer.Typer(
    help="The keys that sign the links in mails: list, rotate, drop.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_BY_LAW = timedelta(days=30)  # an unsubscribe link works at least so long: 15 USC 7704(a)(3)(A)(ii)
_HERE = "keys drop"

Version = Annotated[int, typer.Argument(min=1, metavar="VERSION", help="As `keys list` shows it.")]


@cli.command("list")
def list_(config: ConfigOption = None) -> None:
    """Shows every key: when it was made, and what it is for."""
    app = App(load_settings(config))
    for line in _lines(_keys(app), app.now()):
        typer.echo(line)


@cli.command()
def rotate(config: ConfigOption = None) -> None:
    """Makes a key that signs from now on. Older links stay valid."""
    app = App(load_settings(config))
    app.store.link_keys(app.now())  # an installation that has none gets its first one
    key = app.store.add_link_key(app.now())
    typer.echo(f"key {key.version} signs from now on")
    note("A service that is running signs with it in some seconds, without a restart.")
    note("Links signed with older keys stay valid until `newsletter keys drop VERSION`.")


@cli.command()
def drop(
    version: Version,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Forgets an old key. Every link signed with it stops working."""
    app = App(load_settings(config))
    keys = _keys(app)
    until = _needed_until(keys, _place(keys, version))
    warning = f"Every link in mails signed with key {version} stops working, unsubscribe too."
    if app.now() < until:
        warning += (
            f" By law (CAN-SPAM, 15 USC 7704) unsubscribe links work at least 30 days: "
            f"for these until {until:%Y-%m-%d}."
        )
    _make_sure(warning, version, yes=yes)
    if not app.store.drop_link_key(version):
        raise ConfigError(_HERE, [f"key {version} is gone already"])
    typer.echo(f"key {version} is dropped")
    note("A service that is running honours it for some seconds more.")


def _keys(app: App) -> tuple[DatedKey, ...]:
    return app.store.link_keys(app.now())


def _lines(keys: Sequence[DatedKey], now: datetime) -> list[str]:
    return [
        f"{key.version:>3}  made {key.made_at:%Y-%m-%d %H:%M} UTC  {_use(keys, place, now)}"
        for place, key in enumerate(keys)
    ]


def _use(keys: Sequence[DatedKey], place: int, now: datetime) -> str:
    if place == len(keys) - 1:
        return "signs and is read"
    until = _needed_until(keys, place)
    why = f"links in mails need it until {until:%Y-%m-%d}" if now < until else "may be dropped"
    return f"is read; {why}"


def _needed_until(keys: Sequence[DatedKey], place: int) -> datetime:
    """The last mail it signed may have left when the next key was made."""
    return keys[place + 1].made_at + _BY_LAW


def _place(keys: Sequence[DatedKey], version: int) -> int:
    versions = [key.version for key in keys]
    if version not in versions:
        raise ConfigError(_HERE, [f"there is no key {version}; `newsletter keys list` shows all"])
    if version == versions[-1]:
        raise ConfigError(
            _HERE, [f"key {version} is the one that signs; `newsletter keys rotate` comes first"]
        )
    return versions.index(version)


def _make_sure(warning: str, version: int, *, yes: bool) -> None:
    if yes:
        note(warning)
        return
    if not sys.stdin.isatty():
        raise ConfigError(_HERE, [f"{warning} Add --yes if you mean it"])
    note(warning)
    typer.confirm(f"Drop key {version}?", abort=True)
