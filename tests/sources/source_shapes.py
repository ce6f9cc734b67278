"""Synthetic answers of the sources, in the shapes measured on real ones."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

DAY = "2026-04-03"
THUMBNAIL = "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{}.png"
PROSE = "We study how small models plan. " * 15


def item(paper_id: str = "2604.00001", **changes: Any) -> dict[str, Any]:
    """A list item as the API gives it in 2026; keys of `changes` replace outer or inner values."""
    title = changes.pop("title", f"A Study of Planning, Part {paper_id}")
    inner = {
        "id": paper_id,
        "authors": [
            {"_id": "a1", "name": "Ada Byron", "hidden": False},
            {"_id": "a2", "name": "Hidden Person", "hidden": True},
            {"_id": "a3", "name": "Emmy Noether", "hidden": False, "user": {"user": "emmy"}},
        ],
        "publishedAt": "2026-04-01T17:59:49.000Z",
        "submittedOnDailyAt": f"{DAY}T00:00:00.000Z",
        "title": title,
        "summary": PROSE,
        "upvotes": 12,
        "discussionId": "d1",
        "githubRepo": "https://github.com/example/planning",
        "githubStars": 1923,
        "ai_summary": "Small models can plan.",
        "ai_keywords": ["planning", "small models"],
    }
    outer = {
        "paper": inner,
        "publishedAt": "2026-04-01T13:59:49.000Z",
        "title": title,
        "summary": PROSE,
        "thumbnail": THUMBNAIL.format(paper_id),
        "numComments": 3,
        "submittedBy": {"fullname": "Grace Hopper", "name": "grace", "type": "user"},
        "organization": {"_id": "o1", "name": "example-lab", "fullname": "Example Lab "},
        "isAuthorParticipating": False,
    }
    for key, value in changes.items():
        (inner if key in inner else outer)[key] = value
    return outer


def items(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [item(f"2604.{number:05d}", **changes) for number in range(1, count + 1)]


def without(thing: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The item with keys gone from both levels: missing means absent, never null."""
    inner = {key: value for key, value in thing["paper"].items() if key not in keys}
    return {key: value for key, value in thing.items() if key not in keys} | {"paper": inner}


def api_text(things: Iterable[object]) -> str:
    return json.dumps(list(things))


def day_props(things: Sequence[object], day: str = DAY, **changes: Any) -> dict[str, Any]:
    return {
        "canSubmit": False,
        "dateString": day,
        "dailyPapers": list(things),
        "prevDate": "2026-04-02",
        "nextDate": "2026-04-06",
        "publisher": {"_id": "p", "fullname": "AK", "user": "akhaliq", "type": "user"},
        "periodType": "day",
        "query": {},
        "isTrending": False,
        **changes,
    }


def trending_props(things: Sequence[object]) -> dict[str, Any]:
    """No day, no period, no neighbours."""
    return {"canSubmit": False, "dailyPapers": list(things), "query": {}, "isTrending": True}


def props_2024(things: Sequence[object], day: str = "2024-08-01") -> dict[str, Any]:
    return {
        "canSubmit": False,
        "date": f"{day}T00:00:00.000Z",
        "dailyPapers": list(things),
        "nextDate": "2024-08-02",
        "prevDate": "2024-07-31",
        "publisher": {},
    }


def embedded(props: object) -> str:
    """The attribute as the site writes it: `>` stays as it is."""
    raw = json.dumps(props, ensure_ascii=False)
    escaped = raw.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return (
        '<div class="SVELTE_HYDRATER contents" data-target="DailyPapers" '
        f'data-props="{escaped}"><!--[-->'
    )


def page(
    props: object | None, cards: Iterable[str] = (), *, address: str = f"papers/date/{DAY}"
) -> str:
    """A whole page; without props its cards stand in a bare `main`."""
    opening = embedded(props) if props is not None else "<div>"
    return (
        '<!doctype html><html class=""><head><meta charset="utf-8">'
        f'<meta property="og:url" content="https://huggingface.co/{address}">'
        "<title>Daily Papers - Hugging Face</title></head><body><main>"
        '<div class="SVELTE_HYDRATER contents" data-target="DailyPapersBannerSubscribe" '
        'data-props="{&quot;isLoggedIn&quot;:false}">'
        "<p>Get trending papers in your email inbox once a day!</p>"
        "<p>Get trending papers in your email inbox!</p></div>"
        f"{opening}{''.join(cards)}<!--]--></div></main></body></html>"
    )


