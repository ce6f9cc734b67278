"""The way, from the trending page to the mail, each step safe to repeat.

    page ─ ingest ─> papers and sightings in the store
    store ─ look_back ─> the pool: candidates of the last days, and what is usual
    pool ─ compose_due ─> for all who are due: picks with reasons in a digest, kept as data with a
                          mail in the outbox (`newsletter.composing`)
    outbox ─ deliver_due ─> the mail made and checked (`newsletter.posting`), handed to the relay, the
                            outcome written down at once (`newsletter.carrying`)

`compose` makes one reader's digest at once, their first. `choose` and `preview` make the same one
without keeping anything. An edition is the day that a digest is made for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.carrying import BATCH, Carrier, Delivered, Office
from newsletter.composing import (
    Also,
    Asking,
    Composed,
    Made,
    ask,
    by_gap,
    keep,
    make,
    nothing_more,
    together_or_alone,
    without_zone,
)
from newsletter.mail.digest import make_digest
from newsletter.mail.pace import Pace
from newsletter.mail.transport import Transport
from newsletter.memory import give_back, untouched
from newsletter.model import Candidate, Digest, Listing, Subscriber
from newsletter.notebook import Notebook
from newsletter.posting import Mail, Post, finish
from newsletter.selection import Background, Encoder, Field, Ranking, rank
from newsletter.store import Store

if TYPE_CHECKING:  # who reads no lists needs nothing of the web in memory
    from newsletter.sources.ladder import Sources
    from newsletter.sources.spec import SourceSpec

BACKGROUND_PAPERS = 10_000  # the newest; nDCG@10 with 2,000 is 0.01 to 0.02 lower
_HOUR = timedelta(hours=1)
_FIELDS_KEPT = 3  # for daily and weekly digests and those of some gap; 23 MB each at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What reading one source brought; `repeats` is the earlier day whose very list it was."""

    listing: Listing
    new: tuple[str, ...]  # ids of papers never seen before
    repeats: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One reader's digest and how it came to be: every candidate with its verdict."""

    subscriber: Subscriber
    digest: Digest
    ranking: Ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What the picks of these days are chosen from.

    Attributes:
        background: word statistics over the stored papers.
        day: the newest list day in it, where the lists have days.
        sample: true for the bundled page, which stands in while nothing is stored.
    """

    candidates: tuple[Candidate, ...]
    background: Background
    day: date | None = None
    sample: bool = False
    _fields: dict[int, tuple[datetime, Field]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def within(self, days: int) -> Pool:
        """The same pool with the papers of its newest `days` list days only."""
        if self.day is None:
            return self
        first = self.day - timedelta(days=days - 1)
        late = (c for c in self.candidates if c.paper.listed_on and c.paper.listed_on >= first)
        return replace(self, candidates=tuple(late))

    def field(self, days: int, now: datetime) -> Field:
        """The papers of its newest `days` list days, made ready for everybody; kept for an hour."""
        made_at, known = self._fields.get(days, (None, None))
        if known is None or made_at is None or not timedelta() <= now - made_at < _HOUR:
            if len(self._fields) >= _FIELDS_KEPT:
                self._fields.clear()
            known = Field(self.within(days).candidates, now=now, background=self.background)
            self._fields[days] = (now, known)
        return known


def ingest(sources: Sources, store: Store, spec: SourceSpec, *, now: datetime) -> Ingested:
    """Reads one source and writes down what is new; a second run adds sightings only.

    Raises:
        SourceError: nothing usable came; the store is as it was.
    """
    return record(store, sources.read(spec, now=now), now=now)


def record(store: Store, listing: Listing, *, now: datetime) -> Ingested:
    """Writes one listing down, and notices a list that only repeats an earlier day's."""
    repeats = _repeated_day(store, listing)
    return Ingested(listing=listing, new=store.record(listing, now), repeats=repeats)


def look_back(
    store: Store,
    *,
    days: int,
    former: Background | None = None,
    encoder: Encoder | None = None,
) -> Pool:
    """The papers of the newest `days` list days; all of them where the lists have no days.

    Args:
        former: the background of an earlier look; what is new is added to it.
        encoder: what the papers mean is asked of it, where there is no earlier look.
    """
    listed = store.list_days()
    span = (listed[0] - timedelta(days=days - 1), listed[0]) if listed else None
    papers = store.papers_in_turn(newest=BACKGROUND_PAPERS)
    background = former.renewed(papers) if former else Background.of(papers, encoder)
    pool = Pool(
        candidates=store.candidates(listed=span),
        background=background,
        day=listed[0] if listed else None,
    )
    if background is not former:
        give_back()
    return pool


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


def compose(
    store: Store,
    subscriber: Subscriber,
    pool: Pool,
    *,
    edition: str,
    now: datetime,
    notes: Sequence[str] = (),
) -> Digest | None:
    """Makes a subscriber's digest of an edition and queues its mail, once.

    Returns:
        the digest; `None` if this edition was made before, or nothing is worth a mail.
    """
    with store.register() as register:
        (history,) = register.digests.histories([subscriber.id]).values()
    asking = Asking(subscriber, edition, history)
    field = Field(pool.candidates, now=now, background=pool.background)
    made = make(store, [asking], field, now, notes)
    return next(iter(keep(store, made, now=now, min_papers=1)), None)


@untouched()
def compose_due(
    store: Store,
    pool: Pool,
    *,
    now: datetime,
    days: int,
    min_papers: int = 1,
    most: int = 500,
    shard: str = "",
    also: Also = nothing_more,
) -> Composed:
    """Makes the digest of everybody who is due; a second run at once makes nothing.

    Args:
        pool: wide enough for those who get one mail a week or were missed (`LONGEST_GAP`).
        days: list days a daily digest looks back over; what was sent before never comes again.
        min_papers: with fewer than these there is no mail, and the next one says so.
        most: subscribers in one round, 500 at most.
        shard: how their ids begin, for processes that share the work.
        also: done in the very transaction that keeps the digests and their mails.
    """

    def compose(due: Sequence[Subscriber]) -> Composed:
        with store.register() as register:
            askings = ask(register, due, now)
        made: list[Made] = []
        for gap, alike in by_gap(askings, now).items():
            made += make(store, alike, pool.field(gap + days - 1, now), now)
        kept = keep(store, made, now=now, min_papers=min_papers, also=also) if made else []
        return Composed(due=len(due), made=len(kept), troubles=without_zone(due))

    return together_or_alone(store, compose, now=now, most=most, shard=shard)


def deliver_due(
    store: Store,
    post: Post,
    transport: Transport,
    *,
    now: Callable[[], datetime],
    most: int = BATCH,
    pace: Pace | None = None,
) -> Delivered:
    """Hands over what is due; every outcome is written down as soon as it is known.

    What `newsletter run` does all day on several connections (`newsletter.carrying`), once.
    """
    notebook = Notebook(store, now=now, folder=None)
    office = Office(store=store, post=post, notebook=notebook, pace=pace or Pace(), now=now)
    return Carrier(office, transport).round(most)


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
