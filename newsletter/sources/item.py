"""One item of the site's JSON, in the shape of any year since 2023, becomes an `Entry`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from newsletter.model import Entry, Paper
from newsletter.sources.raw import as_count, as_day, as_list, as_map, as_text, first_text
from newsletter.sources.text import clean_name, clean_text, safe_url

HOME = "https://huggingface.co"
"""Links in a mail lead here, whatever mirror the list was fetched through."""

_THUMBNAILS = "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/"
_NEW_ID = r"[0-9]{4}\.[0-9]{4,5}"
_OLD_ID = r"[a-z]+(?:-[a-z]+)*(?:\.[A-Z]{2})?/[0-9]{7}"
_ID = re.compile(rf"(?i:arxiv:)?({_NEW_ID}|{_OLD_ID})(?:v[0-9]+)?")
_IMAGE = re.compile(r"\.(?:png|jpe?g|gif|webp)$", re.IGNORECASE)
_PICTURE_HOST = re.compile(r"https://(?:[a-z0-9-]+\.)*huggingface\.co/")


def bare_id(value: object) -> str:
    """An arXiv id (`2503.02130`, `astro-ph/0601001`) without version; empty if it is none.

    Ids are texts: a number has lost its zeros (`2503.0213`) and cannot be trusted.
    """
    match = _ID.fullmatch(value.strip()) if isinstance(value, str) else None
    return match[1] if match else ""


def thumbnail_of(paper_id: str, *candidates: object) -> str:
    """The picture of a paper: one of the candidates if it is an image of the site, else the usual one.

    The site draws one for each of its papers; a picture from elsewhere could be a tracking pixel.
    """
    for url in map(as_text, candidates):
        if _PICTURE_HOST.match(url) and _IMAGE.search(url) and safe_url(url):
            return safe_url(url)
    return f"{_THUMBNAILS}{paper_id}.png"


def https_url(value: object) -> str:
    """The address if it is a safe one, as https, else nothing."""
    return safe_url(as_text(value))


def names_of(values: Iterable[object]) -> tuple[str, ...]:
    """Clean names, the empty ones left out."""
    return tuple(name for name in (clean_name(as_text(value)) for value in values) if name)


def entry_of(item: object, *, rank: int, day: date | None = None) -> Entry | None:
    """The entry an item stands for; `None` when it has no usable id or title.

    Args:
        item: a list item with its `paper` inside, or the flat paper of `/api/papers/{id}`.
        day: of the list, for items older than the field `submittedOnDailyAt` (March 2025).
    """
    outer = as_map(item)
    inner = as_map(outer.get("paper")) or outer
    paper = _paper(inner, outer, day)
    if paper is None:
        return None
    return Entry(
        paper=paper,
        rank=rank,
        upvotes=as_count(inner.get("upvotes")),
        comments=as_count(outer.get("numComments")),
        stars=as_count(inner.get("githubStars")),
        submitter=_submitter(inner, outer),
    )


def _paper(inner: Mapping[str, Any], outer: Mapping[str, Any], day: date | None) -> Paper | None:
    paper_id = bare_id(inner.get("id"))
    title = clean_text(first_text(inner.get("title"), outer.get("title")))
    if not (paper_id and title):
        return None
    return Paper(
        id=paper_id,
        title=title,
        abstract=clean_text(first_text(inner.get("summary"), outer.get("summary"))),
        summary=clean_text(as_text(inner.get("ai_summary"))),
        authors=_authors(inner),
        organization=_organization(inner, outer),
        keywords=tuple(filter(None, map(clean_text, _keywords(inner)))),
        url=f"{HOME}/papers/{paper_id}",
        pdf_url=f"https://arxiv.org/pdf/{paper_id}",
        code_url=https_url(inner.get("githubRepo")),
        thumbnail_url=thumbnail_of(paper_id, outer.get("thumbnail"), outer.get("mediaUrl")),
        published_on=as_day(inner.get("publishedAt")),
        listed_on=as_day(inner.get("submittedOnDailyAt")) or day,
    )


def _authors(inner: Mapping[str, Any]) -> tuple[str, ...]:
    people = [as_map(person) for person in as_list(inner.get("authors"))]
    return names_of(person.get("name") for person in people if person.get("hidden") is not True)


def _keywords(inner: Mapping[str, Any]) -> list[str]:
    return [as_text(word) for word in as_list(inner.get("ai_keywords"))]


def _organization(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> str:
    """The claim moved twice in autumn 2025: `submitterOrganization`, `organization`, inside the paper."""
    places = (
        outer.get("organization"),
        inner.get("organization"),
        outer.get("submitterOrganization"),
    )
    for place in map(as_map, places):
        name = clean_name(first_text(place.get("fullname"), place.get("name")))
        if name:
            return name
    return ""


def _submitter(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> str:
    """The account name, because it is what the cards show too: one person, one name on every tier."""
    for person in map(as_map, (outer.get("submittedBy"), inner.get("submittedOnDailyBy"))):
        name = clean_name(
            first_text(person.get("name"), person.get("user"), person.get("fullname"))
        )
        if name:
            return name
    return ""
