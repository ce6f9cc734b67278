"""Lists of papers as Atom (RFC 4287) and JSON Feed 1.1, and the answer to who has them already."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from fastapi.responses import Response
from feedgen.feed import FeedGenerator

from newsletter.mail.view import safe_url
from newsletter.mail.wording import plain, readable
from newsletter.model import Paper, Publication

ATOM = "application/atom+xml; charset=utf-8"
JSON = "application/feed+json; charset=utf-8"
_ABSTRACT_READ = 6_000
_JSON_VERSION = "https://jsonfeed.org/version/1.1"
# The year in a tag only says when we owned the name (RFC 4151 section 2.1): it must never change.
_TAG = "tag:{authority},2026:{what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One paper, every text clean: no control character, nothing XML cannot hold."""

    id: str
    title: str
    url: str
    text: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A list of papers.

    Attributes:
        home, itself: addresses of the page it belongs to and of the feed without its ending.
        changed_at: when its content was last made.
    """

    id: str
    title: str
    subtitle: str
    home: str
    itself: str
    author: str
    changed_at: datetime
    entries: tuple[Entry, ...]


def feed(
    publication: Publication,
    papers: Iterable[Paper],
    *,
    what: str,
    title: str,
    home: str,
    itself: str,
    changed_at: datetime,
) -> Feed:
    """A feed of papers, newest first.

    Args:
        what: its name among our feeds, for its id; ids stay the same when our address changes.
        home, itself: paths.
    """
    return Feed(
        id=_tag(publication, what),
        title=plain(f"{publication.name}: {title}"),
        subtitle=plain(publication.tagline),
        home=publication.base_url + home,
        itself=publication.base_url + itself,
        author=plain(publication.name),
        changed_at=changed_at,
        entries=tuple(entry(publication, paper, home) for paper in papers),
    )


def entry(publication: Publication, paper: Paper, home: str) -> Entry:
    """A paper as an entry; one without a usable address leads to `home`."""
    listed = paper.listed_on or paper.published_on
    words = [plain(word) for word in paper.keywords]
    return Entry(
        id=_tag(publication, f"paper/{paper.id}"),
        title=plain(paper.title) or "A paper without a title",
        url=safe_url(paper.url) or publication.base_url + home,
        text=readable((paper.abstract or paper.summary)[:_ABSTRACT_READ]),
        authors=tuple(filter(None, map(plain, paper.authors))),
        tags=tuple(dict.fromkeys(filter(None, words))),
        at=datetime.combine(listed, time(), UTC) if listed else datetime(2026, 1, 1, tzinfo=UTC),
    )


def atom(of: Feed) -> bytes:
    """The feed as Atom."""
    made = FeedGenerator()
    made.id(of.id)
    made.title(of.title)
    made.subtitle(of.subtitle)
    made.author({"name": of.author})
    made.link(href=of.home, rel="alternate", type="text/html")
    made.link(href=f"{of.itself}.atom", rel="self", type="application/atom+xml")
    made.language("en")
    made.updated(of.changed_at)
    for one in of.entries:
        _add(made, one)
    return bytes(made.atom_str(pretty=True))


def json_feed(of: Feed) -> bytes:
    """The feed as JSON Feed."""
    content = {
        "version": _JSON_VERSION,
        "title": of.title,
        "description": of.subtitle,
        "home_page_url": of.home,
        "feed_url": f"{of.itself}.json",
        "language": "en",
        "authors": [{"name": of.author}],
        "items": [_item(one) for one in of.entries],
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def answer(asked: Mapping[str, str], body: bytes, kind: str, changed_at: datetime) -> Response:
    """The feed, or 304 for who has it (RFC 9110 section 13.1: a tag counts more than a date).

    Args:
        asked: the headers of the request.
    """
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "etag": tag,
        "last-modified": format_datetime(changed_at.astimezone(UTC), usegmt=True),
        "cache-control": "public, max-age=300",
    }
    if _is_known(asked, tag, changed_at):
        return Response(status_code=304, headers=headers)
    return Response(body, headers={**headers, "content-type": kind})


def _is_known(asked: Mapping[str, str], tag: str, changed_at: datetime) -> bool:
    if tags := asked.get("if-none-match"):
        return tags.strip() == "*" or tag in re.findall(r'"[^"]*"', tags)
    try:
        since = parsedate_to_datetime(asked.get("if-modified-since", ""))
    except (ValueError, OverflowError):
        return False
    aware = since if since.tzinfo else since.replace(tzinfo=UTC)
    return changed_at.replace(microsecond=0) <= aware


def _add(made: FeedGenerator, one: Entry) -> None:
    added = made.add_entry(order="append")
    added.id(one.id)
    added.title(one.title)
    added.link(href=one.url, rel="alternate")
    added.published(one.at)
    added.updated(one.at)
    if one.text:
        added.summary(one.text)
    for name in one.authors:
        added.author({"name": name})
    for word in one.tags:
        added.category(term=word)


def _item(one: Entry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": one.id,
        "url": one.url,
        "title": one.title,
        # readers want a content; a paper without abstract has its title
        "content_text": one.text or one.title,
        "date_published": one.at.isoformat(),
    }
    if one.authors:
        item["authors"] = [{"name": name} for name in one.authors]
    return item | ({"tags": list(one.tags)} if one.tags else {})


def _tag(publication: Publication, what: str) -> str:
    return _TAG.format(authority=publication.list_id, what=what)
