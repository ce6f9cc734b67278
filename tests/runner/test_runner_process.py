"""The service as a process: its log as JSON, and its end in time whatever hangs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from runner_world import YES, House

from newsletter.app import utc_now

WAIT_SECONDS = 60


@pytest.fixture
def silent_relay() -> Iterator[socket.socket]:
    """A relay that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(WAIT_SECONDS)
        yield listening


def service(house: House, word: str, **environment: str) -> subprocess.Popen[str]:
    settings = {f"NEWSLETTER_{key}": value for key, value in environment.items()}
    command = [sys.executable, "-m", "newsletter", word, "--port", "0"]
    command += ["--config", str(house.folder / "settings.toml")]
    return subprocess.Popen(command, env=os.environ | settings, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """Exit code and log of a process that was asked to end."""
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=WAIT_SECONDS)
    return process.returncode, said.splitlines()


def test_a_relay_that_hangs_does_not_keep_the_process_alive(house, silent_relay):
    # The process has a real clock, and the link in the mail lives for two days only.
    house.app.subscriptions.subscribe("ines@reader.example", None, YES, now=utc_now())
    house.close()
    process = service(
        house,
        "serve",
        SMTP__HOST="127.0.0.1",
        SMTP__PORT=str(silent_relay.getsockname()[1]),
        SMTP__SECURITY="none",
        SMTP__TIMEOUT_SECONDS="300",
    )
    try:
        connection, _ = silent_relay.accept()
        with connection:
            code, said = ended(process)
    finally:
        process.kill()
        process.communicate()

    assert code == 0
    assert not [line for line in said if "Traceback" in line]


def test_the_log_of_the_process_is_one_json_object_a_line(house):
    house.close()
    process = service(house, "run", OPERATOR__LOG_FORMAT="json")
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "new papers" in line:
                break
        code, said = ended(process)
    finally:
        process.kill()
        process.communicate()

    records = [json.loads(line) for line in (*lines, *said) if line.startswith("{")]
    assert code == 0
    assert {"time", "level", "logger", "message"} <= set(records[0])
    assert any(record.get("source", "").endswith("today.jsonl") for record in records)
    others = [line for line in (*lines, *said) if not line.startswith("{")]
    # What is said to the person who starts it by hand is no record.
    assert all("The pages are at" in line or "No relay" in line for line in others), others
