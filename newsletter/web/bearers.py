"""Who stands behind a signed link; one that leads nowhere raises what its page says."""

from __future__ import annotations

from newsletter.links import Way
from newsletter.model import Digest, Subscriber
from newsletter.web.site import Site


class LinkError(Exception):
    """A link leads nowhere.

    Attributes:
        status, title, sentence: of the page that is answered.
    """

    status = 404
    title = ""
    sentence = ""


class ForgedError(LinkError):
    """A token we never gave out, or gave out for something else."""

    title = "This link does not fit"
    sentence = "It is not one of ours, or a mail program cut it in two. Nothing was changed."


class ForgottenError(LinkError):
    """A true link about somebody whose data were erased."""

    status = 410
    title = "Nothing is kept here any more"
    sentence = "Nothing is kept about you any more."


def subject_of(site: Site, way: Way, token: str, *, parts: int = 1) -> tuple[str, ...]:
    """The ids that a link is about, so many of them."""
    subject = site.links.read(way, token)
    if subject is None or len(subject) != parts:
        raise ForgedError
    return subject


def reader_of(site: Site, way: Way, token: str) -> Subscriber:
    """The reader whom a link is about."""
    (subscriber_id,) = subject_of(site, way, token)
    if found := reader(site, subscriber_id):
        return found
    raise ForgottenError


def reader(site: Site, subscriber_id: str) -> Subscriber | None:
    """The reader with this id, wherever they stand."""
    with site.store.register() as register:
        kept = register.by_id(subscriber_id)
    return kept.subscriber if kept else None


def digest_of(site: Site, digest_id: str) -> tuple[Digest, Subscriber]:
    """A digest and whose it is."""
    digest = site.store.digest(digest_id)
    subscriber = reader(site, digest.subscriber_id) if digest else None
    if digest and subscriber:
        return digest, subscriber
    raise ForgottenError


def path(site: Site, way: Way, *subject: str) -> str:
    """A signed link as a path of this very site, wherever it is reached."""
    return f"/{way}/{site.links.token(way, *subject)}"
