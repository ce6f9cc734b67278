"""Benchmarks of the whole way come to their end; what they say with so little to do means nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LEAST = {
    "send": ("40",),
    "assemble": ("25",),
    "selecting": ("--papers", "250", "--readers", "20"),
}


@pytest.mark.parametrize("name", LEAST)
def test_a_benchmark_finds_figures_with_the_least_there_is_to_do(name, root: Path, tmp_path):
    told = tmp_path / "told.json"
    command = [sys.executable, root / "bench" / f"{name}.py", *LEAST[name], "--json", told]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(told.read_text(encoding="utf-8"))["figures"]
    assert figures
    assert min(figures.values()) > 0
