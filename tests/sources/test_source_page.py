"""Pages: embedded data first, cards second."""

from __future__ import annotations

from datetime import date

import pytest
import source_shapes as shapes

from newsletter.errors import SourceError
from newsletter.model import Tier
from newsletter.sources.cards import count_of
from newsletter.sources.page import parse_cards, parse_embedded, parse_page

DAY = date(2026, 4, 3)


def test_a_day_page_of_2026_is_read_from_its_embedded_data():
    listing = parse_page(shapes.page(shapes.day_props(shapes.items(3)), [shapes.card()]))
    assert (listing.tier, listing.listed_on, listing.source) == (
        Tier.PAGE_JSON,
        DAY,
        "daily:2026-04-03",
    )
    assert len(listing.entries) == 3
    assert listing.notes == ()


def test_a_page_of_2024_tells_its_day_as_date():
    old = [shapes.without(thing, "submittedOnDailyAt") for thing in shapes.items(2)]
    listing = parse_page(shapes.page(shapes.props_2024(old)))
    assert listing.listed_on == date(2024, 8, 1)
    assert {paper.listed_on for paper in listing.papers} == {date(2024, 8, 1)}


def test_the_trending_page_has_no_day_and_old_papers_without_submitter():
    old = shapes.without(shapes.item("2006.15704"), "submittedBy", "submittedOnDailyAt")
    listing = parse_page(shapes.page(shapes.trending_props([old])))
    assert (listing.source, listing.listed_on) == ("trending", None)
    assert listing.entries[0].submitter == ""
    assert listing.papers[0].listed_on is None


@pytest.mark.parametrize("period", ["week", "month"])
def test_a_week_or_month_is_no_day_and_says_so(period):
    props = shapes.day_props(shapes.items(2), day="2026-W14", periodType=period)
    listing = parse_page(shapes.page(props))
    assert listing.listed_on is None
    assert listing.notes == (f"The page lists a {period}, not a day.",)


def test_the_search_view_and_the_page_of_one_paper_are_read_too():
    found = [{"title": "A", "paper": shapes.item()["paper"]}]
    search = {"searchResults": found, "dailyPapers": [], "query": {"q": "planning"}}
    assert len(parse_page(shapes.page(search)).entries) == 1
    single = shapes.page({"paper": shapes.item()["paper"], "upvoters": []})
    single = single.replace('data-target="DailyPapers"', 'data-target="PaperContent"')
    assert parse_page(single).papers[0].id == "2604.00001"


def test_marks_inside_the_data_survive_the_attribute():
    title = 'Is A > B & "C" <D>?'
    listing = parse_embedded(shapes.page(shapes.day_props([shapes.item(title=title)])))
    assert listing.papers[0].title.replace("“", '"').replace("”", '"') == title


def test_other_quoting_of_the_attributes_is_understood():
    html = (
        '<div data-props=\'{"dailyPapers": [], "dateString": "2026-04-03"}\' '
        "class=x data-target=DailyPapers></div>"
    )
    assert parse_embedded(html).listed_on == DAY


@pytest.mark.parametrize(
    "damage",
    [
        lambda html: html.replace("&quot;dailyPapers&quot;", "&quot;papers2&quot;"),
        lambda html: html.replace("data-props", "data-other"),
        lambda html: html.replace("&quot;canSubmit&quot;:", "&quot;"),
        lambda html: html.replace("&quot;id&quot;", "&quot;number&quot;"),
    ],
    ids=["renamed list", "no attribute", "broken JSON", "renamed id"],
)
def test_when_the_data_cannot_be_used_the_cards_are_and_a_note_says_why(damage):
    cards = [shapes.card("2604.00001"), shapes.card("2604.00002")]
    listing = parse_page(damage(shapes.page(shapes.day_props(shapes.items(2)), cards)))
    assert (listing.tier, len(listing.entries)) == (Tier.PAGE_CARDS, 2)
    assert listing.listed_on == DAY
    assert listing.notes[0].startswith("Tier page-json failed (")


def test_an_empty_day_is_an_honest_empty_list():
    listing = parse_page(shapes.page(shapes.day_props([])))
    assert (listing.entries, listing.tier) == ((), Tier.PAGE_JSON)


def test_empty_data_beside_full_cards_are_not_believed():
    listing = parse_page(shapes.page(shapes.day_props([]), [shapes.card()]))
    assert len(listing.entries) == 1
    assert "empty although the page has cards" in listing.notes[0]


