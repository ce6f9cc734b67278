"""Everything the studio shows of one preview, as plain values ready to become JSON."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from newsletter.mail.lint import Check
from newsletter.mail.wording import WEEKDAYS
from newsletter.model import Format, Profile, Reason, Subscriber
from newsletter.preview.desk import Choice, choice_of
from newsletter.preview.workbench import Preview, Shelf
from newsletter.selection import Ranked, Verdict

GMAIL_CLIPS_AT = 102_000
"""Octets of HTML above which Gmail hides the rest behind a link."""

_SHOWN_OF_A_VERDICT = 12
_VERDICTS = {
    "next": "next in line",
    "below_cut": "below the cut",
    "similar": "too similar",
    "muted": "muted",
    "sent_before": "sent before",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """The line of the mail in an inbox."""

    from_name: str
    subject: str
    preheader: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Octets on the wire against the limits, and what was cut to stay below them."""

    html: int
    limit: int
    clip: int
    whole: int
    shown: int
    hidden: int
    abstract_length: int
    abstract_wanted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One reason: its kind and the phrase the mail shows."""

    kind: str
    phrase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One candidate and what became of it.

    Attributes:
        rank: 1 for the first pick; 0 for a paper that was not picked.
        taste_share, trend_share: the two parts of the score bar, each 0 to 1 of the best score.
        url: https, or empty.
    """

    rank: int
    title: str
    url: str
    score: float
    taste: float
    trend: float
    taste_share: float
    trend_share: float
    verdict: str
    label: str
    note: str
    reasons: tuple[Why, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A labelled list or figure."""

    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who the mail is for and what they asked for; `text_only` mails carry no HTML part."""

    id: str
    name: str
    email: str
    rhythm: str
    text_only: bool
    interests: tuple[Fact, ...]
    settings: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the candidates came from."""

    name: str
    tier: str
    notes: tuple[str, ...]
    papers: int
    considered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One preview as the page shows it."""

    choice: Choice
    inbox: Inbox
    size: Size
    checks: tuple[Check, ...]
    picks: tuple[Row, ...]
    others: tuple[Row, ...]
    verdicts: dict[str, int]
    reader: Reader
    source: Source
    headers: tuple[tuple[str, str], ...]
    text: str


def make_sheet(preview: Preview) -> Sheet:
    """Gathers what there is to see of a preview; changes nothing in it."""
    digest = preview.edition.digest
    reader = preview.edition.subscriber
    headers = _headers(preview.mail.raw)
    rows = _rows(preview)
    return Sheet(
        choice=choice_of(preview),
        inbox=Inbox(
            from_name=_sender(preview.mail.raw),
            subject=digest.subject,
            preheader=digest.preheader,
            time=f"{reader.send_at:%H:%M}",
        ),
        size=_size(preview),
        checks=tuple(sorted(preview.mail.checks, key=lambda check: check.holds)),
        picks=tuple(sorted((row for row in rows if row.rank), key=lambda row: row.rank)),
        others=tuple(_first_of_each(row for row in rows if not row.rank)),
        verdicts=dict(Counter(row.label for row in rows if not row.rank)),
        reader=_reader(reader),
        source=_source(preview.shelf, considered=digest.considered),
        headers=headers,
        text=preview.mail.rendered.text,
    )


def _headers(raw: bytes) -> tuple[tuple[str, str], ...]:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return tuple((name, str(value)) for name, value in message.items())


def _sender(raw: bytes) -> str:
    """The name in the From field, as inboxes show it; without one, the address."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    field = message["From"]
    first = field.addresses[0] if field is not None and field.addresses else None
    return (first.display_name or first.addr_spec) if first else ""


def _size(preview: Preview) -> Size:
    rendered = preview.mail.rendered
    return Size(
        html=rendered.html_octets,
        limit=preview.html_limit,
        clip=GMAIL_CLIPS_AT,
        whole=len(preview.mail.raw),
        shown=rendered.shown,
        hidden=rendered.hidden,
        abstract_length=rendered.abstract_length,
        abstract_wanted=preview.edition.subscriber.profile.abstract_length,
    )


def _rows(preview: Preview) -> list[Row]:
    """Every candidate in the order of the ranking, the picks with their place in the mail."""
    edition = preview.edition
    places = {pick.paper.id: rank for rank, pick in enumerate(edition.digest.picks, start=1)}
    best = max((float(ranked.score) for ranked in edition.ranking.ranked), default=0.0)
    weight = edition.subscriber.profile.trend_weight
    return [
        _row(ranked, places.get(ranked.candidate.paper.id, 0), best, weight)
        for ranked in edition.ranking.ranked
    ]


def _row(ranked: Ranked, rank: int, best: float, trend_weight: float) -> Row:
    paper = ranked.candidate.paper
    taste, trend = _bar(ranked, best, trend_weight)
    return Row(
        rank=rank if ranked.verdict is Verdict.PICKED else 0,
        title=paper.title,
        url=paper.url if paper.url.startswith("https://") else "",
        score=float(ranked.score),
        taste=float(ranked.taste),
        trend=float(ranked.trend),
        taste_share=taste,
        trend_share=trend,
        verdict=ranked.verdict.value,
        label=_VERDICTS.get(ranked.verdict.value, ranked.verdict.value.replace("_", " ")),
        note=ranked.note,
        reasons=tuple(_why(reason) for reason in ranked.reasons),
    )


def _bar(ranked: Ranked, best: float, trend_weight: float) -> tuple[float, float]:
    """The score's share of the best one, parted by what taste and trend brought in."""
    taste = (1 - trend_weight) * max(float(ranked.taste), 0.0)
    trend = trend_weight * max(float(ranked.trend), 0.0)
    length = max(float(ranked.score), 0.0) / best if best > 0 else 0.0
    both = taste + trend
    return (length * taste / both, length * trend / both) if both > 0 else (0.0, 0.0)


def _why(reason: Reason) -> Why:
    return Why(kind=reason.why.value, phrase=str(reason))


def _first_of_each(rows: Iterable[Row]) -> Iterable[Row]:
    """The best few of each verdict; hundreds below the cut teach nothing more."""
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row.verdict] += 1
        if seen[row.verdict] <= _SHOWN_OF_A_VERDICT:
            yield row


