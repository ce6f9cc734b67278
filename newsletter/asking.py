"""How this installation asks servers for lists: its settings as rules."""

from __future__ import annotations

from newsletter import __version__
from newsletter.config.settings import SourceSettings
from newsletter.sources.fetch import FetchRules
from newsletter.sources.urls import host_of


def fetch_rules(given: SourceSettings, named: tuple[str, ...]) -> FetchRules:
    """`named`: addresses that somebody typed, whose hosts are allowed by it."""
    return FetchRules(
        base_url=given.base_url,
        user_agent=_user_agent(given),
        timeout_seconds=given.timeout_seconds,
        max_bytes=given.max_bytes,
        attempts=given.attempts,
        longest_wait_seconds=given.longest_wait_seconds,
        obey_robots=given.obey_robots,
        allow_private=given.allow_private,
        hosts=(*given.extra_hosts, host_of(given.arxiv_url)),
        named=(given.base_url, given.arxiv_url, *named),
        proxy=given.proxy,
        ca_file=given.ca_file,
    )


def _user_agent(given: SourceSettings) -> str:
    name = given.user_agent.replace("{version}", __version__)
    return f"{name} {given.contact}".strip()
