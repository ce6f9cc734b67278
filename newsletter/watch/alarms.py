"""Decides what the operator must hear: the facts of one moment in, alarms with their remedy out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from newsletter.errors import harmless
from newsletter.watch.facts import Alarm, Facts, Figures, Reading, Rules

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"'“”]+(?:@|%40)[^\s<>()\[\],;:\"'“”]+")
_SHAPE = re.compile(r"changed its shape|was empty although")
# Steps of an SMTP dialogue at which it is us who are refused, not a reader (mail/servers/replies.py).
_ABOUT_US = re.compile(r"\b(?:connecting|EHLO|STARTTLS|AUTH|MAIL FROM): ")
_LOGIN = re.compile(r"\bAUTH: ")
_LONGEST_QUIET = timedelta(days=28)


def discreet(text: str) -> str:
    """The text without anybody's mail address; characters that steer or turn are written out.

    What servers say gets here, and goes on to the log, the operator's mailbox and a chat.
    """
    text = _ADDRESS.sub("(hidden)", text) if "@" in text or "%40" in text else text
    return text if text.isprintable() else "\n".join(map(harmless, text.split("\n")))


def alarms(facts: Facts, rules: Rules) -> tuple[Alarm, ...]:
    """Everything that is wrong at this moment; each name once."""
    found = (
        *_sources(facts, rules),
        *_papers(facts, rules),
        *_late(facts, rules),
        *_held_back(facts.figures),
        *_relay(facts, rules),
        *_relays(facts, rules),
        *_reputation(facts.figures, rules),
        *_disk(facts, rules),
        *_jobs(facts, rules),
    )
    return tuple({alarm.name: alarm for alarm in found}.values())


def why_not_ready(facts: Facts, rules: Rules) -> str:
    """Why nobody should rely on this process now, in a sentence; empty if all is well."""
    figures = facts.figures
    if facts.whole and figures.last_look_at is None:
        return "No list of papers was read yet."
    if facts.whole and (since := _unread_since(facts, rules)):
        return f"No list of papers could be read since {_clock(since)}."
    if _is_late(figures.overdue_since, facts, rules):
        return (
            f"Mails that should have left since {_clock(figures.overdue_since)}: {figures.overdue}."
        )
    return ""


def weekday_time(since: datetime, until: datetime) -> timedelta:
    """How much of the time between two instants was not Saturday or Sunday in UTC."""
    start, end = since.astimezone(UTC), until.astimezone(UTC)
    total = timedelta()
    while start < end:
        midnight = datetime.combine(start.date() + timedelta(days=1), datetime.min.time(), UTC)
        piece = min(midnight, end)
        if start.weekday() < 5:
            total += piece - start
        start = piece
    return total


def _sources(facts: Facts, rules: Rules) -> Iterator[Alarm]:
    for reading in facts.readings:
        lasting = reading.in_a_row >= rules.detours
        if reading.failed and lasting:
            yield Alarm(
                name=f"source {reading.name}",
                sentence=discreet(
                    f"The list {reading.name} could not be read {reading.in_a_row} times in a "
                    f"row: {reading.problem}"
                ),
                remedy="Open sources.base_url in a browser on this machine; `newsletter fetch` "
                "shows every way that was tried. Digests go on with the last good list.",
                seen_at=reading.at,
            )
        elif reading.is_detour and (lasting or _lost_shape(reading)):
            yield _detour(reading)


def _lost_shape(reading: Reading) -> bool:
    return any(_SHAPE.search(note) for note in reading.notes)


def _detour(reading: Reading) -> Alarm:
    why = discreet(" ".join(note for note in reading.notes if note.startswith("Tier ")))
    return Alarm(
        name=f"tier {reading.name}",
        sentence=f"The list {reading.name} is read by {reading.tier}, a worse way than usual. {why}".strip(),
        remedy="If the site is only in trouble, wait. If its page has changed its shape, upgrade "
        "newsletter; until then cards have no abstracts and arXiv's feed has no votes.",
        seen_at=reading.at,
    )


def _papers(facts: Facts, rules: Rules) -> Iterator[Alarm]:
    told = any(reading.failed and reading.in_a_row >= rules.detours for reading in facts.readings)
    if told or not facts.whole:
        return  # the source that fails explains what follows
    if since := _unread_since(facts, rules):
        yield Alarm(
            name="no list",
            sentence=f"No list of papers was read since {_clock(since)}.",
            remedy="See whether `newsletter run` still works (its log, /metrics, the job ingest); "
            "`newsletter fetch` reads the lists by hand.",
        )
        return
    last = facts.figures.last_new_paper_at
    if last and _weekdays_since(last, facts.now) >= rules.quiet:
        yield Alarm(
            name="no new papers",
            sentence=f"The lists are read, but no new paper stood on them since {_clock(last)}.",
            remedy="On a holiday this is right. Otherwise open the page in a browser: if it shows "
            "newer papers than `newsletter fetch`, its shape has changed.",
        )


def _unread_since(facts: Facts, rules: Rules) -> datetime | None:
    since = facts.figures.last_look_at or facts.started_at
    late = facts.now - max(since, facts.started_at) >= rules.unread
    return since if late else None


def _weekdays_since(last: datetime, now: datetime) -> timedelta:
    return weekday_time(max(last, now - _LONGEST_QUIET), now)


def _late(facts: Facts, rules: Rules) -> Iterator[Alarm]:
    figures = facts.figures
    if facts.whole and _is_late(figures.undone_since, facts, rules):
        yield Alarm(
            name="digests not made",
            sentence=f"Digests that are due and not made: {figures.undone}, the first since "
            f"{_clock(figures.undone_since)}.",
            remedy="The log says why the job compose does not get there. Nothing is lost: each is "
            "made once, as soon as it can be.",
        )
    if _is_late(figures.overdue_since, facts, rules):
        yield Alarm(
            name="mails not taken",
            sentence=f"Mails that nobody takes although it is time: {figures.overdue}, the first "
            f"since {_clock(figures.overdue_since)}.",
            remedy="The log says why the postman is stuck; a restart is safe and often enough.",
        )
    if figures.unsent and _is_worth_telling(figures):
        words = discreet(figures.trouble)
        yield Alarm(
            name="digests late",
            sentence=f"Digests of the last day that have not left within {_minutes(rules.late)} "
            f"minutes: {figures.unsent} of {figures.made}. {words}".strip(),
            remedy="They are tried again by themselves. If the words are about a template, mend "
            "it; if they are about the relay, ask whoever runs it.",
        )


def _held_back(figures: Figures) -> Iterator[Alarm]:
    if figures.held_back:
        yield Alarm(
            name="pre-flight",
            sentence=f"Mails that would arrive broken are held back: {figures.held_back}. They "
            f"break: {discreet(figures.why_held_back)}",
            remedy="Mend the template (`newsletter test-send` tells what is wrong in a mail) and "
            "restart. They leave at their next try, if the next edition is not due before.",
        )


def _is_worth_telling(figures: Figures) -> bool:
    """One mailbox that is full is not the operator's trouble; everybody's mail is."""
    enough = figures.unsent >= 3 and figures.unsent * 10 >= figures.made
    return enough or figures.unsent >= figures.made


def _is_late(since: datetime | None, facts: Facts, rules: Rules) -> bool:
    return since is not None and facts.now - max(since, facts.started_at) >= rules.late


def _relay(facts: Facts, rules: Rules) -> Iterator[Alarm]:
    relay = facts.relay
    words = discreet(relay.words)
    if relay.put_off and _LOGIN.search(relay.words):
        yield Alarm(
            name="relay login",
            sentence=f"We cannot log in to the relay since {_clock(relay.since)}: {words}",
            remedy="Check smtp.username and the password (with xoauth2 the refresh token), then "
            "restart. The mails wait and leave once the login works.",
            seen_at=relay.at,
        )
        return
    most = rules.unheard if _ABOUT_US.search(relay.words) else rules.put_off
    if relay.put_off >= most:
        yield Alarm(
            name="relay",
            sentence=f"The relay took none of the last {relay.put_off} mails, since "
            f"{_clock(relay.since)}: {words}",
            remedy="Ask whoever runs the relay (smtp.host). The mails wait and are tried again.",
            seen_at=relay.at,
        )
    if relay.refused >= rules.put_off:
        yield Alarm(
            name="relay refuses",
            sentence=f"The relay refused the last {relay.refused} mails for good, since "
            f"{_clock(relay.since)}, and for no fault of their addresses: {words}",
            remedy="If the words are about relaying, log in (smtp.username) or have this machine "
            "allowed there; if about spam or policy, ask whoever runs the relay. These mails are "
            "not tried again; their papers may come with the next digests.",
            seen_at=relay.at,
        )


def _relays(facts: Facts, rules: Rules) -> Iterator[Alarm]:
    """Those that do not serve us while another one does; otherwise the mails themselves tell."""
    if all(relay.rests for relay in facts.relays):
        return
    for relay in facts.relays:
        is_login = _LOGIN.search(relay.words) is not None
        if relay.rests >= (1 if is_login else rules.unheard):
            yield Alarm(
                name=f"relay {relay.name}",
                sentence=f"The relay {relay.name} does not serve us since {_clock(relay.since)}: "
                f"{discreet(relay.words)}",
                remedy="The mails leave by another relay. Ask whoever runs this one; if it is "
                "about the login, check its user name and password and restart.",
                seen_at=relay.at,
            )


def _reputation(figures: Figures, rules: Rules) -> Iterator[Alarm]:
    if _over(figures.bounced, figures.mailed, rules.bounces, rules.fewest_bounces):
        yield Alarm(
            name="bounces",
            sentence=f"{_share(figures.bounced, figures.mailed)} of the mails of 30 days came "
            f"back ({figures.bounced} of {figures.mailed}); providers act at "
            f"{rules.bounces * 100:g} %.",
            remedy="Find where these addresses came from (an old list, a form without "
            "confirmation) and stop mailing that list; bounced addresses are left out already.",
        )
    for name, limit in (
        ("complaints", rules.complaints),
        ("complaints over the limit", rules.complaints_limit),
    ):
        if _over(figures.complained, figures.mailed, limit, rules.fewest_complaints):
            yield Alarm(
                name=name,
                sentence=f"{_share(figures.complained, figures.mailed)} of the mails of 30 days "
                f"were called spam ({figures.complained} of {figures.mailed}); Gmail and Yahoo "
                f"want less than {limit * 100:g} %.",
                remedy="Mail only people who asked, less often, with the way out easy to find. "
                "Above 0.3 % stop imports and sign-ups until it is below for 7 days.",
            )


def _over(count: int, of: int, share: float, fewest: int) -> bool:
    return count >= fewest and of > 0 and count / of >= share


def _disk(facts: Facts, rules: Rules) -> Iterator[Alarm]:
    disk = facts.disk
    if disk is None:
        return
    scarce = disk.free < disk.total * rules.disk_share and disk.free < rules.plenty_bytes
    if disk.free < rules.disk_bytes or scarce:
        yield Alarm(
            name="disk",
            sentence=f"The disk of the database is nearly full: {disk.free // 1_000_000} of "
            f"{disk.total // 1_000_000} MB are free.",
            remedy="Make room before the database cannot be written: nothing is sent then. The "
            "cache directory may be emptied at any time.",
        )


def _jobs(facts: Facts, rules: Rules) -> Iterator[Alarm]:
    for job in facts.jobs:
        if job.in_a_row >= rules.failures:
            yield Alarm(
                name=f"job {job.name}",
                sentence=discreet(
                    f"The job {job.name} failed {job.in_a_row} times in a row: {job.last_error}"
                ),
                remedy="The log shows where. The other jobs go on, and this one is tried again.",
                seen_at=job.ended_at,
            )


def _clock(instant: datetime | None) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if instant else "the start"


def _minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)


def _share(count: int, of: int) -> str:
    two_figures = float(f"{100 * count / of:.2g}")
    return f"{two_figures:g} %"  # 100 %, where the first form alone would say 1e+02
