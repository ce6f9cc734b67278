"""What stands on this machine: settings that nobody filled in, templates, the store and its disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, TemplateNotFound, TemplateSyntaxError, nodes

from newsletter.app import App
from newsletter.config import Settings, data_dir
from newsletter.config.files import read_toml
from newsletter.doctor.findings import Finding, fail, ok, warn
from newsletter.errors import NewsletterError, StoreError, TemplateError
from newsletter.mail.template_files import mistyped
from newsletter.sources.addresses import is_this_machine

# RFC 2606 and RFC 6761: names that lead nowhere, as in the defaults.
_NOWHERE = ("example", "example.com", "example.net", "example.org", "test", "invalid", "localhost")
_LITTLE, _TOO_LITTLE = 1_000_000_000, 100_000_000  # octets of free disk


def leads_nowhere(domain: str) -> bool:
    """Whether a domain is one of those reserved for examples and tests."""
    name = domain.lower().rstrip(".")
    return any(name == one or name.endswith(f".{one}") for one in _NOWHERE)


def settings(given: Settings) -> Iterator[Finding]:
    """What must be filled in before strangers get mail."""
    shipped = read_toml(data_dir("config") / "newsletter.toml")["publication"]
    publication = given.publication
    blank = [
        f"publication.{key}"
        for key in ("from_address", "reply_to")
        if leads_nowhere(getattr(publication, key).rpartition("@")[2])
    ]
    if publication.list_id == shipped["list_id"]:
        blank.append("publication.list_id")
    if publication.postal_address == shipped["postal_address"]:
        blank.append("publication.postal_address")
    if blank:
        yield fail(
            "settings",
            f"{', '.join(blank)}: still as shipped.",
            "Set them to your own domain and address; the law asks for a postal address in each mail.",
        )
    else:
        yield ok("settings", "Sender, list and postal address are your own.")
    if not given.sources.contact:
        yield warn(
            "contact",
            "The sites that are read cannot reach you.",
            "Set sources.contact to a mail address or a page of yours.",
        )


def base_url(given: Settings) -> Finding:
    """Where links in mails lead."""
    url = given.publication.base_url
    if is_this_machine(url) or leads_nowhere(urlsplit(url).hostname or ""):
        return fail(
            "base_url",
            f"Links in mails lead to {url}, which no reader can open.",
            "Set publication.base_url to the public https address of the pages.",
        )
    if not url.startswith("https:"):
        return fail(
            "base_url",
            f"{url} is not https: mail providers ignore such an unsubscribe link (RFC 8058).",
            "Put the pages behind TLS and set publication.base_url to the https address.",
        )
    return ok("base_url", f"Links in mails lead to {url}.")


def templates(app: App) -> Finding:
    """Whether every template of mails and pages compiles, and each own file replaces one."""
    try:
        app.post(app.settings.publication.base_url)
        _compile_pages(app.page_dirs)
    except NewsletterError as error:
        return fail(
            "templates",
            f"{error}.",
            "Mend the template; `newsletter preview` shows those of mails.",
        )
    if odd := " ".join(mistyped(app.own_templates, data_dir("templates"))):
        return warn("templates", odd, "Rename it, or leave it if it is your own.")
    return ok("templates", "All templates compile.")


def _compile_pages(folders: Sequence[Path]) -> None:
    """Raises a TemplateError for a page that no visitor would get to see."""
    looked = Environment(loader=FileSystemLoader(folders), autoescape=True)
    for name in looked.list_templates(extensions=["j2"]):
        try:
            looked.get_template(name)
            source = FileSystemLoader(folders).get_source(looked, name)[0]
            for asked in _asked_for(looked.parse(source)):
                looked.get_or_select_template(asked)
        except TemplateSyntaxError as error:
            file = f"web/{error.name or name}"
            raise TemplateError(
                error.message or "is broken", file=file, line=error.lineno
            ) from None
        except TemplateNotFound as error:
            said = f"there is no template “{error.name}”, which it asks for"
            raise TemplateError(said, file=f"web/{name}") from None
        except (UnicodeDecodeError, OSError):
            raise TemplateError("cannot be read as UTF-8", file=f"web/{name}") from None


def _asked_for(page: nodes.Template) -> Iterator[Any]:
    """The templates that a page cannot do without; of several any will do."""
    asking: Iterator[Any] = page.find_all(
        (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)
    )
    for one in asking:
        if not getattr(one, "ignore_missing", False):
            with suppress(nodes.Impossible):  # only a visit shows which
                yield one.template.as_const()


def model(app: App) -> Iterator[Finding]:
    """Whether the model of `selection.model` can be used, where one is named."""
    try:
        encoder = app.encoder
    except NewsletterError as error:
        yield fail("model", f"{error}.", "docs/selection.md tells how to get a model.")
        return
    if encoder:
        name = app.settings.selection.model
        yield ok("model", f"{name} tells what papers mean, {encoder.width} numbers for each.")


def store(app: App) -> Iterator[Finding]:
    """Whether the database opens in the newest shape, can be written, and has room."""
    yield _database(app)
    if app.settings.store_url.startswith("sqlite"):
        yield disk(shutil.disk_usage(_nearest(app.database_dir)).free)


def disk(free: int) -> Finding:
    """Whether so many free octets beside the database are enough."""
    said = f"{free / 1e9:.1f} GB are free where the database lies."
    fix = "Make room, or move paths.state to a larger disk."
    if free < _TOO_LITTLE:
        return fail("disk", said, fix)
    return warn("disk", said, fix) if free < _LITTLE else ok("disk", said)


def _database(app: App) -> Finding:
    file = app.settings.state_dir / "newsletter.db"
    if not app.settings.store.url and not file.exists():
        if os.access(_nearest(file.parent), os.W_OK):
            return warn("store", "There is no database yet.", "The first command makes it.")
        return fail("store", f"{file.parent} cannot be written.", "Set paths.state, or its rights.")
    try:
        with app.store.changing_register() as register:
            count = register.count()
    except StoreError as error:
        return fail("store", f"{error}.", "Look at store.url, the rights of the file and the disk.")
    return ok("store", f"The database opens, is migrated and writable; subscribers: {count}.")


def _nearest(folder: Path) -> Path:
    """The folder, or the first one above it that exists."""
    return next(one for one in (folder, *folder.absolute().parents) if one.exists())
