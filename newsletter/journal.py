"""What this process did since it started, for the watch and the metrics; written by every thread."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from threading import Lock

from newsletter.delivery import Outcome, Result
from newsletter.watch import JobRecord, Proof, Reading, RelayRecord

_RELAYING = re.compile(r"\brelay", re.IGNORECASE)


class Journal:
    """Counts of jobs, lists read and mails handed over; nothing in it names a reader.

    Its size does not grow: one record for each job and each source.

    Args:
        started_at: of the process.
        jobs: names of the jobs to come, so that they are seen before their first end.
    """

    def __init__(self, started_at: datetime, *, jobs: Iterable[str] = ()) -> None:
        self.started_at = started_at
        self._lock = Lock()
        self._jobs = {name: JobRecord(name=name) for name in jobs}
        self._readings: dict[str, Reading] = {}
        self._mails: Counter[Result] = Counter()
        self._relay = RelayRecord()
        self._proofs: dict[str, Proof] = {}

    @property
    def proofs(self) -> Mapping[str, Proof]:
        """That things work, by the name of the alarm that would tell that they do not."""
        with self._lock:
            return dict(self._proofs)

    @property
    def jobs(self) -> tuple[JobRecord, ...]:
        with self._lock:
            return tuple(self._jobs.values())

    @property
    def readings(self) -> tuple[Reading, ...]:
        with self._lock:
            return tuple(self._readings.values())

    @property
    def mails(self) -> tuple[tuple[Result, int], ...]:
        """How many attempts to hand a mail over ended how."""
        with self._lock:
            return tuple((result, self._mails[result]) for result in Result)

    @property
    def relay(self) -> RelayRecord:
        with self._lock:
            return self._relay

    def job_ended(self, name: str, at: datetime, error: str = "") -> None:
        """A job came to its end, with an error or without."""
        with self._lock:
            known = self._jobs.get(name) or JobRecord(name=name)
            self._jobs[name] = replace(
                known,
                runs=known.runs + 1,
                failures=known.failures + bool(error),
                in_a_row=known.in_a_row + 1 if error else 0,
                last_error=error or known.last_error,
                ended_at=at,
            )
            self._saw(f"job {name}", at, works=not error)

    def source_read(self, reading: Reading) -> None:
        """A source was read or could not be; how often in a row is counted here."""
        with self._lock:
            before = self._readings.get(reading.name)
            in_a_row = _in_a_row(before, reading)
            self._readings[reading.name] = replace(reading, in_a_row=in_a_row)
            self._saw(f"source {reading.name}", reading.at, works=not reading.failed)
            self._saw(f"tier {reading.name}", reading.at, works=in_a_row == 0)

    def mail_ended(self, outcome: Outcome, at: datetime) -> None:
        """The relay took a mail, put it off or refused it; a judgement of a mailbox shows it is there."""
        with self._lock:
            self._mails[outcome.result] += 1
            self._relay = _after(self._relay, outcome, at)
            self._saw("relay", at, works=self._relay == RelayRecord())

    def _saw(self, name: str, at: datetime, *, works: bool) -> None:
        before = self._proofs.pop(name, None)
        if works:
            self._proofs[name] = Proof(last=at, since=before.since if before else at)


def _after(before: RelayRecord, outcome: Outcome, at: datetime) -> RelayRecord:
    words = " ".join(filter(None, (str(outcome.reply or ""), outcome.detail)))
    if outcome.result is Result.DEFERRED:
        since = before.since if before.put_off else None
        return RelayRecord(put_off=before.put_off + 1, since=since or at, at=at, words=words)
    if outcome.result is Result.REJECTED and _is_policy(outcome):
        since = before.since if before.refused else None
        return RelayRecord(refused=before.refused + 1, since=since or at, at=at, words=words)
    return RelayRecord()


def _is_policy(outcome: Outcome) -> bool:
    """X.7.X is about security or policy (RFC 3463 section 3.8); some relays give no such code."""
    if outcome.status:
        return outcome.status.startswith("5.7.")
    return _RELAYING.search(outcome.detail) is not None


def _in_a_row(before: Reading | None, reading: Reading) -> int:
    if not (reading.failed or reading.is_detour):
        return 0
    same = before is not None and before.failed == reading.failed
    return before.in_a_row + 1 if before and same else 1
