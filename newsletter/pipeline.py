"""The way, from the trending page to the mail, each step safe to repeat.

    page ─ ingest ─> papers and sightings in the store
    candidates ─ choose ─> picks with reasons, in one digest for one reader
    digest ─ finish ─> the mail, checked before it could leave

`preview` walks the last two for one reader; the scheduled container walks all of them for everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from newsletter.links import LinkMaker
from newsletter.mail import lint, message
from newsletter.mail.digest import make_digest
from newsletter.mail.lint import Check
from newsletter.mail.render import Rendered, Renderer
from newsletter.model import Candidate, Digest, Listing, Publication, Subscriber
from newsletter.selection import Background, Ranking, rank
from newsletter.sources.ladder import Sources
from newsletter.sources.spec import SourceSpec
from newsletter.store import Recorded, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What reading one source brought. `repeats` is the earlier day whose very list it was."""

    listing: Listing
    recorded: Recorded
    repeats: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One reader's digest and how it came to be: every candidate with its verdict."""

    subscriber: Subscriber
    digest: Digest
    ranking: Ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A finished mail: its parts, the bytes on the wire, and what pre-flight says of them."""

    rendered: Rendered
    raw: bytes
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What is needed to turn a digest into a mail."""

    publication: Publication
    renderer: Renderer
    links: LinkMaker
    html_limit: int


def ingest(sources: Sources, store: Store, spec: SourceSpec, *, now: datetime) -> Ingested:
    """Reads one source and writes down what is new; a second run adds sightings only.

    Raises:
        SourceError: nothing usable came; the store is as it was.
    """
    return record(store, sources.read(spec, now=now), now=now)


def record(store: Store, listing: Listing, *, now: datetime) -> Ingested:
    """Writes one listing down, and notices a list that only repeats an earlier day's."""
    repeats = _repeated_day(store, listing)
    return Ingested(listing=listing, recorded=store.record(listing, now), repeats=repeats)


def choose(
    subscriber: Subscriber,
    candidates: Sequence[Candidate],
    background: Background,
    *,
    edition: str,
    now: datetime,
    already_sent: Collection[str] = (),
) -> Edition:
    """Picks this reader's few papers, with reasons, and makes them one digest."""
    ranking = rank(
        subscriber.profile, candidates, already_sent=already_sent, now=now, background=background
    )
    digest = make_digest(
        subscriber=subscriber,
        picks=ranking.picks,
        considered=len(candidates),
        edition=edition,
        now=now,
    )
    return Edition(subscriber=subscriber, digest=digest, ranking=ranking)


def finish(digest: Digest, subscriber: Subscriber, post: Post, *, dev: bool = False) -> Mail:
    """Renders the digest, puts the mail together and checks it; `dev` allows local http links."""
    links = post.links.for_digest(digest)
    rendered = post.renderer.render(digest, subscriber, links)
    raw = message.build(
        rendered, digest=digest, subscriber=subscriber, publication=post.publication, links=links
    )
    checks = lint.check_mail(raw, dev=dev, html_limit=post.html_limit)
    return Mail(rendered=rendered, raw=raw, checks=checks)


def preview(
    subscriber: Subscriber,
    candidates: Sequence[Candidate],
    background: Background,
    post: Post,
    *,
    edition: str,
    now: datetime,
) -> tuple[Edition, Mail]:
    """The very digest and mail this reader would get, without sending or keeping anything."""
    made = choose(subscriber, candidates, background, edition=edition, now=now)
    return made, finish(made.digest, subscriber, post, dev=True)


def _repeated_day(store: Store, listing: Listing) -> date | None:
    """The day before, on weekends two or three, whose list this one is: a redirect, not news."""
    if listing.listed_on is None or not listing.entries:
        return None
    ids = frozenset(paper.id for paper in listing.papers)
    earlier = [listing.listed_on - timedelta(days=back) for back in (1, 2, 3)]
    return next((day for day in earlier if store.listed_ids(day) == ids), None)
