"""While the commands are still being loaded: what is not, and what Ctrl-C does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

WAIT_SECONDS = 60


@pytest.fixture
def heard():
    """Ctrl-C is not ignored, as it is in what a shell runs in the background, and all it begins."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_what_serves_pages_is_loaded_by_the_commands_that_serve_some():
    script = "import sys, newsletter.cli; print({'fastapi', 'uvicorn'} & set(sys.modules))"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout == "set()\n"


@pytest.mark.usefixtures("heard")
def test_it_ends_the_process_without_a_traceback(tmp_path):
    (tmp_path / "typer.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])

    ended = subprocess.run(
        [sys.executable, "-m", "newsletter", "--version"],
        env={"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")