def test_a_daily_card_tells_everything_it_shows():
    found = parse_cards(shapes.page(None, [shapes.card(title="A < B")])).entries[0]
    assert (found.paper.id, found.paper.title) == ("2604.00001", "A < B")
    assert (found.upvotes, found.comments, found.stars) == (12, 3, 1920)
    assert (found.submitter, found.paper.organization) == ("grace", "Example Lab")
    assert found.paper.thumbnail_url == shapes.THUMBNAIL.format("2604.00001")
    assert (found.paper.abstract, found.paper.authors) == ("", ())


def test_a_card_agrees_with_its_data():
    html = shapes.page(shapes.day_props([shapes.item()]), [shapes.card()])
    data, card = parse_embedded(html).entries[0], parse_cards(html).entries[0]
    for name in ("id", "title", "thumbnail_url", "organization", "url", "listed_on"):
        assert getattr(card.paper, name) == getattr(data.paper, name)
    assert (card.upvotes, card.comments, card.submitter) == (12, 3, "grace")


def test_zero_votes_are_printed_as_a_dash_and_zero_comments_not_at_all():
    card = shapes.card(votes="-", comments="", stars="", submitter="")
    found = parse_cards(shapes.page(None, [card])).entries[0]
    assert (found.upvotes, found.comments, found.stars, found.submitter) == (0, 0, None, "")


def test_authors_stand_in_reverse_and_account_names_are_no_names():
    found = parse_cards(shapes.page(None, [shapes.card(organization="")])).entries[0]
    assert found.paper.authors == ("Ada Byron", "Emmy Noether")


def test_a_trending_card_is_rendered_twice_but_is_one_paper():
    cards = [shapes.trending_card(), shapes.trending_card("2604.00002", text="Short sentence.")]
    listing = parse_cards(shapes.page(None, cards, address="papers/trending"))
    first, second = listing.entries
    assert (first.upvotes, first.stars, first.comments) == (117, 110_000, None)
    assert first.paper.abstract == shapes.PROSE.strip()
    assert first.paper.published_on == date(2020, 6, 28)
    assert first.paper.code_url == "https://github.com/example/old"
    assert (second.paper.abstract, second.paper.summary) == ("", "Short sentence.")
    assert listing.listed_on is None


def test_a_card_without_title_is_dropped_and_counted():
    cards = [shapes.card(f"2604.0000{number}") for number in range(5)]
    listing = parse_cards(shapes.page(None, [*cards, "<article>advert</article>"]))
    assert len(listing.entries) == 5
    assert listing.notes == ("1 of 6 items could not be used and were left out.",)


def test_a_reader_who_is_logged_in_sees_the_votes_without_a_link():
    card = shapes.card().replace("/login?next=", "/vote/")
    assert parse_cards(shapes.page(None, [card])).entries[0].upvotes == 12


def test_the_time_element_tells_the_day_of_a_page_of_2024():
    html = shapes.page(None, [shapes.card()], address="papers").replace(
        "<main>", '<main><time datetime="2024-08-01T00:00:00.000Z"></time>'
    )
    assert parse_cards(html).listed_on == date(2024, 8, 1)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("94", 94),
        ("1,234", 1234),
        ("1.92k", 1920),
        ("110k", 110_000),
        ("1.5M", 1_500_000),
        ("-", 0),
        ("", None),
        ("many", None),
        ("1" * 40, None),
    ],
)
def test_abbreviated_counts_are_numbers(text, count):
    assert count_of(text) == count


@pytest.mark.parametrize(
    ("html", "words"),
    [
        (shapes.CHALLENGE, "a challenge page for browsers"),
        (shapes.LOGIN, "an HTML login page"),
        ("", "an empty document"),
        ("  \n", "an empty document"),
        ("<html><title>Other</title></html>", "an HTML page titled “Other”"),
        ("<html><p>x</p></html>", "an HTML page without papers"),
        ("just words", "plain text"),
        (shapes.page(None), "an HTML page titled “Daily Papers - Hugging Face”"),
    ],
)
def test_a_page_without_papers_is_named_for_what_it_is(html, words):
    for parse in (parse_page, parse_cards):
        with pytest.raises(SourceError) as caught:
            parse(html)
        assert words in str(caught.value)
        assert caught.value.tier


def test_an_ordinary_page_that_loads_the_challenge_script_is_no_challenge():
    html = shapes.page(None).replace("</head>", '<script src="/x/challenge.js"></script></head>')
    with pytest.raises(SourceError, match="titled “Daily Papers"):
        parse_page(html)
