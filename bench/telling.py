"""Says how far the front is: bars on a terminal, a line for each run elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Teller:
    """For so many benchmarks, one after the other."""

    def __init__(self, total: int) -> None:
        self._total, self._begun = total, 0
        console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> Teller:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def begins(self, name: str, runs: int) -> None:
        """A benchmark of so many runs is next."""
        self._begun += 1
        self._name, self._runs, self._run = f"{self._begun}/{self._total} {name}", runs, 0
        self._since = time.perf_counter()
        # Of a single run nobody knows how far it is: its bar only moves.
        self._task = self._progress.add_task(self._name, total=runs if runs > 1 else None)

    def runs(self) -> None:
        """Its next run begins."""
        self._run += 1
        label = self._name if self._runs == 1 else f"{self._name}, run {self._run} of {self._runs}"
        self._progress.update(self._task, completed=self._run - 1, description=label)
        if self._progress.disable:
            self._say(f"{label} ...")

    def ends(self, why: str) -> None:
        """It is over; with a sentence if something went wrong."""
        self._progress.stop_task(self._task)
        if not why:
            self._progress.update(
                self._task, total=self._runs, completed=self._runs, description=self._name
            )
        if why or self._progress.disable:
            self._say(f"{self._name}: {why or f'{time.perf_counter() - self._since:.0f} s'}")

    def _say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
