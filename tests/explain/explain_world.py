"""A store with a list for each day, readers, and a clock moved by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from newsletter.app import App
from newsletter.delivery import Outcome, Result
from newsletter.explain import Explanation, Rules, explain
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Subscriber, Tier
from newsletter.pipeline import compose_due, deliver_due, look_back, record
from newsletter.schedule import LONGEST_GAP

MONDAY = date(2026, 3, 30)
START = datetime(2026, 3, 29, 12, tzinfo=UTC)
YES = Consent(at=START, origin="form", wording="yes")
FIELDS = ("sparse attention", "robot hands", "protein folding", "weather maps")
DAYS = 3


class Relay:
    """Answers what a test wants and keeps what it got."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.outcome = outcome or Outcome(result=Result.ACCEPTED, reply=250)
        self.mails: list[bytes] = []

    def carry(self, mails):
        for mail in mails:
            yield self.take(mail.raw, sender=mail.sender, recipient=mail.recipient)

    def take(self, raw: bytes, *, sender: str, recipient: str) -> Outcome:
        self.mails.append(raw)
        return self.outcome

    def close(self) -> None:
        """Nothing to give back."""


class World:
    """One installation."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.now = START
        self.min_papers = 1

    def lists(self, day: date = MONDAY, fields=FIELDS) -> None:
        """Eight papers of the day's list, two of each field, read now."""
        self.record(
            day,
            *(
                (f"26{day:%m}.{day.day:02d}{n:03d}", f"{field} study {day:%d}{n}")
                for n, field in enumerate(fields * 2, start=1)
            ),
        )

    def record(self, day: date, *papers: tuple[str, str]) -> None:
        """A list of these ids and titles."""
        entries = tuple(
            Entry(paper=paper_called(*paper, day), rank=n, upvotes=n)
            for n, paper in enumerate(papers, start=1)
        )
        source = f"daily:{day}"
        listing = Listing(source=source, tier=Tier.API, entries=entries, listed_on=day)
        record(self.app.store, listing, now=self.now)

    def reader(self, topic="sparse attention", *, profile=None, **wishes) -> Subscriber:
        mine = profile or Profile(topics=(topic,), max_papers=20, surprise=False)
        asked = Wishes(profile=mine, **({"cadence": Cadence.DAILY} | wishes))
        return self.app.subscriptions.enrol("ines@reader.example", asked, YES, now=self.now)

    def compose(self, at: datetime) -> None:
        self.now = at
        pool = look_back(self.app.store, days=LONGEST_GAP + DAYS)
        compose_due(self.app.store, pool, now=at, days=DAYS, min_papers=self.min_papers)

    def deliver(self, outcome: Outcome | None = None) -> Relay:
        relay = Relay(outcome)
        deliver_due(self.app.store, self.app.live_post, relay, now=lambda: self.now)
        return relay

    def digests(self, reader: Subscriber):
        with self.app.store.register() as register:
            return register.digests.of(reader.id)

    def explain(self, reader: Subscriber, paper_id: str) -> Explanation:
        store = self.app.store
        with store.register() as register:
            kept = register.by_id(reader.id)
        paper = store.find_papers([paper_id])[paper_id]
        rules = Rules(days=DAYS, min_papers=self.min_papers)
        return explain(store, kept, paper, rules, now=self.now)


def paper_called(paper_id: str, title: str, day: date) -> Paper:
    return Paper(
        id=paper_id,
        title=title,
        abstract=f"All about {title.rpartition(' study ')[0] or title}.",
        url=f"https://papers.example/{paper_id}",
        listed_on=day,
    )


def morning(day: int, hour: int = 8) -> datetime:
    """In March 2026, counted on into April."""
    return datetime(2026, 3, 1, hour, tzinfo=UTC) + timedelta(days=day - 1)
