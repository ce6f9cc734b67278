"""Workers of a fleet over one PostgreSQL: mails a second, claimed rows a second, and the speed-up.

    python bench/fleet.py [MAILS] [--workers 1 2 4] [--kills K] [--cuts C] [--json FILE]

PostgreSQL comes from pip as in the tests, with its usual durability, over a Unix socket. The digests
(two or three papers each) are made beforehand; all workers begin at the same instant. The relay is a process that keeps the
Message-IDs and nothing else. Every digest must arrive; with kills, one for each open connection of
the killed may come twice, and the leases of the dead are ended at once instead of after minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

from rich.progress import Progress, track
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from chaos import write_settings
from real_postgres import Postgres, postgres_running

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.jobs import Jobs
from newsletter.mail.outbox import LEASE
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Subscriber, Tier
from newsletter.pipeline import record
from newsletter.store import Newcomer, Store, open_store

CONNECTIONS = 2
BATCH = 500
HEAD_START = timedelta(seconds=12)
WORDS = ("sparse attention", "robot touch", "protein folding", "speech of birds", "video models")
_WELCOME = b"250-sink\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n"


class Sink(asyncio.Protocol):
    """A relay that takes everything; DATA and BDAT, pipelined or not."""

    ids: list[bytes]
    times: list[float]

    def connection_made(self, transport) -> None:
        self.transport, self.buffer, self.text = transport, bytearray(), b""
        self.in_data, self.chunk, self.is_last = False, -1, False
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while self._step():
            """As long as something is whole."""

    def _step(self) -> bool:
        if self.in_data:
            end = self.buffer.find(b"\r\n.\r\n")
            return end >= 0 and self._take(end + 5)
        if self.chunk >= 0:
            return len(self.buffer) >= self.chunk and self._take(self.chunk)
        end = self.buffer.find(b"\r\n")
        if end < 0:
            return False
        line = bytes(self.buffer[:end]).upper()
        del self.buffer[: end + 2]
        self._answer(line)
        return True

    def _take(self, length: int) -> bool:
        start = self.buffer.find(b"Message-ID: ", 0, length)
        if start >= 0:
            self.ids.append(bytes(self.buffer[start + 12 : self.buffer.find(b"\r\n", start)]))
            self.times.append(time.monotonic())
        del self.buffer[:length]
        self.in_data, self.chunk = False, -1
        self.transport.write(b"250 2.0.0 taken\r\n")
        return True

    def _answer(self, line: bytes) -> None:
        verb = line[:4]
        if verb == b"EHLO":
            self.transport.write(_WELCOME)
        elif verb == b"DATA":
            self.in_data = True
            self.transport.write(b"354 go on\r\n")
        elif verb == b"BDAT":
            self.chunk = int(line.split()[1])
        elif verb == b"QUIT":
            self.transport.write(b"221 2.0.0 bye\r\n")
            self.transport.close()
        else:
            self.transport.write(b"250 2.0.0 ok\r\n")


async def sink() -> None:
    """Serves; each line in is answered with the count, the end of input with everything."""
    Sink.ids, Sink.times = [], []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while await orders.readline():
        print(len(set(Sink.ids)), flush=True)
    ids = [one.decode() for one in Sink.ids]
    print(json.dumps({"ids": ids, "first": Sink.times[0], "last": Sink.times[-1]}), flush=True)


class Relay:
    """The sink's process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--sink"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._process.stdout.readline())

    def count(self) -> int:
        """Digests that have arrived."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> dict:
        """What has arrived, and when."""
        said, _ = self._process.communicate("")
        return json.loads(said)


def claim(url: str) -> None:
    """Claims batches and marks them as sent until nothing is left, as a worker does."""
    store = open_store(url)
    rows, began = 0, 0.0
    while True:
        now = datetime.now(UTC)
        with store.changing_register(together=True) as register:
            mine = register.outbox.claim(now, most=BATCH, lease=LEASE)
        if mine:
            began = began or time.monotonic()
            sent = [replace(mail, state=DeliveryState.SENT, sent_at=now) for mail in mine]
            with store.changing_register(together=True) as register:
                register.outbox.record(sent)
            rows += len(mine)
        elif began:
            break
        else:
            time.sleep(0.02)
    print(json.dumps({"rows": rows, "began": began, "ended": time.monotonic()}), flush=True)


def claimed_a_second(server: Postgres, mails: int, workers: int) -> float:
    """Rows that so many processes claim and mark together."""
    url = server.fresh()
    store = open_store(url)
    people = [one.id for one in _enrol(store, 100)]
    due = datetime.now(UTC) + HEAD_START
    rows = [
        Delivery(
            id=token_hex(16),
            errand=Errand.DIGEST,
            subscriber_id=people[number % 100],
            created_at=due - timedelta(hours=1),
            next_attempt_at=due,
        )
        for number in range(mails)
    ]
    with store.changing_register() as register:
        register.outbox.add_all(rows)
    command = [sys.executable, __file__, "--claim", url]
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            for _ in range(workers)
        ]
        told = [json.loads(process.communicate()[0]) for process in running]
    store.close()
    server.drop(url)
    assert sum(one["rows"] for one in told) == mails
    return mails / (max(one["ended"] for one in told) - min(one["began"] for one in told))


class Fleet:
    """So many workers, and everything they work on."""

    def __init__(self, folder: Path, server: Postgres, mails: int, workers: int) -> None:
        self.mails = mails
        self.server = server
        self.relay = Relay()
        self.url = server.fresh()
        self.settings = write_settings(folder, self.relay.port, CONNECTIONS)
        with self.settings.open("a", encoding="utf-8") as file:
            file.write(f'[schedule]\ningest_minutes = 1440\n[store]\nurl = "{self.url}"\n')
        self.app = App(load_settings(self.settings))
        _stock(self.app)
        people = _enrol(self.app.store, mails)
        Jobs(self.app, wake=lambda: None, names=[]).compose()
        _copy_digests(self.app.store, people)
        self.kills = self.cuts = 0
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.names = [f"w{number}" for number in range(workers)]

    def start(self, name: str) -> None:
        """Starts a worker."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("NEWSLETTER_")}
        command = [sys.executable, "-m", "newsletter", "fleet", "worker", "--name", name]
        with self.settings.with_name(f"{name}.log").open("ab") as said:
            self.workers[name] = subprocess.Popen(
                [*command, "--config", str(self.settings)], stderr=said, env=environment
            )

    def delivers(self, kills: int, cuts: int) -> dict:
        """Until every digest has arrived."""
        self._sql("UPDATE deliveries SET next_attempt_at = next_attempt_at + interval '1 day'")
        for name in self.names:
            self.start(name)
        while any("at work" not in self._log(name) for name in self.names):
            time.sleep(0.2)
        due = (datetime.now(UTC) + HEAD_START).replace(tzinfo=None)
        self._sql(f"UPDATE deliveries SET next_attempt_at = '{due}'")
        faults = [self._kill] * kills + [self._cut] * cuts
        random.Random(1).shuffle(faults)
        self._watch(faults)
        for process in self.workers.values():
            process.terminate()
        # Who was started again may be so young that the signal still has its usual meaning.
        assert {process.wait(60) for process in self.workers.values()} <= {0, -signal.SIGTERM}
        return self.relay.end()

    def _watch(self, faults: list) -> None:
        arrived, calm, every = 0, 0, self.mails // (len(faults) + 1)
        done = 0
        with Progress(transient=True) as progress:
            task = progress.add_task(f"{len(self.names)} workers", total=self.mails)
            while arrived < self.mails:
                time.sleep(0.3)
                before, arrived = arrived, self.relay.count()
                progress.update(task, completed=arrived)
                calm = calm + 1 if arrived == before else 0
                if done < len(faults) and arrived >= (done + 1) * every:
                    faults[done]()
                    done += 1
                if arrived and calm > 25:  # only the dead have mails in hand
                    self._sql(
                        "UPDATE deliveries SET leased_until = created_at WHERE state = 'sending'"
                    )
                    calm = 0

    def _kill(self) -> None:
        name = random.choice(self.names)
        self.workers[name].kill()
        self.workers[name].wait()
        self.kills += 1
        self.start(name)

    def _cut(self) -> None:
        name = self.url.partition("?")[0].rpartition("/")[2]
        self.server.run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        self.cuts += 1

    def _log(self, name: str) -> str:
        return self.settings.with_name(f"{name}.log").read_text(encoding="utf-8")

    def _sql(self, statement: str) -> None:
        with self.app.store._engine.begin() as connection:
            connection.execute(text(statement))

    def close(self) -> None:
        """Everything ends."""
        for process in self.workers.values():
            process.kill()
            process.wait()
        self.app.store.close()
        self.server.drop(self.url)


