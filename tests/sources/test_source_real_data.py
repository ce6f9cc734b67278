"""The recorded pages, answers and feeds beside the checkout (skipped where they are absent)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from newsletter.errors import SourceError
from newsletter.model import Entry, Tier
from newsletter.sources.page import parse_cards, parse_embedded, parse_page
from newsletter.sources.recognise import read_content

DAILY_PAGES = ("daily_2024-08-01.html", "daily_2026-02-20.html", "daily_2026-03-17.html")


def abbreviated(stars: int | None) -> str | None:
    """As the cards print it: three significant digits from a thousand on."""
    return f"{stars:.3g}" if stars is not None and stars >= 1000 else str(stars)


def on_a_card(entry: Entry) -> tuple[object, ...]:
    """What cards and data must agree on; cards round the stars."""
    paper = entry.paper
    return (
        paper.id,
        paper.title,
        entry.upvotes,
        entry.comments,
        paper.thumbnail_url,
        entry.submitter,
        paper.organization,
        abbreviated(entry.stars),
        entry.rank,
        paper.url,
        paper.listed_on,
    )


@pytest.mark.parametrize("name", DAILY_PAGES)
def test_cards_and_embedded_data_agree_completely(shared_data: Path, name: str):
    html = (shared_data / "pages" / name).read_text()
    data, cards = parse_embedded(html), parse_cards(html)
    assert list(map(on_a_card, cards.entries)) == list(map(on_a_card, data.entries))
    assert data.listed_on == cards.listed_on
    assert str(data.listed_on) in name
    assert all(paper.abstract for paper in data.papers)


def test_the_trending_excerpt_is_read_both_ways(shared_data: Path):
    html = (shared_data / "pages" / "trending_2026-10_excerpt.html").read_text()
    assert parse_page(html).source == "trending"
    cards = parse_cards(html)
    assert [entry.upvotes for entry in cards.entries] == [117, 149, 13]
    assert [entry.stars for entry in cards.entries] == [131, 110_000, None]
    assert [entry.submitter for entry in cards.entries] == ["vvasilev", "", ""]
    assert all(paper.abstract or paper.summary for paper in cards.papers)


def test_every_item_of_every_api_answer_is_used(shared_data: Path):
    files = sorted((shared_data / "api").glob("*.json"))
    assert files
    for file in files:
        raw = json.loads(file.read_text())
        listing = read_content(file.read_bytes(), source=file.name)
        assert [paper.id for paper in listing.papers] == [thing["paper"]["id"] for thing in raw]
        assert [entry.upvotes for entry in listing.entries] == [
            thing["paper"]["upvotes"] for thing in raw
        ]
        assert all(paper.title and paper.abstract and paper.authors for paper in listing.papers)
        assert all(paper.published_on and paper.thumbnail_url for paper in listing.papers)
        assert listing.notes == ()


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("allnews_arxiv_weekend_empty.xml", 0),
        ("arxivpy_id_0000.0000_s0_m100_8b51d9633a68.xml", 0),
        ("arxivpy_id_0808.05394_1707.08567_s0_m100_42e5aa0ec3af.xml", 1),
        ("arxivpy_id_astro-ph_0601001_s0_m100_3150dca9dc76.xml", 1),
        ("arxivpy_q_testing_s0_m100_cfe7536492ca.xml", 100),
        ("sotawhat_arxiv_transformer.xml", 5),
    ],
)
def test_every_entry_of_every_feed_is_used(shared_data: Path, name: str, count: int):
    listing = read_content((shared_data / "feeds" / name).read_bytes(), source=name)
    assert (len(listing.entries), listing.tier, listing.notes) == (count, Tier.RSS, ())
    for paper in listing.papers:
        assert paper.abstract
        assert paper.authors
        assert paper.categories
        assert paper.published_on


def test_the_error_answer_of_arxiv_is_an_error(shared_data: Path):
    file = shared_data / "feeds" / "arxivpy_id_abc_s0_m100_b79c8dcf6bc3.xml"
    with pytest.raises(SourceError, match="incorrect id format for abc"):
        read_content(file.read_bytes(), source="feed")


def test_the_seed_gives_111_papers(shared_data: Path, root: Path):
    data = (shared_data / "seed" / "trending_page.txt").read_bytes()
    listing = read_content(data, source="seed")
    assert (len(listing.entries), listing.tier, listing.notes) == (111, Tier.DUMP, ())
    assert len({paper.id for paper in listing.papers}) == 111
    assert listing.papers[0].title.startswith("VisRAG: ")
    assert listing.papers[-1].title.startswith("VILA")
    assert all(len(paper.abstract) > 1000 for paper in listing.papers)
    assert not any("workers.dev" in paper.abstract for paper in listing.papers)
    demo = read_content((root / "config/demo/trending_page.txt").read_bytes(), source="seed")
    assert demo == listing
