"""The way, from the trending page to the mail, each step safe to repeat.

    page ─ ingest ─> papers and sightings in the store
    store ─ look_back ─> the pool: candidates of the last days, and what is usual
    pool ─ choose ─> picks with reasons, in one digest for one reader
    digest ─ compose ─> kept as data, with a mail in the outbox
    digest ─ finish ─> the mail, checked before it could leave
    outbox ─ deliver_due ─> handed to the relay, the outcome written down at once

`preview` walks `choose` and `finish` for one reader, without keeping anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from newsletter.carrying import BATCH, Carrier, Delivered, Office
from newsletter.delivery import Delivery, Errand
from newsletter.mail.digest import make_digest
from newsletter.mail.notes import quiet_note, votes_note
from newsletter.mail.pace import Pace
from newsletter.mail.transport import Transport
from newsletter.memory import untouched
from newsletter.model import Candidate, Digest, Feedback, Listing, Pick, Profile, Subscriber
from newsletter.notebook import Notebook
from newsletter.posting import Mail, Post, finish
from newsletter.schedule import days_to_cover, due_after, edition_at
from newsletter.selection import Background, Field, Ranking, rank, select_all
from newsletter.selection.effect import moves
from newsletter.selection.learn import with_votes
from newsletter.sources.ladder import Sources
from newsletter.sources.spec import SourceSpec
from newsletter.store import History, Move, Recorded, Register, Store

BACKGROUND_PAPERS = 10_000  # the newest; nDCG@10 with 2,000 is 0.01 to 0.02 lower
_HOUR = timedelta(hours=1)
_FIELDS_KEPT = 3  # for daily and weekly digests and those of some gap; 23 MB each at most


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

    @property
    def ids(self) -> frozenset[str]:
        """Of all papers in it."""
        return frozenset(candidate.paper.id for candidate in self.candidates)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What one round of composing did: how many subscribers were due, how many digests it made."""

    due: int = 0
    made: int = 0


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


def look_back(
    store: Store,
    *,
    days: int,
    papers: int = BACKGROUND_PAPERS,
    former: Background | None = None,
) -> Pool:
    """The papers of the newest `days` list days; all of them where the lists have no days.

    Args:
        papers: how many stored papers the word statistics are made of, newest first.
        former: the background of an earlier look; what is new is added to it.
    """
    listed = store.list_days()
    span = (listed[0] - timedelta(days=days - 1), listed[0]) if listed else None
    return Pool(
        candidates=store.candidates(listed=span),
        background=(former or Background.fit(())).renewed(store.papers(newest=papers)),
        day=listed[0] if listed else None,
    )


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
    min_papers: int = 1,
    unmoved: Profile | None = None,
) -> Digest | None:
    """Makes a subscriber's digest of an edition and queues its mail, once.

    Args:
        unmoved: their taste before the votes whose effect the digest shall tell.

    Returns:
        the digest; `None` if this edition was made before, or too little is worth a mail.
    """
    with store.register() as register:
        (history,) = register.digests.histories([subscriber.id], pool.ids).values()
    asking = _Asking(subscriber, edition, history, unmoved)
    papers = Field(pool.candidates, now=now, background=pool.background)
    made = _made([asking], papers, now, notes)
    return next(iter(_keep(store, made, now=now, min_papers=min_papers)), None)


def _made(
    askings: Sequence[_Asking], papers: Field, now: datetime, notes: Sequence[str] = ()
) -> list[_Made]:
    """Everybody's digest; those of many readers cost far less together than one by one."""
    moved = [asking for asking in askings if asking.unmoved]
    asked = [(asking.subscriber.profile, asking.history.sent) for asking in askings]
    asked += [(asking.unmoved, asking.history.sent) for asking in moved if asking.unmoved]
    picks = list(select_all(asked, papers))
    before = {
        asking.subscriber.id: picks[place] for place, asking in enumerate(moved, len(askings))
    }
    made = []
    for asking, chosen in zip(askings, picks, strict=False):
        reader = asking.subscriber
        effect = _effect(before[reader.id], chosen) if reader.id in before else 0
        digest = make_digest(
            subscriber=reader,
            picks=chosen,
            considered=len(papers),
            edition=asking.edition,
            now=now,
            notes=(*notes, *quiet_note(asking.history.quiet), *votes_note(effect)),
        )
        made.append(_Made(reader, digest))
    return made


