"""Real recorded lists all the way to a mail, where they stand beside the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def judge(root):
    """The neutral judge of finished mails, or a skip where it is absent."""
    tool = root.parent / "shared" / "tools" / "eml-check"
    if not tool.is_file():
        pytest.skip("the judge of mails is not beside this checkout")

    def judged(*mails: Path) -> str:
        command = [sys.executable, str(tool), "--dev", *map(str, mails)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    return judged


@pytest.fixture
def omnivore(installation):
    """Somebody who takes the sixteen most trending papers, whatever they are about."""
    file = installation / "omnivore.toml"
    file.write_text('name = "Zoë"\nmax_papers = 16\ntrend_weight = 1.0\n', encoding="utf-8")
    return file


def test_every_recorded_day_becomes_a_mail_that_the_judge_accepts(
    newsletter, installation, shared_data, judge, omnivore
):
    days = sorted((shared_data / "api").glob("*.json"))
    assert days

    for day in days:
        out = installation / day.stem
        ran = newsletter("preview", "--source", day, "--profile", omnivore, "--out", out)
        assert ran.code == 0, ran.err
        items = json.loads(day.read_text(encoding="utf-8"))
        picks = json.loads((out / "picks.json").read_text(encoding="utf-8"))
        assert len(picks) == min(16, len(items)), day.name

    verdict = judge(*sorted(installation.glob("*/digest.eml")))
    assert "FAIL" not in verdict, verdict
    assert verdict.count("checks hold") == len(days)


def test_every_recorded_page_is_read_and_previewed(newsletter, installation, shared_data, judge):
    for page in sorted((shared_data / "pages").glob("daily*.html")):
        ran = newsletter("preview", "--source", page, "--out", installation / page.stem)
        assert ran.code == 0, ran.err

    assert "FAIL" not in judge(*sorted(installation.glob("*/digest.eml")))


def test_the_demo_mails_are_accepted(newsletter, installation, papers_page, judge):
    papers_page.fails(503)
    newsletter("demo", "--out", "out")

    verdict = judge(*sorted((installation / "out").glob("*/digest.eml")))

    assert verdict.count("checks hold") == 2
    assert "FAIL" not in verdict
