"""The settings of an installation in a folder of its own; benchmarks use them too."""

from __future__ import annotations

from pathlib import Path


def write_settings(
    folder: Path,
    *,
    base_url: str = "https://papers.example",
    smtp_port: int = 0,
    smtp: str = "",
    more: str = "",
) -> Path:
    """The file, written.

    Args:
        smtp_port: of a relay on this machine; none with 0.
        smtp: further lines about it, which stand last; `more`: further tables.
    """
    relay = f'[smtp]\nhost = "127.0.0.1"\nport = {smtp_port}\nsecurity = "none"\n{smtp}\n'
    file = folder / "settings.toml"
    file.write_text(
        f"""
[publication]
base_url = "{base_url}"
from_address = "digest@papers.example"
reply_to = "hello@papers.example"
postal_address = "1 Example Street, Example City"
[paths]
state = "{folder / "state"}"
cache = "{folder / "cache"}"
{more}
{relay if smtp_port else ""}
""",
        encoding="utf-8",
    )
    return file