def _stock(app: App) -> None:
    now = app.now()
    entries = tuple(
        Entry(
            paper=Paper(
                id=f"2604.{number:05}",
                title=f"On {WORDS[number % 5]}, part {number}",
                abstract=f"All about {WORDS[number % 5]}. It is fast and it is good. " * 12,
                authors=("Ada Byron", "B. Author"),
                listed_on=now.date(),
            ),
            rank=number,
            upvotes=number,
        )
        for number in range(1, 51)
    )
    listing = Listing(source="daily", tier=Tier.API, entries=entries, listed_on=now.date())
    record(app.store, listing, now=now)


def _enrol(store: Store, number: int) -> list[Subscriber]:
    """So many readers with five kinds of interests; the digests of the first few are due."""
    now = datetime.now(UTC)
    profiles = [Profile(topics=(word,), max_papers=10, surprise=False) for word in WORDS]
    people = [
        Subscriber(
            id=token_hex(16),
            email=f"r{one}@reader{one % 997}.example",
            profile=profiles[one % len(WORDS)],
            cadence=Cadence.DAILY,
            next_due_at=now + timedelta(days=-1 if one < len(WORDS) else 1),
            since=now - timedelta(days=2),
        )
        for one in range(number)
    ]
    for some in track(_portions(people), description="enrolling", transient=True):
        with store.changing_register() as register:
            register.insert([Newcomer(subscriber=one, key=one.email) for one in some], now)
    return people


