"""Renders pages from templates; everything a page shows is escaped by the template engine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse, Response
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

from newsletter.errors import TemplateError
from newsletter.model import Publication

_ASSET_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Pages:
    """The templates and assets of the site.

    Args:
        template_dirs: search path; the first directory that holds a file wins.
        publication: what every page may show as `site`.
    """

    def __init__(self, template_dirs: Sequence[Path], publication: Publication) -> None:
        self._folders = tuple(template_dirs)
        self._templates = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in template_dirs]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["site"] = publication
        self._templates.globals["asset"] = self._address
        self._assets = {name: self._read(name) for name in self._asset_names()}

    def text(self, template: str, **shown: Any) -> str:
        """A template filled in."""
        return self._templates.get_template(template).render(**shown)

    def page(
        self, template: str, *, status: int = 200, public: bool = False, **shown: Any
    ) -> HTMLResponse:
        """A whole page.

        Args:
            public: the same for everybody, so it may be kept by caches for some minutes.
        """
        headers = {"cache-control": "public, max-age=300"} if public else None
        return HTMLResponse(self.text(template, **shown), status_code=status, headers=headers)

    def problem(self, status: int, title: str, sentence: str) -> HTMLResponse:
        """A page that says what is wrong, and the way out."""
        lost = status == HTTPStatus.NOT_FOUND  # only then may a whole link help
        return self.page(
            "problem.html.j2", status=status, title=title, sentence=sentence, lost=lost
        )

    def asset(self, name: str, digest: str) -> Response | None:
        """A style, script or picture; its own address carries its hash, so it may be kept for ever.

        Under another hash it is asked for by a page of another version, while one takes the place of
        the other: kept under that address it would stay wrong for a year.
        """
        known = self._assets.get(name)
        if known is None:
            return None
        is_own = digest == _digest(known)
        kept = "public, max-age=31536000, immutable" if is_own else "no-store"
        headers = {"cache-control": kept}
        return Response(known, media_type=_ASSET_TYPES[Path(name).suffix], headers=headers)

    def _address(self, name: str) -> str:
        if name not in self._assets:
            raise TemplateError("there is no such asset", file=name)
        return f"/assets/{_digest(self._assets[name])}/{name}"

    def _asset_names(self) -> set[str]:
        files = (file for folder in self._folders if folder.is_dir() for file in folder.iterdir())
        return {file.name for file in files if file.suffix in _ASSET_TYPES}

    def _read(self, name: str) -> bytes:
        return next(
            (folder / name).read_bytes() for folder in self._folders if (folder / name).is_file()
        )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
