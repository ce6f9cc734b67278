"""`newsletter fetch`: what is printed, what is kept, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from newsletter import __version__
from newsletter.store import open_store


def stored(installation):
    store = open_store(f"sqlite:///{installation / 'state' / 'newsletter.db'}")
    papers = store.papers()
    looks = sum(len(candidate.sightings) for candidate in store.candidates())
    store.close()
    return papers, looks


def test_the_version_is_told(newsletter):
    ran = newsletter("--version")

    assert (ran.code, ran.out) == (0, f"newsletter {__version__}\n")


def test_a_list_is_read_and_kept(newsletter, installation, papers_page, item):
    papers_page.lists(item(1), item(2))

    ran = newsletter("fetch", "--source", "daily:2026-04-03")

    assert ran.code == 0
    assert ran.out == "daily:2026-04-03: 2 papers by api, 2 new\n"
    assert len(stored(installation)[0]) == 2


def test_a_second_run_adds_looks_only(newsletter, installation, papers_page, item):
    papers_page.lists(item(1))
    newsletter("fetch", "--source", "daily:2026-04-03")

    ran = newsletter("fetch", "--source", "daily:2026-04-03")

    assert "1 paper by api, 0 new" in ran.out
    papers, looks = stored(installation)
    assert (len(papers), looks) == (1, 2)


def test_json_prints_one_object_a_line_with_the_fields_of_the_paper_and_of_the_list(
    newsletter, papers_page, item
):
    papers_page.lists(item(2), item(1))

    ran = newsletter("fetch", "--source", "daily:2026-04-03", "--json", "--dry-run")

    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert [row["id"] for row in rows] == ["2604.00002", "2604.00001"]
    first = rows[0]
    assert (first["rank"], first["upvotes"], first["comments"], first["tier"]) == (1, 20, 2, "api")
    assert first["published_on"] == "2026-04-01"
    assert first["authors"] == ["Ada Example"]
    assert {"title", "abstract", "stars", "submitter", "listed_on", "pdf_url"} <= first.keys()


def test_what_json_prints_can_be_read_again(newsletter, installation, papers_page, item):
    papers_page.lists(item(1), item(2))
    printed = newsletter("fetch", "--source", "daily:2026-04-03", "--json", "--dry-run").out
    (installation / "saved.jsonl").write_text(printed, encoding="utf-8")

    again = newsletter("fetch", "--source", "saved.jsonl", "--json", "--dry-run")

    assert (again.code, again.out) == (0, printed)


def test_a_dry_run_keeps_nothing(newsletter, installation, papers_page, item):
    papers_page.lists(item(1))

    ran = newsletter("fetch", "--source", "trending", "--dry-run")

    assert (ran.code, "kept nothing" in ran.out) == (0, True)
    assert not (installation / "state").exists()


def test_an_empty_list_is_not_an_error(newsletter, papers_page):
    papers_page.lists()

    ran = newsletter("fetch", "--source", "daily:2026-04-03")

    assert ran.code == 0
    assert ran.out.startswith("daily:2026-04-03: 0 papers")


@pytest.mark.parametrize("status", [404, 429, 500])
def test_a_source_that_fails_ends_with_3_and_a_sentence(newsletter, papers_page, status):
    papers_page.fails(status)

    ran = newsletter("fetch", "--source", "trending")

    assert ran.code == 3
    assert str(status) in ran.err
    assert "Traceback" not in ran.err


def test_one_failing_source_does_not_stop_the_others(newsletter, installation, papers_page, item):
    papers_page.lists(item(1))

    ran = newsletter("fetch", "--source", "missing.html", "--source", "daily:2026-04-03")

    assert ran.code == 3
    assert "missing.html" in ran.err
    assert len(stored(installation)[0]) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "empty"),
        ("<html><form action='/login'><input type='password'></form></html>", "login"),
        ("hello", "missing or unknown"),
    ],
)
def test_a_file_that_is_no_list_is_told_what_it_looks_like(
    newsletter, installation, content, sentence
):
    (installation / "file.html").write_text(content)

    ran = newsletter("fetch", "--source", "file.html", "--dry-run")

    assert ran.code == 3
    assert ran.err.count("\n") == 1
    assert sentence in ran.err or sentence == "missing or unknown"


@pytest.mark.parametrize("words", ["daily:yesterday", "daily:2026-02-31", "arxiv:", ""])
def test_a_source_that_is_no_source_is_wrong_usage(newsletter, papers_page, words):
    ran = newsletter("fetch", "--source", words)

    assert ran.code == 2
    assert papers_page.asked == []


def test_an_unknown_option_is_wrong_usage(newsletter):
    assert newsletter("fetch", "--sauce", "daily").code == 2


def test_a_broken_settings_file_ends_with_2_and_its_keys(newsletter, installation):
    (installation / "mine.toml").write_text("[sources]\nattemps = 3\n")

    ran = newsletter("fetch", "--config", "mine.toml")

    assert ran.code == 2
    assert "sources.attemps: unknown key; did you mean attempts?" in ran.err


def test_a_closed_pipe_ends_quietly(installation, papers_page, item):
    """`newsletter fetch --json | head -1` prints no traceback."""
    papers_page.lists(*[item(n, summary="long " * 2000) for n in range(1, 40)])
    command = f"{sys.executable} -m newsletter fetch --source trending --json --dry-run | head -c 1"

    ran = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)

    assert "Traceback" not in ran.stderr
