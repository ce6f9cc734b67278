"""Bytes are recognised by what they hold."""

from __future__ import annotations

import json

import pytest
import source_shapes as shapes

from newsletter.errors import SourceError
from newsletter.model import Tier
from newsletter.sources.api import parse_api
from newsletter.sources.arxiv import parse_feed
from newsletter.sources.lines import line_of, lines_of, parse_lines
from newsletter.sources.recognise import read_content

API = shapes.api_text(shapes.items(3))
PAGE = shapes.page(shapes.day_props(shapes.items(3)))


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        (API, Tier.API),
        (repr(shapes.items(2)), Tier.API),
        (json.dumps(shapes.item()["paper"]), Tier.API),
        (json.dumps(shapes.day_props(shapes.items(2))), Tier.API),
        (PAGE, Tier.PAGE_JSON),
        ('<?xml version="1.0"?>' + PAGE, Tier.PAGE_JSON),
        (PAGE[PAGE.index("<main>") :], Tier.PAGE_JSON),
        ("x" + PAGE[PAGE.index("<main>") :], Tier.PAGE_JSON),
        (shapes.page(None, [shapes.card()]), Tier.PAGE_CARDS),
        (shapes.rss([shapes.rss_item()]), Tier.RSS),
        (shapes.atom([shapes.atom_entry()]), Tier.RSS),
        (shapes.dump_text(), Tier.DUMP),
        (lines_of(parse_api(API)), Tier.API),
    ],
)
def test_each_kind_of_document_is_recognised(text, tier):
    listing = read_content(text.encode(), source="here")
    assert (listing.tier, listing.source) == (tier, "here")
    assert listing.entries


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + API.encode(),
        API.encode("utf-16"),
        b"\n\n  " + API.encode(),
    ],
)
def test_byte_order_marks_and_leading_blanks_do_not_matter(data):
    assert len(read_content(data, source="here").entries) == 3


def test_a_declared_charset_is_believed_if_it_is_a_usual_one():
    text = shapes.dump_text().replace("Planning", "Réseaux")
    latin = read_content(
        text.encode("latin-1"), source="x", content_type="text/plain; charset=ISO-8859-1"
    )
    assert "Réseaux" in latin.papers[0].title
    odd = read_content(text.encode(), source="x", content_type="text/plain; charset=rot13")
    assert odd.papers == latin.papers
    feed = shapes.rss([shapes.rss_item(title="Réseaux")]).replace("UTF-8", "ISO-8859-1")
    assert read_content(feed.encode("latin-1"), source="x").papers[0].title == "Réseaux"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b" \n\t", "it is empty"),
        (b"\x00\x01\x02binary", "binary data"),
        (bytes(range(128, 256)) * 4, "binary data"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x1f\x8b\x08", "gzip data (unpack the file first)"),
        (shapes.LOGIN.encode(), "an HTML login page"),
        (shapes.CHALLENGE.encode(), "a challenge page for browsers"),
        (b"hello world", "plain text"),
        (b'{"a": 1}', "no list of papers"),
        (b"<note>x</note>", "an HTML page without papers"),
    ],
)
def test_what_holds_no_list_is_named(data, words):
    with pytest.raises(SourceError) as caught:
        read_content(data, source="here")
    assert words in str(caught.value)
    assert str(caught.value).startswith("here")


@pytest.mark.parametrize(
    "listing",
    [parse_api(API), parse_feed(shapes.rss([shapes.rss_item(title="Odd \u2028 – “title”")]))],
    ids=["api", "rss"],
)
def test_our_own_lines_come_back_exactly(listing):
    again = parse_lines(lines_of(listing))
    assert (again.entries, again.tier) == (listing.entries, listing.tier)
    assert again.listed_on == listing.papers[0].listed_on


def test_broken_lines_are_counted_like_broken_items():
    text = lines_of(parse_api(shapes.api_text(shapes.items(9)))) + "{broken\n"
    assert parse_lines(text).notes == ("1 of 10 items could not be used and were left out.",)
    with pytest.raises(SourceError, match="no line is a record"):
        parse_lines("\n\n")


def test_a_line_holds_the_paper_and_what_the_list_says():
    listing = parse_api(API)
    record = json.loads(line_of(listing.entries[0], listing.tier))
    assert record["tier"] == "api"
    assert (record["rank"], record["upvotes"], record["submitter"]) == (1, 12, "grace")
    assert record["listed_on"] == "2026-04-03"
