"""arXiv feeds."""

from __future__ import annotations

from datetime import date

import pytest
import source_shapes as shapes

from newsletter.errors import SourceError
from newsletter.model import Tier
from newsletter.sources.arxiv import parse_feed

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><rss><channel><title>&i;</title></channel></rss>"
)


def test_an_announcement_becomes_a_list_of_its_day():
    listing = parse_feed(shapes.rss([shapes.rss_item("2604.00001v1")]), source="arxiv:cs.CL")
    assert (listing.tier, listing.listed_on) == (Tier.RSS, date(2026, 4, 3))
    paper = listing.papers[0]
    assert paper.id == "2604.00001"
    assert paper.abstract == "We read <think> tags and gain <10% precision."
    assert paper.authors == ("Ada Byron", "Emmy Noether")
    assert paper.categories == ("cs.CL", "cs.LG")
    assert paper.url == "https://arxiv.org/abs/2604.00001"
    assert paper.published_on == date(2026, 4, 3)
    assert (paper.thumbnail_url, listing.entries[0].upvotes) == ("", None)


def test_new_and_cross_listed_papers_stay_and_replaced_ones_go():
    kinds = ["new", "cross", "replace", "replace-cross"]
    entries = [shapes.rss_item(f"2604.0000{n}v1", kind=kind) for n, kind in enumerate(kinds)]
    listing = parse_feed(shapes.rss(entries))
    assert [paper.id for paper in listing.papers] == ["2604.00000", "2604.00001"]
    assert listing.papers[1].published_on is None
    assert listing.notes == ()


def test_an_answer_of_the_api_is_read_with_the_primary_category_first():
    paper = parse_feed(shapes.atom([shapes.atom_entry()])).papers[0]
    assert paper.id == "2604.00001"
    assert paper.categories == ("cs.CL", "cs.LG")
    assert paper.authors == ("Ada Byron", "Emmy Noether")
    assert paper.code_url == "https://github.com/example/code"
    assert (paper.published_on, paper.listed_on) == (date(2026, 4, 1), None)


def test_the_announcement_as_atom_has_a_day_and_drops_replaced_papers():
    kinds = [
        shapes.atom_entry(f"oai:arXiv.org:2604.0000{n}v2").replace(
            "</entry>", f"<arxiv:announce_type>{kind}</arxiv:announce_type></entry>"
        )
        for n, kind in enumerate(["new", "replace"])
    ]
    listing = parse_feed(shapes.atom(kinds))
    assert [paper.id for paper in listing.papers] == ["2604.00000"]
    assert listing.listed_on == date(2026, 4, 3)


def test_ids_of_the_old_style_are_valid():
    place = "http://arxiv.org/abs/astro-ph/0601001v1"
    assert parse_feed(shapes.atom([shapes.atom_entry(place)])).papers[0].id == "astro-ph/0601001"


def test_the_weekend_feed_is_an_honest_empty_list():
    assert parse_feed(shapes.rss([])).entries == ()


def test_the_error_entry_of_the_api_is_an_error():
    answer = shapes.atom([shapes.atom_entry("https://arxiv.org/api/errors#x", "Error")])
    with pytest.raises(SourceError, match="arXiv answers: We hold"):
        parse_feed(answer)


def test_a_paper_may_be_titled_error():
    assert parse_feed(shapes.atom([shapes.atom_entry(title="Error")])).papers[0].title == "Error"


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("", "empty"),
        (shapes.rss([shapes.rss_item()])[:-30], "cut off"),
        ("<other></rss>", "neither RSS nor Atom"),
        (BOMB, "declares entities"),
        (shapes.rss(["<item><title>x</title></item>"]), "1 of 1 items"),
    ],
)
def test_what_is_no_sound_feed_is_refused(xml, words):
    with pytest.raises(SourceError, match="tier rss") as caught:
        parse_feed(xml)
    assert words in caught.value.problem


def test_one_stray_control_character_does_not_cost_the_feed():
    entries = [shapes.rss_item("2604.00001v1", title="Control \x0c here")]
    assert len(parse_feed(shapes.rss(entries)).entries) == 1
