"""The front over the benchmarks: one table whatever happens to one of them."""

from __future__ import annotations

import importlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

OURS = ("goals", "kit", "machine", "plot", "run", "table", "telling")
GOOD = """
import json, sys
figures = {"mail_us": 200, "naive_us": 9000, "ratio": 45.0, "mails_per_second": 3000}
missing = {"smtp_source_per_second": "smtp-source is not installed"}
found = {"figures": figures, "facts": {"relay": "our own sink"}, "missing": missing}
open(sys.argv[sys.argv.index("--json") + 1], "w").write(json.dumps(found))
"""
BAD = "raise ValueError('no rows')"
# Starts somebody who tells that they are there, then who it is, and never ends.
HANGING = """
import signal, subprocess, sys
waiting = "import signal; print('here', flush=True); signal.pause()"
other = subprocess.Popen([sys.executable, "-c", waiting], stdout=subprocess.PIPE)
other.stdout.readline()
print(other.pid, flush=True)
signal.pause()
"""
LONG = 60  # seconds to wait for what should come at once; only a failing test waits


@pytest.fixture(scope="module")
def front(root: Path) -> Iterator[ModuleType]:
    """`bench/run.py`, and what it imports from beside it."""
    sys.path.insert(0, str(root / "bench"))
    yield importlib.import_module("run")
    sys.path.remove(str(root / "bench"))
    for name in OURS:
        sys.modules.pop(name, None)


@pytest.fixture
def asked(front, tmp_path, monkeypatch):
    """Runs the front over made-up scripts; its exit code, and what it wrote."""

    def run(scripts: dict[str, str], *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(front.kit, "BENCH", tmp_path)
        for name, text in scripts.items():
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        only = ["--only", ",".join(scripts), "--out", str(tmp_path / "out"), *arguments]
        code = front.main(front.parser().parse_args(only))
        return code, (tmp_path / "out" / "bench.md").read_text(encoding="utf-8")

    return run


def test_the_table_says_what_is_met_and_how_far_ahead_of_the_reference_we_are(asked):
    code, text = asked({"send": GOOD}, "--quick", "--repeat", "1")

    assert code == 0
    assert (
        "| send | one mail, all in all | 200 | us CPU | ≤ 100 | **no** | 45 x the naive chain"
        in text
    )


def test_a_program_that_is_missing_is_named_in_its_row(asked):
    _, text = asked({"send": GOOD}, "--repeat", "1")

    assert "3,000 | mails/s | ≥ smtp-source |  | smtp-source is not installed |" in text


def test_what_fails_leaves_its_rows_empty_and_the_rest_runs(asked, capsys):
    code, text = asked({"store": BAD, "send": GOOD}, "--repeat", "1")

    assert code == 1
    assert "SQLite: claimed, in batches | — | rows/s |  |  | failed: ValueError: no rows" in text
    assert "| send | one mail, all in all | 200 |" in text
    assert "store: failed: ValueError: no rows (store.log)" in capsys.readouterr().err


def test_short_benchmarks_are_repeated_and_medians_count(asked, tmp_path):
    counting = GOOD.replace('"mail_us": 200', '"mail_us": [100, 500, 120][n]')
    counting = counting.replace("import json, sys", "import json, sys, pathlib") + "\n"
    counting = counting.replace(
        "figures =",
        "runs = pathlib.Path(__file__).with_name('runs')\n"
        "n = len(runs.read_text()) if runs.exists() else 0\n"
        "runs.write_text('x' * (n + 1))\n"
        "figures =",
        1,
    )

    _, text = asked({"send": counting}, "--quick")

    assert "| one mail, all in all | 120 |" in text
    kept = json.loads((tmp_path / "out" / "bench.json").read_text(encoding="utf-8"))
    assert len(kept["benchmarks"]["send"]["runs"]) == 3


def test_what_does_not_end_in_its_time_is_ended_and_said_so(front, asked, monkeypatch):
    short = front.Benchmark(name="store", full=(), quick=(), minutes=0)
    monkeypatch.setattr(front, "BENCHMARKS", (short,))

    code, text = asked({"store": HANGING})

    assert code == 1
    assert "was ended after 0 minutes" in text


def test_what_is_ended_takes_all_that_it_started_along(front):
    command = [sys.executable, "-c", HANGING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        other = os.pidfd_open(int(process.stdout.readline()))
        ended = select.poll()
        ended.register(other, select.POLLIN)
        assert not ended.poll(0), "nobody was there to be ended"

        front.end(process)

        assert ended.poll(LONG * 1000), "who was started by it lives on"
    os.close(other)


def test_a_name_that_no_benchmark_has_is_refused_with_those_there_are(front, capsys):
    with pytest.raises(SystemExit):
        front.parser().parse_args(["--only", "send,spend"])

    said = capsys.readouterr().err
    assert "no benchmark is called spend" in said
    assert "send, selecting, assemble, store, fleet, rtt, memory, steps" in said


def test_settings_of_an_installation_do_not_reach_a_benchmark_all_else_does(asked, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_STORE__URL", "postgresql://elsewhere")
    monkeypatch.setenv("BENCH_OF_THE_TEST", "here")
    telling = "import os; print(os.environ.get('NEWSLETTER_STORE__URL'), "
    telling += "os.environ['BENCH_OF_THE_TEST']); raise SystemExit(1)"

    _, text = asked({"store": telling})

    assert "failed: None here" in text


def test_every_benchmark_has_its_script_its_lines_and_its_words(front, root):
    text = (root / "docs" / "performance.md").read_text(encoding="utf-8")
    lines = {line.bench for line in importlib.import_module("goals").LINES}

    for one in front.BENCHMARKS:
        assert one.script.exists()
        assert one.name in lines
        assert f"| `{one.name}` |" in text


def test_the_plot_is_an_svg_for_light_and_dark_whose_longest_bar_is_the_naive_chain(front):
    figures = {"send": {"mail_us": 100.0, "naive_us": 8000.0, "compose_us": 40, "deliver_us": 60}}

    picture = front.plot.svg(figures, "a note & more")

    drawn = ElementTree.fromstring(picture)
    bars = [one for one in drawn.iter("{http://www.w3.org/2000/svg}rect") if one.get("x")]
    assert [float(one.get("width")) for one in bars][:2] == [400.0, 5.0]
    assert "prefers-color-scheme: dark" in picture


def test_without_figures_there_is_no_plot(front):
    assert front.plot.svg({"rtt": {"pipelining_per_second": 400}}, "") == ""
