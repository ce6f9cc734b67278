"""The examination in a terminal: whom to ask about names, and the findings as lines or JSON."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import typer
from dns.exception import DNSException
from dns.resolver import Resolver

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.doctor import Finding, Level, examine
from newsletter.errors import ConfigError, harmless


def resolver_for(nameserver: str | None) -> Resolver:
    """Asks the server named, or those that this machine asks.

    Raises:
        ConfigError: it is no address, or this machine knows no server.
    """
    if not nameserver:
        try:
            return Resolver()
        except DNSException as error:
            raise ConfigError("--nameserver", [f"this machine names none ({error})"]) from None
    address, port = _parted(nameserver)
    resolver = Resolver(configure=False)
    resolver.nameservers = [address]
    resolver.port = port
    return resolver


def examined(config: Path | None, resolver: Resolver, selector: str) -> Iterator[Finding]:
    """The findings as they come; settings that cannot be used are the only one then."""
    try:
        app = App(load_settings(config))
    except ConfigError as error:
        for problem in error.problems:
            yield Finding(
                level=Level.FAIL,
                about="settings",
                said=f"{problem}.",
                fix=f"Mend it in {error.where}; docs/configuration.md explains every key.",
            )
        return
    yield from examine(app, resolver, selector=selector)


def tell(findings: Iterable[Finding], *, as_json: bool) -> tuple[Finding, ...]:
    """Prints each finding as it comes, or all as JSON; answers them all."""
    told = []
    for finding in findings:
        told.append(finding)
        if not as_json:
            typer.echo(harmless(f"{finding.level:<5} {finding.about:<10} {finding.said}"))
            if finding.fix:
                typer.echo(harmless(f"{'':<17}→ {finding.fix}"))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in told], indent=2))
    return tuple(told)


def _parted(text: str) -> tuple[str, int]:
    """`192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`."""
    host, _, port = text.rpartition(":")
    if text.count(":") > 1 and not text.startswith("["):
        host, port = "", text
    address, number = (host.strip("[]"), port) if host else (text.strip("[]"), "53")
    if not (_is_address(address) and number.isdecimal() and 0 < int(number) < 65_536):
        shown = harmless(text)[:60]
        raise ConfigError("--nameserver", [f"“{shown}” is no address such as 192.0.2.1:53"])
    return address, int(number)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
