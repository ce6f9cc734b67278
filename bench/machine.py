"""Where and when it was measured: without that a figure says nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import kit

Facts = dict[str, str | int | float]


def facts() -> Facts:
    """Of this machine, now."""
    return {
        "on": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count() or 0,
        "processor": _processor(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "commit": _commit(),
    }


def sentence(known: Facts) -> str:
    """In one line; the load is that of the minute before."""
    return (
        f"{known['on']}, {known['size']} run, {known['cores']} cores ({known['processor']}), "
        f"Python {known['python']}, load before {known['load']}, commit {known['commit']}"
    )


def _processor() -> str:
    """Its model, where Linux says so."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _commit() -> str:
    """What was measured; a plus says that it was changed since."""
    command = ["git", "-C", str(kit.ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        said = subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.stdout.strip()
