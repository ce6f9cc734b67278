"""Who stands behind a signed link, or the page that says why it leads nowhere."""

from __future__ import annotations

from fastapi.responses import HTMLResponse

from newsletter.links import Way
from newsletter.model import Digest, Subscriber
from newsletter.web.site import Site


def reader_of(site: Site, way: Way, token: str) -> Subscriber | HTMLResponse:
    """The reader whom a link is about; else the page to answer with, 404 or 410."""
    subject = site.links.read(way, token)
    if subject is None or len(subject) != 1:
        return forged(site)
    return reader(site, subject[0]) or forgotten(site)


def reader(site: Site, subscriber_id: str) -> Subscriber | None:
    """The reader with this id, wherever they stand."""
    with site.store.register() as register:
        kept = register.by_id(subscriber_id)
    return kept.subscriber if kept else None


def digest_of(site: Site, digest_id: str) -> tuple[Digest, Subscriber] | HTMLResponse:
    """A digest and whose it is; else the page to answer with."""
    digest = site.store.digest(digest_id)
    subscriber = reader(site, digest.subscriber_id) if digest else None
    return (digest, subscriber) if digest and subscriber else forgotten(site)


def path(site: Site, way: Way, *subject: str) -> str:
    """A signed link as a path of this very site, wherever it is reached."""
    return f"/{way}/{site.links.token(way, *subject)}"


def forged(site: Site) -> HTMLResponse:
    """For a token we never gave out, or gave out for something else."""
    return site.pages.problem(
        404,
        "This link does not fit",
        "It is not one of ours, or a mail program cut it in two. Nothing was changed.",
    )


def forgotten(site: Site) -> HTMLResponse:
    """For a true link about somebody whose data were erased."""
    return site.pages.problem(
        410, "Nothing is kept here any more", "Nothing is kept about you any more."
    )
