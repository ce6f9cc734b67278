"""`newsletter run` and `serve` as processes: they answer, read lists, stop cleanly, and stay alone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from typer.main import get_command

from newsletter.cli import cli
from newsletter.config import load_settings

WAIT_SECONDS = 60


@pytest.fixture
def home(tmp_path, papers_page) -> dict[str, str]:
    """The environment of an installation whose papers page is on this machine."""
    return os.environ | {
        "NEWSLETTER_PATHS__STATE": str(tmp_path / "state"),
        "NEWSLETTER_PATHS__CACHE": str(tmp_path / "cache"),
        "NEWSLETTER_SOURCES__BASE_URL": papers_page.url,
        "NEWSLETTER_SOURCES__ARXIV_FALLBACK": "",
        "NEWSLETTER_SOURCES__ATTEMPTS": "1",
    }


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "newsletter", *words]


@pytest.mark.parametrize("name", ["run", "serve"])
def test_without_settings_the_links_of_mails_lead_to_where_the_pages_are_served(name):
    (port,) = (each for each in get_command(cli).commands[name].params if each.name == "port")

    assert load_settings().publication.base_url == f"http://127.0.0.1:{port.default}"


@contextmanager
def started(home, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running process and its address; killed if it is still there at the end."""
    process = subprocess.Popen(
        command(*words, "--port", "0"), env=home, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process, _address(process)
    finally:
        process.kill()
        process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    for line in process.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise AssertionError("the pages never answered")


def stored(home) -> str:
    """What a status question says, once there is something to say."""
    listed = subprocess.run(
        command("preview", "--out", home["NEWSLETTER_PATHS__STATE"] + "/out"),
        env=home,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    return listed.stderr


@pytest.mark.parametrize("word", ["run", "serve"])
def test_the_service_answers_and_ends_with_zero_when_asked_to(home, word):
    with started(home, word) as (process, url):
        assert requests.get(f"{url}/healthz", timeout=WAIT_SECONDS).text == "ok"
        assert requests.get(url, timeout=WAIT_SECONDS).status_code == 200
        process.send_signal(signal.SIGTERM)

        assert process.wait(WAIT_SECONDS) == 0


def refused(home) -> tuple[int, str]:
    """How `newsletter run` ends that cannot begin."""
    ran = subprocess.run(
        command("run", "--port", "0"),
        env=home,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert "Traceback" not in ran.stderr
    return ran.returncode, ran.stderr


def test_a_second_process_on_the_same_file_is_refused_in_a_sentence(home):
    with started(home, "serve"):
        code, said = refused(home)

    assert code == 1
    assert "another newsletter runs on" in said


def test_the_same_file_is_refused_also_under_another_state_directory(home, tmp_path):
    one, other = ({"NEWSLETTER_PATHS__STATE": str(tmp_path / name)} for name in ("one", "other"))
    file = {"NEWSLETTER_STORE__URL": f"sqlite:///{tmp_path / 'kept' / 'readers.db'}"}
    with started(home | one | file, "serve"):
        code, said = refused(home | other | file)

    assert code == 1
    assert f"another newsletter runs on {tmp_path / 'kept'}" in said


def test_a_state_directory_that_cannot_be_written_is_told_in_a_sentence(home, tmp_path):
    (tmp_path / "no-folder").write_text("nothing can be made in here")

    code, said = refused(home | {"NEWSLETTER_PATHS__STATE": str(tmp_path / "no-folder" / "state")})

    assert code == 1
    assert "cannot be written: Not a directory" in said


@pytest.mark.parametrize(
    ("name", "value", "code", "sentence"),
    [
        ("SOURCES__DEFAULT", '["dialy"]', 2, "source “dialy”: this is no source"),
        ("PATHS__TEMPLATES", "/not/there", 2, "/not/there: there is no such directory"),
    ],
)
def test_settings_that_could_only_fail_by_night_end_the_start(home, name, value, code, sentence):
    ended, said = refused(home | {f"NEWSLETTER_{name}": value})

    assert ended == code
    assert sentence in said


def test_without_a_relay_it_is_said_in_which_folder_the_mails_are(home, tmp_path):
    folder = tmp_path / "mails"
    _, said = refused(
        home | {"NEWSLETTER_SMTP__FOLDER": str(folder), "NEWSLETTER_PATHS__TEMPLATES": "/not/there"}
    )

    assert f"mails become files in {folder}." in said


def test_the_service_reads_the_lists_at_once(home, papers_page, item):
    papers_page.lists(item(1, title="A first paper"), item(2, title="A second paper"))
    dated = home | {"NEWSLETTER_SOURCES__DEFAULT": '["daily:2026-04-03"]'}
    with started(dated, "run") as (_, url):
        deadline = time.monotonic() + WAIT_SECONDS
        page = ""
        while "A first paper" not in page and time.monotonic() < deadline:
            page = requests.get(f"{url}/archive/feed.json", timeout=WAIT_SECONDS).text

    assert "A first paper" in page
