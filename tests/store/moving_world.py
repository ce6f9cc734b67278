"""An installation with something in every table, and looks at what a move made of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select

from newsletter.delivery import Delivery, DeliveryState, Errand
from newsletter.membership import Consent, Purpose, Token, Wishes
from newsletter.model import (
    Digest,
    Entry,
    Feedback,
    Listing,
    Paper,
    Pick,
    Profile,
    Reason,
    Subscriber,
    Tier,
    Verdict,
    Why,
)
from newsletter.store import Newcomer, Store, Suppressed, open_store
from newsletter.store.schema import metadata
from newsletter.watch import Alarm

NOON = datetime(2026, 4, 3, 12, 30, 15, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
YES = Consent(at=NOON, origin="form", wording="yes")
PAPERS = tuple(
    Paper(
        id=f"2604.{n:05}",
        title=f"Zoë's “paper” {n}\t\\N \U0001f600",
        abstract="First line.\nSecond \\. line.",
        authors=("Ada", "Bö"),
        listed_on=date(2026, 4, 3),
    )
    for n in range(1, 26)
)


def fill(store: Store, readers: int = 30) -> None:
    """Something in every table."""
    entries = tuple(
        Entry(paper=paper, rank=rank, upvotes=None if rank % 2 else rank)
        for rank, paper in enumerate(PAPERS, 1)
    )
    store.record(Listing(source="daily", tier=Tier.API, entries=entries), NOON)
    _take_a_number(store)
    store.link_keys(NOON)
    store.alarms_told(
        store.raise_alarms([Alarm(name="disk", sentence="a", remedy="b")], NOON), NOON
    )
    crowd = [
        Newcomer(
            subscriber=Subscriber(
                id=f"s{n}",
                email=f"R{n}@x.org",
                profile=Profile(topics=("a", "b\0"), trend_weight=0.1 + n / 7),
                next_due_at=NOON + n * MINUTE if n % 3 else None,
            ),
            key=f"r{n}@x.org",
            consent=YES,
        )
        for n in range(readers)
    ]
    with store.changing_register() as register:
        register.insert(crowd, NOON)
        register.keep_soft_bounce("s1", date(2026, 4, 2))
        register.addresses.suppress("gone@x.org", Suppressed.FORGOTTEN, NOON)
        register.digests.note_quiet(
            [replace(_digest(2), edition="2026-04-02", picks=(), considered=7)]
        )
        for paper in PAPERS:
            register.vote(
                Feedback(subscriber_id="s1", paper_id=paper.id, verdict=Verdict.MORE, at=NOON)
            )
        for n, wishes in enumerate([None, Wishes(name="Zoë", send_at=NOON.time())]):
            register.addresses.keep_token("r1@x.org", _token(n, wishes))
        for n in range(readers):
            if n != 2:  # who has a digest has no quiet editions
                register.digests.keep_all([_digest(n)])
                register.outbox.add(_delivery(n))


def _take_a_number(store: Store) -> None:
    """A paper that was first met without one."""
    for tier, paper_id in ((Tier.DUMP, "t:0123456789abcdef"), (Tier.API, "2604.09999")):
        entry = Entry(paper=Paper(id=paper_id, title="A paper without number"), rank=1)
        store.record(Listing(source=tier.value, tier=tier, entries=(entry,)), NOON)


def _token(n: int, wishes: Wishes | None) -> Token:
    return Token(
        id=f"t{n}",
        purpose=Purpose.CONFIRM,
        subscriber_id="s1",
        issued_at=NOON,
        expires_at=NOON + MINUTE,
        wishes=wishes,
    )


def _digest(n: int) -> Digest:
    reasons = (Reason(why=Why.TOPIC, detail="a"),)
    picks = (Pick(paper=PAPERS[n % len(PAPERS)], score=0.1 + n / 3, reasons=reasons),)
    return Digest(
        id=f"d{n}",
        subscriber_id=f"s{n}",
        edition="2026-04-03",
        subject="Paper",
        preheader="",
        picks=picks,
        considered=25,
        created_at=NOON,
        notes=("Welcome!",),
    )


def _delivery(n: int) -> Delivery:
    queued = Delivery(
        id=f"d{n}",
        errand=Errand.DIGEST,
        subscriber_id=f"s{n}",
        created_at=NOON,
        next_attempt_at=NOON,
    )
    return replace(queued, state=DeliveryState.SENT, sent_at=NOON) if n % 2 else queued


def rows(url: str) -> dict[str, list]:
    """Every row of every table, by name."""
    store = open_store(url)
    with store._engine.connect() as connection:
        kept = {
            name: sorted(map(repr, connection.execute(select(table))))
            for name, table in metadata.tables.items()
        }
    store.close()
    return kept


def counts(engine) -> dict[str, int]:
    """How many rows each table has."""
    with engine.connect() as connection:
        return {
            name: connection.scalar(select(func.count()).select_from(table))
            for name, table in metadata.tables.items()
        }
