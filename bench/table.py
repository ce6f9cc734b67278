"""Runs of benchmarks -> rows of one table, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from goals import LESS, LINES, Line

Run = Mapping[str, Any]  # what a benchmark wrote: figures, facts, missing


@dataclass(slots=True, kw_only=True)
class Result:
    """What became of one benchmark.

    Attributes:
        runs: one for each repetition that came to its end.
        why: what went wrong, if anything did.
        seconds: of the clock, all runs together.
    """

    runs: list[Run] = field(default_factory=list)
    why: str = ""
    seconds: float = 0.0

    def medians(self) -> dict[str, float]:
        """Each figure, over all runs."""
        names = dict.fromkeys(name for run in self.runs for name in run["figures"])
        return {name: median(self.each(name)) for name in names}

    def each(self, name: str) -> list[float]:
        """A figure of every run that has it."""
        return [run["figures"][name] for run in self.runs if name in run["figures"]]

    def facts(self) -> dict[str, str]:
        """Of what size; numbers as people write them."""
        found = self.runs[0]["facts"] if self.runs else {}
        return {key: f"{fact:,}" if isinstance(fact, int) else fact for key, fact in found.items()}

    def reason(self, key: str) -> str:
        """Why a figure is not there."""
        said = self.runs[0]["missing"] if self.runs else {}
        fitting = (why for start, why in said.items() if key.startswith(start))
        return next(fitting, self.why) or "not measured in this run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; `figure` is None where nothing was measured, and `beside` says why."""

    bench: str
    what: str
    figure: float | None
    unit: str
    goal: str
    met: bool | None
    ratio: float | None
    beside: str


def rows(results: Mapping[str, Result]) -> list[Row]:
    """Every line of the benchmarks that were asked for."""
    return [_row(line, results[line.bench]) for line in LINES if line.bench in results]


def _row(line: Line, result: Result) -> Row:
    figures, facts = result.medians(), _Facts(result.facts())
    figure, reference = figures.get(line.key), figures.get(line.beside)
    ratio = _ratio(line, result)
    wanted = reference if line.beaten else line.goal
    return Row(
        bench=line.bench,
        what=line.what.format_map(facts),
        figure=figure,
        unit=line.unit,
        goal=_goal(line, wanted),
        met=_is_met(line, figure, wanted),
        ratio=ratio,
        beside=_beside(line, result, ratio, reference).format_map(facts),
    )


class _Facts(dict[str, str]):
    """A run that failed knows no facts."""

    def __missing__(self, key: str) -> str:
        return "…"


def _ratio(line: Line, result: Result) -> float | None:
    """How many times better than what it stands beside, in the same run each; the median."""
    pairs = [(run["figures"].get(line.key), run["figures"].get(line.beside)) for run in result.runs]
    whole = [(ours, theirs) for ours, theirs in pairs if ours and theirs]
    if line.better == LESS:
        whole = [(theirs, ours) for ours, theirs in whole]
    return median(one / other for one, other in whole) if whole else None


def _goal(line: Line, wanted: float | None) -> str:
    sign = "≤" if line.better == LESS else "≥"
    if line.beaten:
        return f"{sign} {line.beside_what}"
    return "" if wanted is None else f"{sign} {number(wanted)}"


def _is_met(line: Line, figure: float | None, wanted: float | None) -> bool | None:
    if figure is None or wanted is None:
        return None
    return figure <= wanted if line.better == LESS else figure >= wanted


def _beside(line: Line, result: Result, ratio: float | None, reference: float | None) -> str:
    if not result.each(line.key):
        return result.reason(line.key).replace("{", "{{").replace("}", "}}")
    if line.beside and reference is None:
        return result.reason(line.beside).replace("{", "{{").replace("}", "}}")
    if ratio is None or reference is None:
        return ""
    return f"{number(ratio)} x {line.beside_what} ({number(reference)})"


def number(value: float) -> str:
    """As many digits as mean something."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


_MET = {True: "yes", False: "**no**", None: ""}


def markdown(found: Sequence[Row]) -> str:
    """The table."""
    lines = [
        "| benchmark | what | figure | unit | goal | met | better than, in the same run |",
        "|---|---|---:|---|---:|---|---|",
    ]
    before = ""
    for row in found:
        name, before = ("" if row.bench == before else row.bench), row.bench
        figure = "—" if row.figure is None else number(row.figure)
        cells = (name, row.what, figure, row.unit, row.goal, _MET[row.met], row.beside)
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
