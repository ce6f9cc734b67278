"""Decides whether an alarm that is not raised any more is over, or this process merely does not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from newsletter.watch.alarms import alarms
from newsletter.watch.facts import Facts, Proof, Rules

CALM = timedelta(minutes=10)
"""An alarm that is not raised for so long is over; what comes and goes is told once."""

Undecided = Callable[[str, datetime], bool]
"""Told the name of an alarm and when its trouble was last seen, whether it may well go on."""

_ALWAYS = datetime.min.replace(tzinfo=UTC)


def undecided(facts: Facts, rules: Rules) -> Undecided:
    """Of which alarms this process does not know that they are over.

    What a process remembers is gone with it, and is never known to the others of a fleet: so the
    trouble of a list, a job or a relay ends when it was seen working since, not when nobody tells
    of it. And what counts as late only after a while is late without it, too.
    """
    # No list that fails stands before the lists that nobody read.
    unspared = replace(facts, whole=True, started_at=_ALWAYS, readings=())
    lasting = frozenset(alarm.name for alarm in alarms(unspared, rules))

    def is_undecided(name: str, seen_at: datetime) -> bool:
        if name in lasting:
            return True
        if not _needs_proof(name, facts):
            return False
        proof = _proof(name, facts)
        return proof is None or proof.last <= seen_at or facts.now - proof.since < CALM

    return is_undecided


def _needs_proof(name: str, facts: Facts) -> bool:
    """Whether it is about something that can be seen working; here or by another process."""
    kind, _, of = name.partition(" ")
    if kind == "relay" and ":" in of:  # one of several
        return any(relay.name == of for relay in facts.relays)
    if kind == "relay":
        return True
    if kind in ("source", "tier"):
        return not facts.whole or of in facts.sources
    # What is not done or read any more by who does everything will never be seen working.
    return kind == "job" and (not facts.whole or any(job.name == of for job in facts.jobs))


def _proof(name: str, facts: Facts) -> Proof | None:
    kind, _, of = name.partition(" ")
    if kind == "relay" and ":" in of:
        return next((relay.works for relay in facts.relays if relay.name == of), None)
    return facts.proofs.get("relay" if kind == "relay" else name)