def _effect(before: Sequence[Pick], after: Sequence[Pick]) -> int:
    """How many of the picks stand where they do because of the votes since the last digest."""
    return sum(move.after is not None for move in moves(before, after))


def _keep(
    store: Store,
    made: Sequence[_Made],
    *,
    now: datetime,
    min_papers: int,
    also: Also = lambda _register, _mails: None,
) -> list[Digest]:
    """Writes digests down with their mails in one transaction; leaves out what others made."""
    with store.changing_register(together=True) as register:
        # Decided on what stands in the store now: somebody else may have composed meanwhile.
        mine = register.move_due([_move(one.subscriber, now) for one in made])
        turns = register.digests.unknown([one.digest for one in made if one.subscriber.id in mine])
        kept = [digest for digest in turns if len(digest.picks) >= min_papers]
        register.digests.note_quiet([one for one in turns if len(one.picks) < min_papers])
        register.digests.keep_all(kept)
        mails = list(map(_delivery_of, kept))
        register.outbox.add_all(mails)
        also(register, mails)
    return kept


def _move(subscriber: Subscriber, now: datetime) -> Move:
    return Move(
        subscriber_id=subscriber.id, since=subscriber.next_due_at, to=due_after(subscriber, now)
    )


def _delivery_of(digest: Digest) -> Delivery:
    return Delivery(
        id=digest.id,
        errand=Errand.DIGEST,
        subscriber_id=digest.subscriber_id,
        created_at=digest.created_at,
        next_attempt_at=digest.created_at,
    )


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
    also: Also = lambda _register, _mails: None,
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
    with store.register() as register:
        due = [kept.subscriber for kept in register.due(now, most=most, shard=shard)]
        askings = _askings(register, due, pool, now)
    made: list[_Made] = []
    for gap in {gap for _, gap in askings}:
        alike = [asking for asking, covered in askings if covered == gap]
        made += _made(alike, pool.field(gap + days - 1, now), now)
    kept = _keep(store, made, now=now, min_papers=min_papers, also=also) if made else []
    return Composed(due=len(due), made=len(kept))


Also = Callable[[Register, Sequence[Delivery]], None]
"""Something to be done with mails in the transaction that queues them."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """Somebody whose digest is due, with the votes in their profile.

    `unmoved` is their taste without the votes since the last digest; `None` if there were none.
    """

    subscriber: Subscriber
    edition: str
    history: History
    unmoved: Profile | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    """A digest that is not kept yet, with the subscriber as they were when it was made."""

    subscriber: Subscriber
    digest: Digest


def _askings(
    register: Register, due: Sequence[Subscriber], pool: Pool, now: datetime
) -> list[tuple[_Asking, int]]:
    """What is known of those who are due, and how many days each digest shall cover."""
    ids = [subscriber.id for subscriber in due]
    votes = register.votes_of(ids)
    histories = register.digests.histories(ids, pool.ids)
    return [
        (
            _asking(subscriber, votes[subscriber.id], histories[subscriber.id], now),
            days_to_cover(subscriber, histories[subscriber.id].last_made_at, now),
        )
        for subscriber in due
    ]


def _asking(
    subscriber: Subscriber, votes: Sequence[Feedback], history: History, now: datetime
) -> _Asking:
    last, profile = history.last_made_at, subscriber.profile
    earlier = [vote for vote in votes if last and vote.at <= last]
    is_moved = len(earlier) < len(votes)
    if votes:
        subscriber = replace(subscriber, profile=with_votes(profile, votes, now=now))
    return _Asking(
        subscriber,
        edition_at(subscriber, subscriber.next_due_at or now),
        history,
        with_votes(profile, earlier, now=now) if is_moved else None,
    )


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
