"""Writes a preview as files: what the reader gets, and the picks as data."""

from __future__ import annotations

import json
from pathlib import Path

from newsletter.errors import ConfigError
from newsletter.model import Pick
from newsletter.preview.workbench import Preview


def write_preview(preview: Preview, folder: Path) -> None:
    """Writes digest.html, digest.txt, digest.eml and picks.json, replacing older ones.

    Raises:
        ConfigError: the folder cannot be written.
    """
    rendered = preview.mail.rendered
    files = {
        "digest.html": rendered.html.encode(),
        "digest.txt": rendered.text.encode(),
        "digest.eml": preview.mail.raw,
        "picks.json": _picks_json(preview).encode(),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise ConfigError("--out", [f"{folder} cannot be written: {error.strerror}"]) from None


def _picks_json(preview: Preview) -> str:
    picks = preview.edition.digest.picks
    rows = [_row(rank, pick) for rank, pick in enumerate(picks, start=1)]
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def _row(rank: int, pick: Pick) -> dict[str, object]:
    return {
        "rank": rank,
        "id": pick.paper.id,
        "title": pick.paper.title,
        "score": round(float(pick.score), 6),
        "reasons": [str(reason) for reason in pick.reasons],
    }