def _reader(subscriber: Subscriber) -> Reader:
    profile = subscriber.profile
    return Reader(
        id=subscriber.id,
        name=subscriber.name,
        email=subscriber.email,
        rhythm=_rhythm(subscriber),
        text_only=subscriber.format is Format.TEXT,
        interests=tuple(fact for fact in _interests(profile) if fact.values),
        settings=_settings(profile),
    )


def _rhythm(subscriber: Subscriber) -> str:
    days = {"daily": "every day", "weekdays": "Monday to Friday"}
    when = days.get(subscriber.cadence.value) or f"{WEEKDAYS[subscriber.weekday]}s"
    return f"{when} at {subscriber.send_at:%H:%M}, {subscriber.timezone}"


def _interests(profile: Profile) -> tuple[Fact, ...]:
    return (
        Fact(label="Topics", values=profile.topics),
        Fact(label="Keywords", values=profile.keywords),
        Fact(label="Authors", values=profile.authors),
        Fact(label="Organizations", values=profile.organizations),
        Fact(label="Categories", values=profile.categories),
        Fact(label="Liked", values=profile.liked),
        Fact(label="Disliked", values=profile.disliked),
        Fact(label="Muted", values=profile.muted),
    )


def _settings(profile: Profile) -> tuple[Fact, ...]:
    return (
        Fact(label="At most", values=(f"{profile.max_papers} papers",)),
        Fact(label="Trend weight", values=(f"{profile.trend_weight:.0%}",)),
        Fact(label="Lowest score", values=(f"{profile.min_score:g}",)),
        Fact(label="Surprise", values=("one place",) if profile.surprise else ("none",)),
        Fact(label="Abstracts", values=(f"{profile.abstract_length} characters",)),
    )


def _source(shelf: Shelf, *, considered: int) -> Source:
    return Source(
        name=shelf.name,
        tier=shelf.tier,
        notes=shelf.notes,
        papers=len(shelf.candidates),
        considered=considered,
    )
