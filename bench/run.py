"""Every benchmark after the other, each a process of its own, and one table of them all.

    make bench                                   # some twelve minutes
    make bench ARGS="--quick"                    # a few minutes; figures are rougher
    make bench ARGS="--only send,assemble --repeat 9"

The table is printed and lies in `var/bench` as `bench.md` and `bench.json`, with a plot `bench.svg` and
what each benchmark said (`NAME.log`). A goal that is missed is no failure: exit code 1 means that a
benchmark did not come to its end, and its rows say why.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import kit
import machine
import plot
from table import Result, markdown, rows
from telling import Teller

OUT = kit.ROOT / "var" / "bench"
PATIENCE = 30  # seconds for a benchmark to end what it began


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One script, and how it is called.

    Attributes:
        minutes: after so many it is ended.
        is_short: it is repeated, and medians count.
    """

    name: str
    full: Sequence[str]
    quick: Sequence[str]
    minutes: float = 20
    is_short: bool = False

    @property
    def script(self) -> Path:
        """Where it lies."""
        return kit.BENCH / f"{self.name}.py"


BENCHMARKS = (
    Benchmark(name="send", full=("12000",), quick=("1000",), is_short=True),
    Benchmark(name="selecting", full=(), quick=("--papers", "3000", "--readers", "1000")),
    Benchmark(name="assemble", full=("2000",), quick=("500",), is_short=True),
    Benchmark(name="store", full=("20000",), quick=("5000",)),
    Benchmark(name="fleet", full=("20000",), quick=("3000",)),
    Benchmark(name="rtt", full=("500",), quick=("400", "--repeat", "3")),
    Benchmark(name="memory", full=("10000", "100000"), quick=("1000", "4000"), minutes=60),
    Benchmark(name="steps", full=(), quick=("--repeat", "3")),
)


def measured(one: Benchmark, out: Path, teller: Teller, *, quick: bool, repeat: int) -> Result:
    """Every run of one benchmark, or as many as came to an end."""
    result, since = Result(), time.perf_counter()
    runs = repeat if one.is_short else 1
    teller.begins(one.name, runs)
    for _ in range(runs):
        teller.runs()
        file = out / f"{one.name}.json"
        file.unlink(missing_ok=True)
        arguments = [*(one.quick if quick else one.full), "--json", str(file)]
        result.why = ran([sys.executable, str(one.script), *arguments], out, one)
        if result.why:
            break
        result.runs.append(json.loads(file.read_text(encoding="utf-8")))
    teller.ends(result.why)
    result.seconds = time.perf_counter() - since
    return result


def ran(command: Sequence[str], out: Path, one: Benchmark) -> str:
    """Runs it; a sentence where it did not come to its end."""
    log = out / f"{one.name}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            command,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment(),
            start_new_session=True,
        )
        try:
            code = process.wait(one.minutes * 60)
        except subprocess.TimeoutExpired:
            return f"was ended after {one.minutes:g} minutes"
        finally:
            end(process)
    if code == 0:
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return f"failed: {last[:200]} ({one.name}.log)"


def end(process: subprocess.Popen[bytes]) -> None:
    """It ends, with all that it started; it is asked first, for then it also stops its servers."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment() -> dict[str, str]:
    """Ours without settings of an installation; this checkout is what is measured."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NEWSLETTER_")}
    paths = [str(kit.ROOT), kept.get("PYTHONPATH", "")]
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def written(results: Mapping[str, Result], facts: machine.Facts, out: Path) -> str:
    """The table; it lies in the folder, too."""
    found = rows(results)
    text = f"{machine.sentence(facts)}\n\n{markdown(found)}"
    if wrong := [f"- {name}: {one.why}" for name, one in results.items() if one.why]:
        text += "\n" + "\n".join(wrong) + "\n"
    (out / "bench.md").write_text(text, encoding="utf-8")
    whole = {
        "machine": facts,
        "benchmarks": {name: asdict(result) for name, result in results.items()},
        "rows": [asdict(row) for row in found],
    }
    (out / "bench.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    medians = {name: result.medians() for name, result in results.items()}
    if picture := plot.svg(medians, machine.sentence(facts)):
        (out / "bench.svg").write_text(picture, encoding="utf-8")
    return text


def main(asked: argparse.Namespace) -> int:
    """Measures, prints, and writes everything down."""
    asked.out.mkdir(parents=True, exist_ok=True)
    chosen = [one for one in BENCHMARKS if one.name in asked.only]
    repeat = asked.repeat or (3 if asked.quick else 5)
    facts = machine.facts() | {"size": "quick" if asked.quick else "full"}
    with Teller(len(chosen)) as teller:
        results = {
            one.name: measured(one, asked.out, teller, quick=asked.quick, repeat=repeat)
            for one in chosen
        }
    print(written(results, facts, asked.out))
    return 1 if any(result.why for result in results.values()) else 0


def names(text: str) -> list[str]:
    """Those of `--only`."""
    known = [one.name for one in BENCHMARKS]
    given = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in given if name not in known]:
        raise argparse.ArgumentTypeError(
            f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}"
        )
    return given


def positive(text: str) -> int:
    """Those of `--repeat`."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least once")
    return number


def parser() -> argparse.ArgumentParser:
    """The command line."""
    everything = [one.name for one in BENCHMARKS]
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--quick", action="store_true", help="a few minutes, rougher figures")
    made.add_argument(
        "--only", type=names, default=everything, metavar="NAME,...", help=", ".join(everything)
    )
    made.add_argument(
        "--repeat", type=positive, metavar="N", help="of send and assemble: 5, quick 3"
    )
    made.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="instead of var/bench")
    return made


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    try:
        sys.exit(main(parser().parse_args()))
    except KeyboardInterrupt:
        sys.exit(130)
