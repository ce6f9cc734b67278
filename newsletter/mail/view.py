"""What the mail templates see: one value per mail, every text cleaned, every link checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from newsletter.links import DigestLinks
from newsletter.mail.digest import why_phrases
from newsletter.mail.scripts import quoted
from newsletter.mail.wording import (
    edition_name,
    enumerate_names,
    plain,
    readable,
    short_date,
    shorten,
)
from newsletter.model import Digest, Paper, Pick, Profile, Publication, Subscriber, Why

AUTHORS_SHOWN = 4
TAGS_SHOWN = 3
URL_LIMIT = 2_000

_ABSTRACT_READ = 6_000  # characters; far more than any mail shows
_ALT_LIMIT = 40
_INTERESTS_SHOWN = 4
_INTEREST_LIMIT = 40
_NAME_LIMIT = 60
_NOTE_LIMIT = 300
_NOTES_SHOWN = 5
_TAG_LIMIT = 32
_TITLE_LIMIT = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One paper as a card shows it; what is not known is empty, `None` or 0 and must vanish.

    Attributes:
        rank: 1 for the first card.
        authors: one line, at most four names and how many more.
        abstract: cut to the length of this mail; empty when the reader wants none.
        tags: at most three keywords.
        upvotes, comments, stars: 0 when the source does not say: nothing to boast of either way.
        why: the reasons as phrases, joined by ` · `; empty without any.
        surprise: picked from outside the interests, on purpose.
        url, pdf_url, code_url, thumbnail_url: https or empty.
        more_url, less_url: pages that ask for a verdict on this paper.
        tune_url: the page to follow an author of it, or to mute what it is about.
    """

    rank: int
    title: str
    authors: str
    organization: str
    abstract: str
    tags: tuple[str, ...]
    upvotes: int
    comments: int
    stars: int
    why: str
    surprise: bool
    url: str
    pdf_url: str
    code_url: str
    thumbnail_url: str
    thumbnail_alt: str
    more_url: str
    less_url: str
    tune_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """Everything the templates of one mail may show, as `mail`.

    Attributes:
        brand, tagline, postal_address: of the publication.
        date: the edition in words, e.g. `Friday, 16 January 2026`.
        name: what the reader likes to be called; may be empty.
        address: the reader's mail address.
        since: the day of the subscription in words; may be empty.
        interests: the reader's interests as one phrase; empty when they named none.
        notes: sentences above the papers, e.g. that this is the first digest; mostly none.
        cards: the papers shown, in order.
        hidden: how many further papers only the web page shows.
        considered: how many new papers the picks were chosen from.
        list_day: the day whose whole list `links.archive` shows, in words; empty if not known.
    """

    brand: str
    tagline: str
    postal_address: str
    subject: str
    preheader: str
    date: str
    name: str
    address: str
    since: str
    interests: str
    notes: tuple[str, ...]
    cards: tuple[Card, ...]
    hidden: int
    considered: int
    list_day: str
    links: DigestLinks

    @property
    def total(self) -> int:
        """Papers picked: those shown and those left for the web."""
        return len(self.cards) + self.hidden

    def fitted(self, shown: int, abstract_length: int) -> MailView:
        """This mail with only the first `shown` papers, abstracts cut to that many characters."""
        cards = tuple(
            replace(card, abstract=shorten(card.abstract, abstract_length))
            for card in self.cards[:shown]
        )
        return replace(self, cards=cards, hidden=self.total - len(cards))


def mail_view(
    digest: Digest, subscriber: Subscriber, publication: Publication, links: DigestLinks
) -> MailView:
    """The view of the whole digest: every pick, abstracts uncut (see `MailView.fitted`)."""
    cards = tuple(card(pick, rank, links) for rank, pick in enumerate(digest.picks, start=1))
    texts = texts_for(digest, subscriber)
    return framed(digest, publication, texts=texts, cards=cards, links=links)


