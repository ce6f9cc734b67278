"""Kills and hinders the delivering service at many random moments; counts at the relay what was lost.

    python bench/chaos.py 5000 100                   # so many digests, so many SIGKILLs
    python bench/chaos.py 5000 100 --rough           # and a relay that refuses, drops and hangs
    python bench/chaos.py 2000 20 --jumps 10         # and a clock that jumps an hour to and fro
    python bench/chaos.py 2000 20 --full-disk 5      # and a disk that fills up (needs root)

`--connections N` sets `smtp.connections`, `--rate "TEXT cut=0.1"` a fault of one's own (see
`tests/e2e/rough_relay.py`). The short form of it is a test. Ends with 1 if a mail was lost, changed,
sent again after a final refusal, or doubled more often than kills and silence allow.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from chaos import FAKETIME, Ordeal, Outcome, Plan, SmallDisk, ordeal, small_disk

_FULL_SECONDS = 150.0  # the watch looks twice before it says that the database does not answer

# About one attempt in five goes wrong.
ROUGH = {
    "CONNECT 421": 0.02,
    "CONNECT drop": 0.02,
    "EHLO 421": 0.01,
    "EHLO 550": 0.01,
    "MAIL 421": 0.01,
    "MAIL 450": 0.01,
    "MAIL 550": 0.005,
    "RCPT 421": 0.01,
    "RCPT 450": 0.02,
    "RCPT 451": 0.01,
    "RCPT 452": 0.01,
    "RCPT 550": 0.01,
    "RCPT 552": 0.005,
    "RCPT drop": 0.01,
    "DATA 421": 0.005,
    "DATA 451": 0.005,
    "DATA 554": 0.002,
    "DATA drop": 0.005,
    "TEXT 421": 0.005,
    "TEXT 451": 0.01,
    "TEXT 452": 0.01,
    "TEXT 552": 0.003,
    "TEXT 554": 0.003,
    "TEXT cut": 0.01,
    "TEXT drop": 0.01,
    "TEXT taken": 0.01,
    "TEXT late": 0.001,
    "TEXT hang": 0.001,
    "RCPT hang": 0.001,
}


def main() -> None:
    """Lives through the ordeal and prints what remained."""
    asked = _asked()
    plan = Plan(
        readers=asked.readers,
        # A fifth of the kills comes at random times after a start, whatever the relay sees.
        kills=asked.kills - asked.kills // 5 + asked.jumps + asked.full_disk,
        blind=asked.kills // 5,
        seed=asked.seed,
        rates=(ROUGH if asked.rough else {}) | dict(asked.rate),
        connections=asked.connections,
    )
    begun = time.perf_counter()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        size = 300 + plan.readers // 100  # megabytes; the alarm comes at 200
        disk = stack.enter_context(small_disk(folder / "state", size)) if asked.full_disk else None
        made = stack.enter_context(ordeal(folder, plan, machine_clock=asked.jumps > 0))
        made.relay.at_moment = Moments(made, disk, asked)
        end = made.runs_until_all_is_done()
        alarms = sorted(set(made.relay.alarms))
    _print(end, time.perf_counter() - begun, alarms)
    sys.exit(0 if _holds(end) else 1)


class Moments:
    """What happens at the moments that the relay gives: a kill, a jump of the clock, a full disk."""

    def __init__(self, made: Ordeal, disk: SmallDisk | None, asked: argparse.Namespace) -> None:
        self._made = made
        self._disk = disk
        kinds = [self._kill] * (asked.kills - asked.kills // 5)
        kinds += [self._jump] * asked.jumps
        kinds += [self._fill] * asked.full_disk
        random.Random(asked.seed).shuffle(kinds)
        self._next = iter(kinds)
        self._hours = 1

    def __call__(self) -> bool:
        return next(self._next)()

    def _kill(self) -> bool:
        return self._made.service.kill()

    def _jump(self) -> bool:
        self._made.clock.moves(timedelta(hours=self._hours))
        self._hours = -self._hours
        return False

    def _fill(self) -> bool:
        if self._disk is None:
            sys.exit("no small disk can be mounted here: that needs root")
        self._made.fills(self._disk, seconds=_FULL_SECONDS)
        return True


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("readers", nargs="?", type=int, default=5000)
    parser.add_argument("kills", nargs="?", type=int, default=100)
    parser.add_argument("--rough", action="store_true", help="a fifth of all attempts goes wrong")
    parser.add_argument("--rate", action="append", type=_rate, default=[], metavar="FAULT=RATE")
    parser.add_argument("--jumps", type=int, default=0, help="of an hour, forward and back")
    parser.add_argument("--full-disk", type=int, default=0, help="how often it fills up")
    parser.add_argument("--connections", type=int, default=0, help="smtp.connections")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.jumps and not FAKETIME.exists():
        parser.error("jumps need libfaketime (Debian: faketime)")
    return asked


def _rate(text: str) -> tuple[str, float]:
    name, _, rate = text.rpartition("=")
    return name, float(rate)


def _holds(end: Outcome) -> bool:
    excused = end.in_hand + end.unanswered
    return not (end.lost or end.changed) and max(end.duplicates, end.repeated) <= excused


def _print(end: Outcome, seconds: float, alarms: list[str]) -> None:
    print(f"{end.readers} digests, {end.kills} kills, {end.starts} starts, {seconds:.0f} s")
    print(f"arrived {end.arrived}, refused for good {end.refused}, lost {end.lost}")
    print(
        f"doubled {end.duplicates}; excused {end.in_hand} by kills (connections open), "
        f"{end.unanswered} kept without a word; copies that differ {end.changed}"
    )
    print(f"asked for again after a final refusal: {end.repeated}")
    for name, count in sorted(end.faults.items()):
        print(f"  {name}: {count}")
    for subject in alarms:
        print(f"  alarm: {subject}")


if __name__ == "__main__":
    main()
