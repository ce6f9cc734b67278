"""`newsletter fleet worker` says in a sentence what it lacks."""

from __future__ import annotations

import subprocess
import sys

WAIT_SECONDS = 60


def asked(tmp_path, *, without: str = "", url: str = "") -> subprocess.CompletedProcess[str]:
    begin = f"import sys; sys.modules[{without!r}] = None; " if without else "import sys; "
    return subprocess.run(
        [
            *(sys.executable, "-c", begin + "from newsletter.cli import main; main()"),
            *("fleet", "worker"),
        ],
        env={"NEWSLETTER_PATHS__STATE": str(tmp_path), "NEWSLETTER_STORE__URL": url},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


def test_a_store_of_one_file_is_refused(tmp_path):
    refused = asked(tmp_path)

    assert refused.returncode == 2
    assert "a fleet needs PostgreSQL" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_without_procrastinate_it_says_what_to_install(tmp_path):
    refused = asked(tmp_path, without="procrastinate", url="postgresql://nobody@127.0.0.1:9/none")

    assert refused.returncode == 2
    assert "pip install 'newsletter[fleet]'" in refused.stderr