def _copy_digests(store: Store, people: list[Subscriber]) -> None:
    """Everybody has the digest of the first reader with their interests: composing is not measured."""
    few = len(WORDS)
    with store.register() as register:
        made = [register.digests.last_of(one.id) for one in people[:few]]
        queued = register.outbox.among([digest.id for digest in made])
    copied = [
        replace(made[number % few], id=token_hex(16), subscriber_id=one.id)
        for number, one in enumerate(people)
        if number >= few
    ]
    for some in track(_portions(copied), description="digests", transient=True):
        with store.changing_register() as register:
            register.digests.keep_all(some)
            mail = queued[made[0].id]
            register.outbox.add_all(
                [replace(mail, id=one.id, subscriber_id=one.subscriber_id) for one in some]
            )


def _portions(all_of_them: list) -> list[list]:
    return [all_of_them[first : first + BATCH] for first in range(0, len(all_of_them), BATCH)]


@contextlib.contextmanager
def fleet(server: Postgres, mails: int, workers: int) -> Iterator[Fleet]:
    """A fleet whose digests are made and not yet due to leave."""
    with tempfile.TemporaryDirectory() as folder:
        made = Fleet(Path(folder), server, mails, workers)
        try:
            yield made
        finally:
            made.close()


def measured(server: Postgres, mails: int, workers: int, kills: int, cuts: int) -> dict:
    """One line of the table."""
    with fleet(server, mails, workers) as made:
        end = made.delivers(kills, cuts)
        copies = Counter(end["ids"])
        assert len(copies) == mails, f"{mails - len(copies)} digests are lost"
        more = copies.total() - mails
        assert more <= made.kills * CONNECTIONS, f"{more} came twice"
        return {
            "workers": workers,
            "mails": mails,
            "mails_per_second": round(mails / (end["last"] - end["first"]), 1),
            "claimed_rows_per_second": round(claimed_a_second(server, mails, workers)),
            "kills": made.kills,
            "cuts": made.cuts,
            "came_twice": more,
        }


def main(given: argparse.Namespace) -> None:
    """Measures and prints."""
    with postgres_running() as server:
        server.run("ALTER SYSTEM RESET fsync")  # the tests do without
        server.run("SELECT pg_reload_conf()")
        runs = [
            measured(server, given.mails, workers, given.kills, given.cuts)
            for workers in given.workers
        ]
    print("| workers | mails/s | speed-up | claimed and marked rows/s | kills | cuts | twice |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for run in runs:
        run["speed_up"] = round(run["mails_per_second"] / runs[0]["mails_per_second"], 2)
        print(
            f"| {run['workers']} | {run['mails_per_second']:,} | {run['speed_up']} "
            f"| {run['claimed_rows_per_second']:,} | {run['kills']} | {run['cuts']} "
            f"| {run['came_twice']} |"
        )
    if given.json:
        given.json.write_text(json.dumps({"cores": os.cpu_count(), "runs": runs}, indent=2))


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mails", type=int, nargs="?", default=20_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--cuts", type=int, default=0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--sink"]:
        asyncio.run(sink())
    elif sys.argv[1:2] == ["--claim"]:
        claim(sys.argv[2])
    else:
        main(asked())
