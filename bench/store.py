"""Rows a second of the outbox on SQLite and on PostgreSQL, in one run on this machine.

    python bench/store.py [ROWS] [--json FILE]     # 20,000 mails, in batches of 500

PostgreSQL comes from pip as in the tests, with its usual durability, over a Unix socket. The work of
its server is not in the CPU of this process; both figures are medians of batches.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter, process_time
from typing import Any

import kit
from rich.progress import track

from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.model import Subscriber
from newsletter.store import Newcomer, Store, open_store
from newsletter.store.bulk import insert_all
from newsletter.store.schema import deliveries

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
LEASE = timedelta(minutes=10)
BATCH = 500
STEPS = {
    "enqueue_each": "enqueue, a statement each",
    "enqueue": "enqueue, all at once",
    "claim": "claim",
    "mark": "mark, all at once",
}


@dataclass
class Taken:
    """Seconds of wall and of this process's CPU, by step, one of each a batch."""

    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def timed(self, step: str, act: Callable[..., Any], *given: Any) -> Any:
        """Does it and remembers how long it took."""
        cpu, wall = process_time(), perf_counter()
        result = act(*given)
        self.wall.setdefault(step, []).append(perf_counter() - wall)
        self.cpu.setdefault(step, []).append(process_time() - cpu)
        return result


def mails(first: int) -> list[Delivery]:
    """A batch that is due."""
    return [
        Delivery(
            id=f"d{n:012}",
            errand=Errand.DIGEST,
            subscriber_id=f"s{n % 100}",
            created_at=NOON,
            next_attempt_at=NOON,
        )
        for n in range(first, first + BATCH)
    ]


def add(store: Store, batch: list[Delivery]) -> None:
    """As a letter is queued: a statement each."""
    with store.changing_register() as register:
        for mail in batch:
            register.outbox.add(mail)


def add_at_once(store: Store, rows: list[dict[str, Any]]) -> None:
    """COPY on PostgreSQL, one prepared statement on SQLite."""
    with store._engine.begin() as connection:
        insert_all(connection, deliveries, rows)


def claim(store: Store) -> tuple[Delivery, ...]:
    """A batch, as a sender takes it."""
    with store.changing_register(together=True) as register:
        return register.outbox.claim(NOON, most=BATCH, lease=LEASE)


def record(store: Store, batch: Sequence[Delivery]) -> None:
    """Every outcome of a batch."""
    with store.changing_register(together=True) as register:
        register.outbox.record(batch)


def measured(name: str, store: Store, rows: int) -> Taken:
    """Every step over so many rows."""
    taken = Taken()
    people = [Subscriber(id=f"s{n}", email=f"r{n}@x.org") for n in range(100)]
    with store.changing_register() as register:
        register.insert([Newcomer(subscriber=one, key=one.email) for one in people], NOON)
    for first in track(range(0, rows, BATCH), description=name, transient=True):
        batch = mails(first)
        if first % (2 * BATCH):
            taken.timed("enqueue_each", add, store, batch)
        else:
            plain = [asdict(mail) | {"errand": "digest", "state": "queued"} for mail in batch]
            taken.timed("enqueue", add_at_once, store, plain)
    for _ in track(range(0, rows, BATCH), description=name, transient=True):
        mine = taken.timed("claim", claim, store)
        sent = [replace(mail, state=DeliveryState.SENT, sent_at=NOON) for mail in mine]
        taken.timed("mark", record, store, sent)
    return taken


def show(found: dict[str, Taken]) -> None:
    """One table of Markdown."""
    names = list(found)
    print(
        f"| step, batches of {BATCH} | " + " | ".join(f"{n} rows/s | us CPU a row" for n in names)
    )
    print("|---" + "|---:|---:" * len(names) + "|")
    for step, what in STEPS.items():
        cells = [
            f"{BATCH / median(taken.wall[step]):,.0f} | {median(taken.cpu[step]) / BATCH * 1e6:.1f}"
            for taken in found.values()
        ]
        print(f"| {what} | " + " | ".join(cells) + " |")


def figures(name: str, taken: Taken) -> dict[str, float]:
    """Rows a second and microseconds of CPU a row, by database and step."""
    made = {}
    for step in STEPS:
        made[f"{name}_{step}_per_second"] = round(BATCH / median(taken.wall[step]))
        made[f"{name}_{step}_us"] = round(median(taken.cpu[step]) / BATCH * 1e6, 1)
    return made


def main(asked: argparse.Namespace) -> None:
    """Measures both, prints, and writes the figures down."""
    rows, taken = asked.rows, {}
    found = kit.Figures(facts={"rows": rows, "batch": BATCH})
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/bench.db")
        taken["SQLite"] = measured("SQLite", store, rows)
        store.close()
    try:
        with kit.postgres() as server:
            store = open_store(server.fresh())
            taken["PostgreSQL"] = measured("PostgreSQL", store, rows)
            store.close()
    except kit.Missing as why:
        found.missing["postgresql_"] = str(why)
        print(why)
    print(f"{rows:,} mails\n")
    show(taken)
    for name, one in taken.items():
        found.figures |= figures(name.lower(), one)
    found.write(asked.json)


if __name__ == "__main__":
    parser = kit.parser(__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=20_000, help="two batches at least")
    main(parser.parse_args())