def framed(
    digest: Digest,
    publication: Publication,
    *,
    texts: dict[str, str],
    cards: tuple[Card, ...],
    links: DigestLinks,
    hidden: int = 0,
) -> MailView:
    """A view of what all readers share, with these texts (see `texts_for`), cards and links."""
    return MailView(
        brand=plain(publication.name),
        tagline=plain(publication.tagline),
        postal_address=plain(publication.postal_address),
        **texts,
        date=edition_name(digest.edition),
        notes=notes_of(digest),
        cards=cards,
        hidden=hidden,
        considered=digest.considered,
        list_day=short_date(digest.list_day) if digest.list_day else "",
        links=links,
    )


def texts_for(digest: Digest, subscriber: Subscriber) -> dict[str, str]:
    """The texts of a `MailView` that no two readers have in common, by name."""
    return {
        "subject": plain(digest.subject),
        "preheader": plain(digest.preheader),
        "name": shorten(plain(subscriber.name), _NAME_LIMIT),
        "address": plain(subscriber.email),
        "since": short_date(subscriber.since) if subscriber.since else "",
        "interests": interests_phrase(subscriber.profile),
    }


def card(pick: Pick, rank: int, links: DigestLinks | None) -> Card:
    """One pick as a card, its abstract uncut; without links there is nothing to vote by."""
    paper = pick.paper
    title = shorten(plain(paper.title), _TITLE_LIMIT) or "A paper without a title"
    return Card(
        rank=rank,
        title=title,
        authors=_authors(paper),
        organization=shorten(plain(paper.organization), _NAME_LIMIT),
        abstract=readable((paper.abstract or paper.summary)[:_ABSTRACT_READ]),
        tags=_tags(paper),
        upvotes=pick.upvotes or 0,
        comments=pick.comments or 0,
        stars=pick.stars or 0,
        why=why_phrases(pick.reasons),
        surprise=is_surprise(pick),
        url=safe_url(paper.url),
        pdf_url=safe_url(paper.pdf_url),
        code_url=safe_url(paper.code_url),
        thumbnail_url=safe_url(paper.thumbnail_url),
        thumbnail_alt="Preview of “" + shorten(title, _ALT_LIMIT) + "”",
        more_url=links.more(paper.id) if links else "",
        less_url=links.less(paper.id) if links else "",
        tune_url=links.tune(paper.id) if links else "",
    )


def is_surprise(pick: Pick) -> bool:
    """Picked from outside the interests, on purpose."""
    return any(reason.why is Why.SURPRISE for reason in pick.reasons)


def notes_of(digest: Digest) -> tuple[str, ...]:
    """The notes of a digest as the templates see them; mostly none."""
    shown = (shorten(plain(note), _NOTE_LIMIT) for note in digest.notes[:_NOTES_SHOWN])
    return tuple(note for note in shown if note)


def _authors(paper: Paper) -> str:
    names = [shorten(plain(name), _NAME_LIMIT) for name in paper.authors[:AUTHORS_SHOWN]]
    named = [name for name in names if name]
    return enumerate_names(named, len(paper.authors) - names.count("")) if named else ""


def _tags(paper: Paper) -> tuple[str, ...]:
    """The first few short keywords; long ones are sentences and make no pill."""
    words = (plain(word) for word in paper.keywords)
    return tuple(dict.fromkeys(w for w in words if 0 < len(w) <= _TAG_LIMIT))[:TAGS_SHOWN]


def interests_phrase(profile: Profile) -> str:
    """`“agents”, “retrieval” and 3 more`; empty for a reader who named nothing."""
    named = (
        *profile.topics,
        *profile.keywords,
        *profile.authors,
        *profile.organizations,
        *profile.categories,
    )
    words = [shorten(plain(word), _INTEREST_LIMIT) for word in named]
    entries = [quoted(word) for word in words if word]
    return enumerate_names(entries[:_INTERESTS_SHOWN], len(entries))


def safe_url(url: str) -> str:
    """The URL if a mail may link to it, else nothing: https, a host name, no user info."""
    if (
        len(url) > URL_LIMIT
        or not url.isascii()
        or re.search(r"[\s\x00-\x1f\x7f\"'<>\\^`{|}]", url)
    ):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:  # e.g. an unclosed bracket of an IPv6 address
        return ""
    named = re.fullmatch(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*", host)
    return url if parts.scheme == "https" and named and "@" not in parts.netloc else ""
