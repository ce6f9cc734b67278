"""Ctrl-C while the commands are still being loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

WAIT_SECONDS = 60


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
