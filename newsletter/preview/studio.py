"""The studio's page, answers and streams as one FastAPI application; nothing in it changes data."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Response
from fastapi.responses import FileResponse, HTMLResponse, StreamingResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from newsletter.errors import NewsletterError
from newsletter.links import peek
from newsletter.preview.answers import add_error_answers
from newsletter.preview.bell import Bell, ring_on_change
from newsletter.preview.desk import Choice, Desk
from newsletter.preview.guard import Guard, mail_policy
from newsletter.preview.links_explained import PAGES
from newsletter.preview.sheet import Sheet, make_sheet
from newsletter.preview.variants import Images, Scheme, in_scheme
from newsletter.preview.workbench import Preview, Workbench

_ASSET_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def build_studio(workbench: Workbench, *, template_dir: Path, watch: bool = True) -> FastAPI:
    """The studio as an application; `app.state.bell` ends its open streams when closed.

    Args:
        template_dir: holds the studio's own page, style and script.
        watch: reload open pages when a reader, a template or the settings change.
    """
    bell = Bell()
    pages = _Pages(workbench, template_dir, bell, watching=watch)
    app = FastAPI(
        title="Preview studio",
        # the interactive documentation would load scripts from elsewhere
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lambda _: _watching(workbench, template_dir, bell, on=watch),
    )
    app.state.bell = bell
    pages.add_to(app)
    add_error_answers(app)
    app.add_middleware(Guard)
    return app


@contextlib.asynccontextmanager
async def _watching(
    workbench: Workbench, template_dir: Path, bell: Bell, *, on: bool
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(ring_on_change(workbench, template_dir, bell, stop)) if on else None
    try:
        yield
    finally:
        bell.close()
        stop.set()
        if task:
            await task


def _choice(reader: str = "", source: str = "", edition: str = "") -> Choice:
    return Choice(reader=reader, source=source, edition=edition)


Asked = Annotated[Choice, Depends(_choice)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderChoice:
    """A reader to choose; `broken` when their file cannot be used as it is."""

    id: str
    name: str
    broken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChoice:
    """A source to choose and the editions it can be cut into."""

    name: str
    editions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """All there is to choose from."""

    readers: tuple[ReaderChoice, ...]
    sources: tuple[SourceChoice, ...]


class _Pages:
    """The endpoints. Those that read files are plain functions, which FastAPI runs in threads."""

    def __init__(
        self, workbench: Workbench, template_dir: Path, bell: Bell, *, watching: bool
    ) -> None:
        self._workbench = workbench
        self._desk = Desk(workbench)
        self._folder = template_dir
        self._bell = bell
        self._watching = watching
        self._templates = Environment(
            loader=FileSystemLoader(template_dir), autoescape=True, undefined=StrictUndefined
        )

    def add_to(self, app: FastAPI) -> None:
        """Registers every address; all of them only show."""
        app.add_api_route("/", self.index, response_class=HTMLResponse)
        app.add_api_route("/assets/{name}", self.asset, response_class=FileResponse)
        app.add_api_route("/api/choices", self.choices)
        app.add_api_route("/api/preview", self.sheet)
        app.add_api_route("/mail.html", self.mail_html, response_class=HTMLResponse)
        app.add_api_route("/mail.txt", self.mail_text)
        app.add_api_route("/mail.eml", self.mail_raw)
        app.add_api_route("/events", self.events)
        app.add_api_route("/{purpose}/{token}", self.link, response_class=HTMLResponse)

    def index(self) -> str:
        """The one page."""
        return self._templates.get_template("index.html.j2").render(watching=self._watching)

    def asset(self, name: str) -> FileResponse:
        """Style, script or icon of the page."""
        file = self._folder / name
        kind = _ASSET_TYPES.get(file.suffix)
        if kind is None or file.name != name or not file.is_file():
            raise HTTPException(404, "The studio has no such file.")
        return FileResponse(file, media_type=kind)

    def choices(self) -> Choices:
        """Readers and sources to choose from; a broken reader can be chosen too."""
        bench = self._workbench
        return Choices(
            readers=tuple(self._reader(name) for name in bench.readers),
            sources=tuple(
                SourceChoice(name=shelf.name, editions=shelf.editions)
                for shelf in bench.shelves.values()
            ),
        )

    def sheet(self, asked: Asked, *, fresh: bool = False) -> Sheet:
        """Everything about one preview but the mail itself."""
        return make_sheet(self._desk.preview(asked, fresh=fresh))

    def mail_html(
        self, asked: Asked, scheme: Scheme = Scheme.LIGHT, images: Images = Images.ON
    ) -> HTMLResponse:
        """The mail as a client in that colour scheme shows it, with or without images."""
        html = self._desk.preview(asked).mail.rendered.html
        policy = mail_policy(images=images is Images.ON)
        return HTMLResponse(in_scheme(html, scheme), headers={"content-security-policy": policy})

    def mail_text(self, asked: Asked) -> Response:
        """The text part."""
        text = self._desk.preview(asked).mail.rendered.text
        return Response(text, media_type="text/plain; charset=utf-8")

    def mail_raw(self, asked: Asked) -> Response:
        """The mail as it goes over the wire, to be kept as a file."""
        preview = self._desk.preview(asked)
        return Response(
            preview.mail.raw,
            media_type="message/rfc822",
            headers={"content-disposition": f'attachment; filename="{_file_name(preview)}"'},
        )

    async def events(self) -> StreamingResponse:
        """A stream that says when to ask again."""
        return StreamingResponse(self._bell.listen(), media_type="text/event-stream")

    def link(self, purpose: str, token: str) -> str:
        """Explains a link of the mail and leads back."""
        found = PAGES.get(purpose)
        if found is None:
            raise HTTPException(404, "The studio has no such page.")
        about = (token,) if purpose == "archive" else peek(token)
        choice = self._desk.origin(about[0]) if about else None
        return self._templates.get_template("link.html.j2").render(
            page=found,
            mail=bool(choice) and purpose == "view",
            choice=choice,
            day=token if purpose == "archive" else "",
            paper=self._title(choice, about[-1]) if choice and len(about) > 1 else "",
        )

    def _reader(self, name: str) -> ReaderChoice:
        try:
            called = self._workbench.reader(name).name
        except NewsletterError:
            return ReaderChoice(id=name, name="", broken=True)
        return ReaderChoice(id=name, name=called, broken=False)

    def _title(self, choice: Choice, paper_id: str) -> str:
        try:
            picks = self._desk.preview(choice).edition.digest.picks
        except NewsletterError:  # the page explains the link without naming the paper
            return ""
        return next((pick.paper.title for pick in picks if pick.paper.id == paper_id), "")


def _file_name(preview: Preview) -> str:
    digest = preview.edition.digest
    name = f"{preview.edition.subscriber.id}-{digest.edition}"
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in name) + ".eml"
