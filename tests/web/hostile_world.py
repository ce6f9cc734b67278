"""An installation full of hostile papers, one hostile reader, and what judges their answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from hostile_texts import HOSTILE, judge_text
from web_world import Site

from newsletter.delivery import Outcome, Result
from newsletter.membership import Consent, Wishes, one_line
from newsletter.model import Entry, Listing, Paper, Profile, Subscriber, Tier, Verdict
from newsletter.pipeline import compose, record

DAY = date(2026, 4, 3)
NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
OPEN_DOORS = """
[web]
mails_per_hour = 1000000
signups_per_hour = 1000000
signups_per_day = 1000000
unproven_per_hour = 1000000
previews_per_minute = 1000000
"""
LISTS = ("topics", "keywords", "authors", "organizations", "categories", "liked", "muted")


def hostile_paper(number: int, text: str) -> Paper:
    """A paper that is hostile in every field that a source may fill."""
    return Paper(
        id=f"2604.{20_000 + number}",
        title=f"{text} Paper {number}",
        abstract=f"Efficient inference of large models. {text}",
        summary=text,
        authors=(text, f"{text} Byron"),
        organization=text,
        keywords=(text, f"{text} two"),
        categories=(text,),
        url="javascript:alert(7)" if number % 2 else f"https://papers.example/{number}",
        pdf_url=text,
        code_url=text,
        thumbnail_url=text,
        listed_on=DAY,
    )


def hostile_profile(*texts: str) -> Profile:
    """A reader who asks for such things, as far as a form would let them."""
    asked = tuple(dict.fromkeys(one_line(text)[:300] for text in texts))
    return Profile(
        topics=("efficient inference", *asked),
        keywords=asked,
        authors=asked,
        organizations=asked,
        categories=asked,
        liked=asked,
        max_papers=12,
    )


@contextmanager
def hostile_site(folder: Path) -> Iterator[Site]:
    """An installation whose list of the day has such papers, and which lets everybody in."""
    made = Site(folder, OPEN_DOORS)
    papers = [hostile_paper(n, text) for n, text in enumerate(HOSTILE.values())]
    entries = tuple(Entry(paper=p, rank=n, upvotes=500 - n) for n, p in enumerate(papers, 1))
    listing = Listing(source=f"daily:{DAY}", tier=Tier.API, entries=entries, listed_on=DAY)
    record(made.app.store, listing, now=made.at)
    yield made
    made.close()


def hostile_reader(site: Site) -> Subscriber:
    """Somebody with such a name and such interests, who was sent a digest and voted on it."""
    wishes = Wishes(
        name=one_line(HOSTILE["script"])[:80],
        profile=hostile_profile(*(HOSTILE[n] for n in ("script", "jinja", "header", "escape"))),
    )
    consent = Consent(at=NOON, origin=HOSTILE["header"], wording=HOSTILE["escape"])
    subscriber = site.app.subscriptions.enrol("ines@reader.example", wishes, consent, now=site.at)
    compose(site.app.store, subscriber, site.site.chooser.pool, edition="2026-04-03", now=site.at)
    (paper, *_) = site.site.chooser.ranking(subscriber.profile).picks
    site.app.subscriptions.rate(subscriber.id, paper.paper.id, Verdict.MORE, now=site.at)
    return subscriber


def asked(site: Site) -> str:
    """The stamp of a form that was open for a minute; an hour passes for who has no proof."""
    stamp = site.site.doorman.stamp()
    site.later(minutes=61)
    return stamp


def calm(answer) -> None:
    """A foreseen answer whose headers nobody wrote into."""
    assert answer.status_code < 500, answer.text
    assert not {"x-evil", "bcc"} & set(answer.headers)


def digest_of(site: Site, reader: Subscriber) -> str:
    """The id of the digest that this reader was sent."""
    from sqlalchemy import create_engine, text

    engine = create_engine(site.app.settings.store_url)
    with engine.connect() as connection:
        found = connection.scalar(
            text("select id from digests where subscriber_id = :id"), {"id": reader.id}
        )
    engine.dispose()
    return str(found)


def number_of(text: str) -> int:
    return list(HOSTILE.values()).index(text)


class Octets:
    """A relay that keeps the very octets of every mail."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, bytes]] = []

    def carry(self, mails):
        for mail in mails:
            yield self.take(mail.raw, sender=mail.sender, recipient=mail.recipient)

    def take(self, raw: bytes, *, sender: str, recipient: str) -> Outcome:
        self.mails.append((recipient, raw))
        return Outcome(result=Result.ACCEPTED, reply=250)

    def close(self) -> None:
        """Nothing to give back."""


def letters_of(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isalnum())


def judge_json(value: object, key: str = "") -> None:
    """Every text in it is text; what is an address is a safe one."""
    if isinstance(value, dict):
        for name, part in value.items():
            judge_json(part, name)
    elif isinstance(value, list):
        for part in value:
            judge_json(part, key)
    elif isinstance(value, str):
        judge_text(value)
        assert "\n" not in value or key in ("content_text", "detail")
        if key.endswith("url") or key == "next":
            assert value == "" or value.startswith("https://")
