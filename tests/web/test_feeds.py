"""Feeds: valid Atom and JSON Feed, whatever a title holds, and nothing sent twice."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from xml.etree import ElementTree

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_world import HOME, Site

from newsletter.model import Paper, Publication
from newsletter.web import feeds

ATOM = "{http://www.w3.org/2005/Atom}"
AT = datetime(2026, 4, 3, 12, 0, 0, 500, tzinfo=UTC)
US = Publication(
    name="Trending & more",
    base_url=HOME,
    from_name="x",
    from_address="a@b.example",
    reply_to="a@b.example",
    list_id="digest.papers.example",
    sender_id="papers",
    postal_address="1 Street",
    tagline="<b>few</b>",
)


def made(*papers: Paper) -> feeds.Feed:
    return feeds.feed(
        US,
        papers,
        what="archive",
        title="all papers",
        home="/archive",
        itself="/archive/feed",
        changed_at=AT,
    )


def test_atom_feed_is_understood_by_a_reader(shown):
    answer = shown.client.get("/archive/feed.atom")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    read = feedparser.parse(answer.content)
    assert not read.bozo
    assert len(read.entries) == 12
    first = read.entries[0]
    assert first.title == "Quantization of language models to four bits"
    assert first.link == "https://huggingface.co/papers/2604.00001"
    assert first.authors[0].name == "Ada Byron"
    assert first.updated == "2026-04-03T00:00:00+00:00"
    assert {link.rel for link in read.feed.links} == {"alternate", "self"}


def test_json_feed_says_the_same(shown):
    answer = shown.client.get("/archive/feed.json")
    assert answer.headers["content-type"] == "application/feed+json; charset=utf-8"
    feed = json.loads(answer.content)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == f"{HOME}/archive/feed.json"
    atom = feedparser.parse(shown.client.get("/archive/feed.atom").content)
    assert [item["id"] for item in feed["items"]] == [entry.id for entry in atom.entries]
    assert [item["title"] for item in feed["items"]] == [entry.title for entry in atom.entries]
    assert all(item["content_text"] for item in feed["items"])


def test_feed_of_a_topic_holds_its_papers(shown):
    feed = json.loads(shown.client.get("/topics/efficient-inference/feed.json").content)
    titles = [item["title"] for item in feed["items"]]
    assert "KV cache compression for long contexts" in titles
    assert "Protein folding in water" not in titles


def test_ids_stay_when_our_address_changes():
    paper = Paper(id="2604.00001", title="One")
    assert made(paper).entries[0].id == "tag:digest.papers.example,2026:paper/2604.00001"


@pytest.mark.parametrize("form", ["atom", "json"])
def test_reader_who_has_it_is_told_so(shown, form):
    path = f"/archive/feed.{form}"
    first = shown.client.get(path)
    tag, since = first.headers["etag"], first.headers["last-modified"]
    for asked in (
        {"if-none-match": tag},
        {"if-none-match": f'W/"old", W/{tag}'},
        {"if-none-match": "*"},
        {"if-modified-since": since},
    ):
        again = shown.client.get(path, headers=asked)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag


@pytest.mark.parametrize(
    "asked",
    [
        {"if-none-match": '"other"'},
        {"if-none-match": '"other"', "if-modified-since": format_datetime(AT, usegmt=True)},
        {"if-modified-since": "Mon, 01 Jan 2024 00:00:00 GMT"},
        {"if-modified-since": "yesterday"},
        {"if-modified-since": "Mon, 99999999999999999999 Jan 2024 00:00:00 GMT"},
        {"if-modified-since": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"},
        {"if-modified-since": ""},
    ],
)
def test_reader_who_has_another_one_gets_it(shown, asked):
    answer = shown.client.get("/archive/feed.atom", headers=asked)
    assert answer.status_code == 200
    assert answer.content.startswith(b"<?xml")


def test_same_feed_has_the_same_tag_and_head_sends_no_body(shown):
    first, second = (shown.client.get("/archive/feed.atom") for _ in range(2))
    assert first.headers["etag"] == second.headers["etag"]
    head = shown.client.head("/archive/feed.atom")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == first.headers["etag"]


def test_date_without_zone_counts_as_utc():
    body = feeds.atom(made())
    for text, status in (
        ("Fri, 03 Apr 2026 12:00:00 -0000", 304),
        ("Fri, 03 Apr 2026 11:59:59", 200),
    ):
        answer = feeds.answer({"if-modified-since": text}, body, feeds.ATOM, AT)
        assert answer.status_code == status


@pytest.mark.parametrize(
    "path", ["/archive/feed.xml", "/archive/feed.", "/topics/reasoning/feed.rss"]
)
def test_other_forms_are_404(shown, path):
    assert shown.client.get(path).status_code == 404


NASTY = (
    "<script>alert(1)</script>",
    "]]> <![CDATA[ & &amp; &lt;",
    "control \x00\x01\x08\x0b\x1f\x7f\x85\u2028 end",
    "lone \ud83d surrogate \udc4d",
    "not for XML: \ufffe \uffff",
    "emoji 👩‍🔬 and \U0001f9ea",
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
)


@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_text_survives_as_text(nasty):
    paper = Paper(
        id="2604.00001",
        title=nasty,
        abstract=nasty,
        authors=(nasty,),
        keywords=(nasty,),
        url="https://x.example/1",
        listed_on=date(2026, 4, 3),
    )
    root = ElementTree.fromstring(feeds.atom(made(paper)))
    (entry,) = root.iter(f"{ATOM}entry")
    assert not list(entry.find(f"{ATOM}title"))  # no element came out of the text
    assert entry.find(f"{ATOM}title").get("type", "text") == "text"
    (item,) = json.loads(feeds.json_feed(made(paper)))["items"]
    assert item["title"] == entry.find(f"{ATOM}title").text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", item["title"])


WILD = st.text(st.characters(), max_size=40)  # lone surrogates too


@given(
    title=WILD, abstract=WILD, names=st.lists(WILD, max_size=3), words=st.lists(WILD, max_size=3)
)
def test_any_text_makes_a_feed_that_can_be_read(title, abstract, names, words):
    paper = Paper(
        id="2604.00001",
        title=title,
        abstract=abstract,
        authors=tuple(names),
        keywords=tuple(words),
        url=title,
    )
    (entry,) = ElementTree.fromstring(feeds.atom(made(paper))).iter(f"{ATOM}entry")
    (item,) = json.loads(feeds.json_feed(made(paper)))["items"]
    assert entry.find(f"{ATOM}title").text.split() == item["title"].split()
    assert item["title"]
    assert item["url"].startswith("https://")


def test_paper_without_an_address_leads_to_the_archive():
    paper = Paper(id="t:abc", title="One", url="javascript:alert(1)")
    assert made(paper).entries[0].url == f"{HOME}/archive"


def test_feed_holds_the_newest_sixty(tmp_path, monkeypatch):
    from test_archive_pages import listed, paper

    monkeypatch.setattr(Site, "stock", lambda self: None)
    web = Site(tmp_path)
    for back in range(3):
        day = date(2026, 4, 3) - timedelta(days=back)
        listed(web, day, *(paper(100 * back + n, day) for n in range(25)))
    items = json.loads(web.client.get("/archive/feed.json").content)["items"]
    assert len(items) == 60
    dates = [item["date_published"] for item in items]
    assert dates == sorted(dates, reverse=True)
    web.close()