def card(
    paper_id: str = "2604.00001",
    title: str = "",
    *,
    votes: str = "12",
    comments: str = "3",
    stars: str = "1.92k",
    submitter: str = "grace",
    organization: str = "Example Lab ",
) -> str:
    """A card of a day's page."""
    title = title or f"A Study of Planning, Part {paper_id}"
    badge = (
        '<div class="text-xs leading-none">Submitted by <div><img src="/avatars/x.svg">'
        f"</div><!----> {submitter}</div>"
    )
    lab = (
        '<a class="inline-flex rounded-full" href="/example-lab"><img alt="example-lab">'
        f'<span class="truncate">{organization}</span></a>'
    )
    people = (
        f'<a href="/papers/{paper_id}"><ul class="flex-row-reverse">'
        '<li title="emmy"></li><li title="Emmy Noether"></li><li title="Ada Byron"></li>'
        "<li>· 3 authors</li></ul></a>"
    )
    talk = f'<a href="/papers/{paper_id}#community"><svg></svg> {comments}</a>'
    badge_of_stars = f'<a class="flex" href="/papers/{paper_id}"><!----><span>{stars}</span></a>'
    return (
        '<article class="relative"><!--[-->'
        f'<a class="peer" href="/papers/{paper_id}">'
        f'<img src="{THUMBNAIL.format(paper_id)}"></a>{badge if submitter else ""}'
        f'<a href="/login?next=%2Fpapers%2F{paper_id}"><input type="checkbox">'
        f'<div class="leading-none">{votes}</div></a>'
        f'<h3><a href="/papers/{paper_id}">{html.escape(title)}</a></h3>'
        f"{lab if organization else people}{badge_of_stars if stars else ''}"
        f"{talk if comments else ''}</article>"
    )


def trending_card(
    paper_id: str = "2006.15704", *, votes: str = "117", text: str = PROSE, stars: str = "110k"
) -> str:
    """A card of the trending page: everything twice, no submitter, papers of any age."""
    half = (
        f'<div><h3><a href="/papers/{paper_id}">An Old Paper on Training {paper_id}</a></h3>'
        f'<div class="mb-2"><p>{html.escape(text)}</p></div>'
        "<span>Published on Jun 28, 2020</span>"
        f'<a href="/login?next=%2Fpapers%2F{paper_id}"><div>Upvote '
        f'<div class="font-semibold text-orange-500">{votes}</div></div></a>'
        '<a href="https://github.com/example/old"><span>GitHub</span>'
        f"<span><span>{stars}</span></span></a>"
        f'<a href="https://arxiv.org/abs/{paper_id}">arXiv Page</a></div>'
    )
    return f"<article>{half}{half}</article>"


CHALLENGE = (
    '<!DOCTYPE html><html lang="en"><head><title></title><script>window.gokuProps = {};</script>'
    '<script src="https://x.token.awswaf.com/x/challenge.js"></script></head><body>'
    '<div id="challenge-container"></div></body></html>'
)
LOGIN = (
    "<!doctype html><html><head><title>Hugging Face – Login</title></head><body>"
    '<form action="/login"><input name="username"><input type="password"></form></body></html>'
)


def rss(entries: Iterable[str], day: str = "Fri, 03 Apr 2026 00:00:00 -0400") -> str:
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>'
        f"<title>cs.CL updates on arXiv.org</title><pubDate>{day}</pubDate>"
        f"<skipDays><day>Sunday</day></skipDays>{''.join(entries)}</channel></rss>\n"
    )


def rss_item(paper_id: str = "2604.00001v1", *, kind: str = "new", title: str = "") -> str:
    return (
        f"<item><title>{html.escape(title or f'An Announced Paper {paper_id}')}</title>"
        f"<link>https://arxiv.org/abs/{paper_id.partition('v')[0]}</link>"
        f"<description>arXiv:{paper_id} Announce Type: {kind} \nAbstract: We read &lt;think&gt; "
        "tags and gain &lt;10% precision.</description>"
        f'<guid isPermaLink="false">oai:arXiv.org:{paper_id}</guid>'
        "<category>cs.CL</category><category>cs.LG</category>"
        "<pubDate>Fri, 03 Apr 2026 00:00:00 -0400</pubDate>"
        f"<arxiv:announce_type>{kind}</arxiv:announce_type>"
        "<dc:creator>Ada Byron, Emmy Noether (Göttingen, Erlangen)</dc:creator></item>"
    )


def atom(entries: Iterable[str]) -> str:
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<feed xmlns:arxiv="http://arxiv.org/schemas/atom" '
        'xmlns="http://www.w3.org/2005/Atom"><id>https://arxiv.org/api/x</id>'
        f"<updated>2026-04-03T04:00:00Z</updated>{''.join(entries)}</feed>\n"
    )


def atom_entry(place: str = "http://arxiv.org/abs/2604.00001v2", title: str = "A Paper") -> str:
    return (
        f"<entry><id>{place}</id><title>{title}</title><updated>2026-04-02T00:00:00Z</updated>"
        "<summary>  We hold\n  $x^2$. </summary>"
        '<category term="cs.LG"/><category term="cs.CL"/>'
        "<published>2026-04-01T17:59:49Z</published>"
        "<arxiv:comment>12 pages, code at https://github.com/example/code.</arxiv:comment>"
        '<arxiv:primary_category term="cs.CL"/>'
        "<author><name>Ada Byron</name></author><author><name>Emmy Noether</name></author></entry>"
    )


def dump_text(count: int = 4, *, banner: bool = True) -> str:
    head = [
        "new",
        "Get trending papers in your email inbox!",
        "Subscribe",
        "byAK and the research community",
        "Apr 3",
    ]
    pairs = [
        block
        for number in range(count)
        for block in (f"Paper Number {number}: On Planning", f"In work {number}, {PROSE.strip()}")
    ]
    return "\n\n".join([*(head if banner else []), *pairs])
