"""`selection.model` at the doors: every command measures by it, and a wrong one is said at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from operate_world import INES, enrol, stock

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.selection import rank

PAPER = "2604.00005"  # about robot hands; they like sparse attention


@pytest.fixture
def chosen(installation, monkeypatch, model_folder) -> Iterator[App]:
    """An installation that measures by the small real model."""
    monkeypatch.setenv("NEWSLETTER_SELECTION__MODEL", str(model_folder))
    app = App(load_settings())
    stock(app)
    yield app
    app.store.close()


@pytest.fixture
def wrong(monkeypatch, installation) -> str:
    """A model that is not there."""
    monkeypatch.setenv("NEWSLETTER_SELECTION__MODEL", "./nowhere")
    return (
        "selection.model: there is no directory ./nowhere: name the directory of a model2vec model"
    )


def doctor(newsletter) -> dict[str, dict]:
    ran = newsletter("doctor", "--json", "--nameserver", "127.0.0.1:9")
    return {finding["about"]: finding for finding in json.loads(ran.out)}


def test_picks_are_measured_by_the_model_also_from_the_bundled_page(chosen, monkeypatch, tmp_path):
    assert chosen.pool().background.fitted.encoder is chosen.encoder
    assert chosen.encoder is not None
    monkeypatch.setenv("NEWSLETTER_PATHS__STATE", str(tmp_path / "blank"))
    blank = App(load_settings())
    pool = blank.pool()
    assert pool.sample
    assert pool.background.rows.meaning.shape == (len(pool.background.papers), chosen.encoder.width)


def test_explain_measures_by_the_model_too(newsletter, chosen):
    reader = enrol(chosen)
    pool, now = chosen.pool(), chosen.now()
    ranking = rank(reader.profile, pool.candidates, now=now, background=pool.background)
    expected = next(item.taste for item in ranking if item.paper.id == PAPER)

    told = json.loads(newsletter("explain", INES, PAPER, "--json").out)

    assert told["figures"]["taste"] == pytest.approx(expected, abs=1e-4)


def test_doctor_says_that_the_model_can_be_used(newsletter, chosen):
    assert "tells what papers mean, 64 numbers for each" in doctor(newsletter)["model"]["said"]


def test_doctor_says_what_is_wrong_with_the_model(newsletter, wrong):
    found = doctor(newsletter)["model"]
    assert (found["level"], found["said"].startswith(wrong)) == ("FAIL", True)
    assert "docs/selection.md" in found["fix"]


def test_doctor_has_nothing_to_say_without_a_model(newsletter):
    assert "model" not in doctor(newsletter)


@pytest.mark.parametrize("words", ["run --port 0", "serve --port 0", "preview --out out"])
def test_a_wrong_model_stops_a_command_before_it_begins(papers_page, wrong, words):
    ran = subprocess.run(  # a process of its own: `run` sets up the log of the whole process
        [sys.executable, "-m", "newsletter", *words.split()],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 2
    assert wrong in ran.stderr
    assert "or leave it empty" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert papers_page.asked == []


def test_no_model_is_the_default(root):
    shipped = tomllib.loads((root / "config" / "newsletter.toml").read_text(encoding="utf-8"))
    assert shipped["selection"] == {"model": ""}
    assert App(load_settings()).encoder is None
