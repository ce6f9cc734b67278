"""Rows of the outbox that processes claim and mark together: what one PostgreSQL gives a fleet.

Started by `fleet.py`; each process is this file again, with the address of the database.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from fleet_workers import BATCH, enrol

from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.mail.outbox import LEASE
from newsletter.store import Store, open_store

if TYPE_CHECKING:
    from real_postgres import Postgres

HEAD_START = timedelta(seconds=8)  # the processes have started by then
PEOPLE = 100


def claimed_a_second(server: Postgres, rows: int, workers: int) -> float:
    """Rows that so many processes claim and mark together."""
    url = server.fresh()
    store = open_store(url)
    queue(store, rows)
    command = [sys.executable, __file__, url]
    with ExitStack() as stack:
        running = [
            stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            for _ in range(workers)
        ]
        told = [json.loads(process.communicate()[0]) for process in running]
    store.close()
    server.drop(url)
    assert sum(one["rows"] for one in told) == rows
    worked = [one for one in told if one["rows"]]
    return rows / (max(one["ended"] for one in worked) - min(one["began"] for one in worked))


def queue(store: Store, mails: int) -> None:
    """So many mails that are due in a moment."""
    people = [one.id for one in enrol(store, PEOPLE)]
    due = datetime.now(UTC) + HEAD_START
    rows = [
        Delivery(
            id=token_hex(16),
            errand=Errand.DIGEST,
            subscriber_id=people[number % PEOPLE],
            created_at=due - timedelta(hours=1),
            next_attempt_at=due,
        )
        for number in range(mails)
    ]
    with store.changing_register() as register:
        register.outbox.add_all(rows)


def claim(url: str) -> None:
    """Claims batches and marks them as sent until none is left, as a worker does."""
    store = open_store(url)
    rows, began, ended = 0, 0.0, 0.0
    while True:
        now, asked = datetime.now(UTC), time.monotonic()
        with store.changing_register(together=True) as register:
            mine = register.outbox.claim(now, most=BATCH, lease=LEASE)
        if mine:
            began = began or asked
            sent = [replace(mail, state=DeliveryState.SENT, sent_at=now) for mail in mine]
            with store.changing_register(together=True) as register:
                register.outbox.record(sent)
            rows, ended = rows + len(mine), time.monotonic()
        elif is_over(store):
            break
        else:
            time.sleep(0.02)
    print(json.dumps({"rows": rows, "began": began, "ended": ended}), flush=True)


def is_over(store: Store) -> bool:
    """Nobody has anything left to do, whether this process had a part in it or not."""
    with store.register() as register:
        return not register.outbox.waiting()


if __name__ == "__main__":
    claim(sys.argv[1])
