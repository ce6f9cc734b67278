"""The nouns of the newsletter: frozen values that every room shares, without any input or output.

What makes somebody a subscriber is in `membership`, a mail on its way in `delivery`.
Instants are aware UTC datetimes, collections are tuples, "not known" is `None` for numbers and dates
and the empty string or tuple for everything else.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, time
from functools import lru_cache

from newsletter.enums import StrEnum


class Tier(StrEnum):
    """Which way a list reached us, best first: each next one knows less about a paper."""

    API = "api"
    PAGE_JSON = "page-json"
    PAGE_CARDS = "page-cards"
    RSS = "rss"
    DUMP = "dump"

    @property
    def step(self) -> int:
        """0 for the best tier, counting up."""
        return list(Tier).index(self)


@lru_cache(maxsize=4096)  # a day's titles are asked for again and again
def title_key(title: str) -> str:
    """What two spellings of the same title have in common: letters and digits, case folded.

    A title without any letter or digit (an emoji, say) keeps its symbols, so that it stays a key.
    """
    folded = unicodedata.normalize("NFKC", title).casefold()
    return re.sub(r"[\W_]+", "", folded) or re.sub(r"\s+", "", folded)


def id_from_title(title: str) -> str:
    """The id of a paper that came without an arXiv id: `t:` and a hash of its title key."""
    return "t:" + hashlib.sha256(title_key(title).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One paper, as clean Unicode text.

    Attributes:
        id: arXiv id as text, without version (`2503.02130`); without one, see `id_from_title`.
        summary: one sentence somebody else made of the abstract; often missing.
        authors: names in order of the paper; partial when the source shows only the first few.
        organization: full name of the organisation that claims the paper.
        keywords: as given by the source, may be redundant.
        categories: arXiv codes such as `cs.CL`; the trending page has none.
        url: where a reader opens it; always https.
        published_on: day of the first version.
        listed_on: day on whose trending list it first stood.
    """

    id: str
    title: str
    abstract: str = ""
    summary: str = ""
    authors: tuple[str, ...] = ()
    organization: str = ""
    keywords: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    url: str = ""
    pdf_url: str = ""
    code_url: str = ""
    thumbnail_url: str = ""
    published_on: date | None = None
    listed_on: date | None = None

    @property
    def key(self) -> str:
        """Equal for title twins: the same paper under two ids."""
        return title_key(self.title)

    @property
    def has_arxiv_id(self) -> bool:
        return not self.id.startswith("t:")

    def completed_by(self, other: Paper) -> Paper:
        """This paper with its empty fields filled from `other`; what is known stays as it is.

        The longer of two author lists wins, because some tiers show only the first five names.
        """
        filled = {f.name: getattr(other, f.name) for f in fields(self) if not getattr(self, f.name)}
        if len(other.authors) > len(self.authors):
            filled["authors"] = other.authors
        return replace(self, **filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One look at a list: trend is the difference of two sightings.

    Attributes:
        source: name of the list, e.g. `daily:2026-04-03` or `trending`.
        rank: 1 for the top of that list.
        upvotes, comments, stars: `None` where the list does not say (0 means a real zero).
    """

    paper_id: str
    seen_at: datetime
    rank: int
    source: str = ""
    upvotes: int | None = None
    comments: int | None = None
    stars: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A paper as it stands on one list: the paper and what the list says about it."""

    paper: Paper
    rank: int
    upvotes: int | None = None
    comments: int | None = None
    stars: int | None = None
    submitter: str = ""

    def sighting(self, seen_at: datetime, source: str) -> Sighting:
        """What this look at the list adds to the trend of the paper."""
        return Sighting(
            paper_id=self.paper.id,
            seen_at=seen_at,
            source=source,
            rank=self.rank,
            upvotes=self.upvotes,
            comments=self.comments,
            stars=self.stars,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One list of papers as read from one source.

    Attributes:
        source: name of the list, e.g. `daily:2026-04-03`, `trending`, `arxiv:cs.CL`, a URL or a path.
        listed_on: the list day, where the list has one.
        notes: what the operator should know, one sentence each (fallback taken, items dropped, ...).
    """

    source: str
    tier: Tier
    entries: tuple[Entry, ...] = ()
    listed_on: date | None = None
    notes: tuple[str, ...] = ()

    @property
    def papers(self) -> tuple[Paper, ...]:
        return tuple(entry.paper for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A paper that may be picked, with every look we had at it (oldest first)."""

    paper: Paper
    sightings: tuple[Sighting, ...] = ()

    @property
    def last(self) -> Sighting | None:
        """The newest look; `None` if the paper was never on a list."""
        return self.sightings[-1] if self.sightings else None

    @property
    def upvotes(self) -> int | None:
        """The newest known vote count."""
        return next((s.upvotes for s in reversed(self.sightings) if s.upvotes is not None), None)

    @property
    def comments(self) -> int | None:
        return next((s.comments for s in reversed(self.sightings) if s.comments is not None), None)

    @property
    def stars(self) -> int | None:
        return next((s.stars for s in reversed(self.sightings) if s.stars is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a subscriber works on and how much of it they want.

    Attributes:
        topics: in the subscriber's own words ("efficient inference on phones").
        keywords: words or phrases that must occur literally (case and plural do not matter).
        authors, organizations: names to follow.
        categories: arXiv codes or their official names.
        liked, disliked: arXiv ids; a text that is no id is taken as the title (or text) itself.
        muted: words, phrases, authors, organisations or categories that never appear.
        max_papers: most papers in a digest.
        min_score: below this a paper is not worth a place (scale of `Pick.score`).
        trend_weight: 0 = only taste, 1 = only trend.
        surprise: one labelled place for a rising paper from outside the interests.
        abstract_length: characters of abstract a card shows; 0 hides it.
    """

    topics: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    max_papers: int = 10
    min_score: float = 0.0
    trend_weight: float = 0.25
    surprise: bool = True
    abstract_length: int = 280

    @property
    def says_nothing(self) -> bool:
        """True for a reader who named no interest at all: only the trend can choose."""
        return not (
            self.topics
            or self.keywords
            or self.authors
            or self.organizations
            or self.categories
            or self.liked
        )


class Status(StrEnum):
    """Where a subscriber stands; only `active` receives digests."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class Cadence(StrEnum):
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"


class Format(StrEnum):
    """`html` mails carry a text part too; `text` mails carry nothing else."""

    HTML = "html"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One reader.

    Attributes:
        name: what they like to be called; may be empty.
        send_at: local time of day in `timezone` (IANA name).
        weekday: 0 = Monday; used by the weekly cadence.
        since: the day they subscribed, for the "you receive this because" line.
    """

    id: str
    email: str
    name: str = ""
    status: Status = Status.ACTIVE
    profile: Profile = field(default_factory=Profile)
    cadence: Cadence = Cadence.WEEKDAYS
    send_at: time = time(8, 0)
    weekday: int = 0
    timezone: str = "UTC"
    paused_until: date | None = None
    next_due_at: datetime | None = None
    format: Format = Format.HTML
    since: date | None = None


class Verdict(StrEnum):
    """What a reader said of a paper."""

    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One vote; a later one on the same paper replaces it."""

    subscriber_id: str
    paper_id: str
    verdict: Verdict
    at: datetime


class Why(StrEnum):
    """The kinds of reasons a pick can have."""

    TOPIC = "topic"
    KEYWORD = "keyword"
    AUTHOR = "author"
    ORGANIZATION = "organization"
    CATEGORY = "category"
    LIKED = "liked"
    TREND = "trend"
    SURPRISE = "surprise"


_PHRASES = {
    Why.TOPIC: "your topic “{}”",
    Why.KEYWORD: "your keyword “{}”",
    Why.AUTHOR: "you follow {}",
    Why.ORGANIZATION: "from {}, which you follow",
    Why.CATEGORY: "in {}, which you follow",
    Why.LIKED: "close to “{}”, which you liked",
    Why.TREND: "{}",
    Why.SURPRISE: "a surprise: {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a paper was picked: `why` is the kind, `detail` the subscriber's own word for it."""

    why: Why
    detail: str

    def __str__(self) -> str:
        return _PHRASES[self.why].format(self.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A paper chosen for one reader; `score` is comparable within one selection only."""

    paper: Paper
    score: float
    reasons: tuple[Reason, ...]
    upvotes: int | None = None
    comments: int | None = None
    stars: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One edition for one subscriber, stored as data and rendered late.

    Attributes:
        id: opaque and unique; the Message-ID and the links are derived from it.
        edition: the day it is made for, e.g. `2026-04-03`; unique together with the subscriber.
        considered: how many new papers the picks were chosen from.
        notes: sentences shown above the papers, e.g. that this is the first digest.
    """

    id: str
    subscriber_id: str
    edition: str
    subject: str
    preheader: str
    picks: tuple[Pick, ...]
    considered: int
    created_at: datetime
    notes: tuple[str, ...] = ()

    @property
    def list_day(self) -> date | None:
        """The newest day on whose list one of its papers first stood."""
        listed = [day for pick in self.picks if (day := pick.paper.listed_on)]
        return max(listed, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Who sends: one newsletter's name, addresses and public home.

    Attributes:
        base_url: where links lead, without trailing slash.
        list_id: domain-like name of the list that stays when addresses change (RFC 2919).
        sender_id: 5 to 15 characters for the last field of Feedback-ID.
        postal_address: shown in every footer.
    """

    name: str
    base_url: str
    from_name: str
    from_address: str
    reply_to: str
    list_id: str
    sender_id: str
    postal_address: str
    tagline: str = ""
