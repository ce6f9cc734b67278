"""The lines of the table: which figures of which benchmark are shown, what is wanted, beside what."""

from __future__ import annotations

from dataclasses import dataclass

LESS = "less"  # lower is better
MORE = "more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure.

    Attributes:
        key: its name in the benchmark's file.
        what: for people; facts of the run stand in braces.
        goal: what it should be, at most or at least.
        better: `LESS` or `MORE`.
        beside: a figure of the same run that this one stands beside.
        beaten: that figure is the goal.
    """

    bench: str
    key: str
    what: str
    unit: str
    better: str = LESS
    goal: float | None = None
    beside: str = ""
    beside_what: str = ""
    beaten: bool = False


def _send() -> tuple[Line, ...]:
    naive = {"beside": "naive_us", "beside_what": "the naive chain"}
    source = {"beside": "smtp_source_per_second", "beside_what": "smtp-source"}
    cpu = "us CPU"
    return (
        Line(bench="send", key="mail_us", what="one mail, all in all", unit=cpu, goal=100, **naive),
        Line(
            bench="send",
            key="ratio",
            what="times less than the naive chain",
            unit="x",
            better=MORE,
            goal=80,
        ),
        Line(bench="send", key="compose_us", what="… from profile to digest", unit=cpu),
        Line(bench="send", key="deliver_us", what="… from digest to recorded delivery", unit=cpu),
        Line(
            bench="send",
            key="alone_per_second",
            what="delivered over one connection to {relay}",
            unit="mails/s",
            better=MORE,
        ),
        Line(
            bench="send",
            key="mails_per_second",
            what="… over one or four, whichever is quicker",
            unit="mails/s",
            better=MORE,
            beaten=True,
            **source,
        ),
    )


def _selecting() -> tuple[Line, ...]:
    us, ms = "us CPU a reader", "ms CPU"
    lines = [
        Line(bench="selecting", key=f"{kind}_{key}_us", what=f"{what}, {who}", unit=us, goal=goal)
        for kind, who in (("topics", "topics only"), ("liked", "up to ten liked papers"))
        for key, what, goal in (
            ("totals", "{day} papers for each reader: totals", 10),
            ("places", "… gates and places too", 8),
            ("picks", "… all, to picks with reasons", None),
        )
    ]
    return (
        *lines,
        *(
            Line(bench="selecting", key=key, what=what, unit=unit, goal=goal)
            for key, what, unit, goal in (
                ("score_ms", "one reader, totals of 100 papers", ms, 2),
                ("rank_ms", "… all, interests measured anew", ms, None),
                ("background_s", "background of {papers}", "s CPU", 20),
                ("renewed_s", "… {new} papers more", "s CPU", 1),
            )
        ),
    )


def _assemble() -> tuple[Line, ...]:
    us = "us CPU"
    naive = {"beside": "naive_us", "beside_what": "Jinja2 and EmailMessage"}
    return (
        Line(bench="assemble", key="assemble_us", what="one mail", unit=us, goal=25, **naive),
        Line(bench="assemble", key="first_mails_us", what="… of the first {mails}", unit=us),
        Line(bench="assemble", key="dkim_ed25519_us", what="signature, Ed25519", unit=us, goal=100),
        Line(
            bench="assemble", key="dkim_rsa2048_us", what="signature, RSA-2048", unit=us, goal=450
        ),
    )


def _store() -> tuple[Line, ...]:
    return tuple(
        Line(
            bench="store",
            key=f"{key}_{step}_per_second",
            what=f"{name}: {what}, in batches",
            unit="rows/s",
            better=MORE,
        )
        for key, name in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))
        for step, what in (("enqueue", "enqueued"), ("claim", "claimed"), ("mark", "marked"))
    )


def _fleet() -> tuple[Line, ...]:
    lines = []
    for workers in (1, 2, 4):
        who = "1 worker" if workers == 1 else f"{workers} workers"
        for key, what, unit in (
            ("mails_per_second", "delivered", "mails/s"),
            ("claimed_rows_per_second", "claimed and marked", "rows/s"),
        ):
            one = {"beside": f"1_{key}", "beside_what": "1 worker"} if workers > 1 else {}
            lines.append(
                Line(
                    bench="fleet",
                    key=f"{workers}_{key}",
                    what=f"{who}: {what}",
                    unit=unit,
                    better=MORE,
                    **one,
                )
            )
    return tuple(lines)


def _rtt() -> tuple[Line, ...]:
    smtplib = {"beside": "smtplib_per_second", "beside_what": "smtplib"}
    far = "{ms} ms away, {connections} connections"
    return tuple(
        Line(
            bench="rtt",
            key=key,
            what=f"{far}, {how}",
            unit="mails/s",
            better=MORE,
            goal=goal,
            **smtplib,
        )
        for key, how, goal in (
            ("pipelining_per_second", "PIPELINING", 400),
            ("chunking_8_per_second", "CHUNKING, window 8", 3000),
            ("chunking_32_per_second", "CHUNKING, window 32", 3000),
        )
    )


def _memory() -> tuple[Line, ...]:
    fewest = {"beside": "fewest_mb", "beside_what": "{fewest} readers"}
    return (
        Line(bench="memory", key="fewest_mb", what="peak, {fewest} readers", unit="MB", goal=250),
        Line(
            bench="memory",
            key="most_mb",
            what="peak, {most} readers",
            unit="MB",
            goal=250,
            **fewest,
        ),
        Line(
            bench="memory",
            key="slow_mb",
            what="peak, {fewest} readers, a relay that answers after {slow} ms",
            unit="MB",
            goal=250,
            **fewest,
        ),
    )


def _steps() -> tuple[Line, ...]:
    return tuple(
        Line(bench="steps", key=f"{key}_ms", what=what, unit="ms")
        for key, what in (
            ("read", "read a list of {papers} papers"),
            ("keep", "open a store, keep the list"),
            ("fit", "fit the background"),
            ("compile", "compile the templates"),
            ("choose", "choose for one reader"),
            ("render", "render one digest"),
            ("assemble", "assemble one mail"),
            ("check", "check one mail"),
        )
    )


LINES = (
    *_send(),
    *_selecting(),
    *_assemble(),
    *_store(),
    *_fleet(),
    *_rtt(),
    *_memory(),
    *_steps(),
)
