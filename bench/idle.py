"""Starts `newsletter run` on a store of so many papers: when it answers, and what it holds at rest.

python bench/idle.py              # 10,000 papers
python bench/idle.py 2000
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

from newsletter.app import App, utc_now
from newsletter.config import load_settings
from newsletter.model import Entry, Listing, Paper, Tier
from newsletter.pipeline import record

PAPERS_A_DAY = 100
REST_SECONDS = 75  # every job has run, the watch twice
WORDS = ["sparse", "dense", "causal", "robust", "latent", "visual", "spoken", "planning", "memory"]


def main(papers: int) -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = _stocked(folder, papers)
        begun = time.perf_counter()
        command = [sys.executable, "-m", "newsletter", "run", "--port", "0", "--config", settings]
        with (
            subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process,
            ExitStack() as stack,
        ):
            assert process.stderr
            stack.callback(process.terminate)  # whatever happens here
            url = next(line for line in process.stderr if "pages are at" in line).split()[4]
            _ask(f"{url}/healthz")
            print(f"answers after {time.perf_counter() - begun:.1f} s")
            print(f"  at once: {_memory(process.pid)}")
            time.sleep(REST_SECONDS)
            print(f"  at rest: {_memory(process.pid)}")
            for number in range(50):
                _preview(url, f"{WORDS[number % len(WORDS)]} {WORDS[number * 7 % len(WORDS)]}")
            print(f"  after 50 previews: {_memory(process.pid)}")


def _stocked(folder: Path, papers: int) -> Path:
    file = folder / "settings.toml"
    file.write_text(
        f"""
[paths]
state = "{folder / "state"}"
cache = "{folder / "cache"}"
[sources]
default = ["{folder / "list.jsonl"}"]
[operator]
log_level = "error"
""",
        encoding="utf-8",
    )
    app = App(load_settings(file))
    for back in range(papers // PAPERS_A_DAY):
        day = utc_now().date() - timedelta(days=back)
        record(app.store, _list(day), now=utc_now() - timedelta(days=back))
    app.store.close()
    return file


def _list(day: date) -> Listing:
    entries = tuple(
        Entry(paper=_paper(day, number), rank=number, upvotes=number)
        for number in range(1, PAPERS_A_DAY + 1)
    )
    return Listing(source=f"daily:{day}", tier=Tier.API, entries=entries, listed_on=day)


def _paper(day: date, number: int) -> Paper:
    seed = day.toordinal() * PAPERS_A_DAY + number
    words = [WORDS[(seed * step + step * step) % len(WORDS)] for step in range(1, 150)]
    return Paper(
        id=f"{day:%y%m}.{day.day:02}{number:03}",
        title=f"{' '.join(words[:6])} {number}",
        abstract=" ".join(words),
        authors=tuple(f"Author {seed % 977} {n}" for n in range(5)),
        listed_on=day,
    )


def _ask(url: str, body: bytes | None = None) -> None:
    asked = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        answer.read()


def _preview(url: str, topic: str) -> None:
    _ask(f"{url}/api/v1/preview", json.dumps({"topics": [topic]}).encode())


def _memory(pid: int) -> str:
    said = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    figures = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)
    return (
        ", ".join(
            f"{label} {int(figures[key].split()[0]) / 1024:.0f} MB"
            for label, key in (("RSS", "VmRSS"), ("highest", "VmHWM"))
        )
        + f", {figures['Threads'].strip()} threads"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
