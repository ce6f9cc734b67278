"""A small cache of answers on disk, so that an unchanged page is not sent again (RFC 9110 section 13)."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from newsletter.sources.raw import as_map, as_text, from_json

_MOST_FILES = 100
_KEPT_HEADERS = ("etag", "last-modified", "content-type", "link")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An answer seen earlier: its body and the headers that matter, names in lower case."""

    body: bytes
    headers: Mapping[str, str]

    @property
    def conditions(self) -> dict[str, str]:
        """Request headers that ask for the body only if it has changed."""
        pairs = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
        return {ask: self.headers[name] for ask, name in pairs.items() if self.headers.get(name)}


class AnswerCache:
    """Answers by address, in one directory; losing it costs nothing but traffic.

    A file is a line of JSON (headers, hash of the body) and then the body. Files are replaced
    atomically, and one that is damaged counts as missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, url: str, accept: str) -> Stored | None:
        """What is stored for an address; the address itself, maybe secret, is kept as a hash only."""
        try:
            data = self._file(url, accept).read_bytes()
        except OSError:
            return None
        head, _, body = data.partition(b"\n")
        try:
            record = as_map(from_json(head.decode()))
        except ValueError:
            return None
        if record.get("sha256") != hashlib.sha256(body).hexdigest():
            return None
        kept = as_map(record.get("headers"))
        return Stored(body=body, headers={name: as_text(kept.get(name)) for name in _KEPT_HEADERS})

    def put(self, url: str, accept: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Keeps an answer that can be asked for conditionally; a full disk is no reason to fail."""
        kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
        if not kept.keys() & {"etag", "last-modified"}:
            return
        record = {"sha256": hashlib.sha256(body).hexdigest(), "headers": kept}
        try:
            self._write(self._file(url, accept), json.dumps(record).encode() + b"\n" + body)
            self._prune()
        except OSError:
            return

    def _file(self, url: str, accept: str) -> Path:
        key = hashlib.sha256(f"{accept}\n{url}".encode()).hexdigest()
        return self._folder / f"{key[:40]}.answer"

    def _write(self, target: Path, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).replace(target)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def _prune(self) -> None:
        """A new list day is a new address every day: only the newest files stay."""
        files = sorted(self._folder.glob("*.answer"), key=lambda file: file.stat().st_mtime)
        for file in files[:-_MOST_FILES]:
            file.unlink(missing_ok=True)
