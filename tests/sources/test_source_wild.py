"""Whatever the world sends ends in a list or in one clear `SourceError`, never in anything else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import source_shapes as shapes
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import SourceError
from newsletter.model import Listing
from newsletter.sources.api import parse_api
from newsletter.sources.arxiv import parse_feed
from newsletter.sources.dump import parse_dump
from newsletter.sources.lines import lines_of, parse_lines
from newsletter.sources.page import parse_cards, parse_embedded, parse_page
from newsletter.sources.recognise import read_content

FEED = shapes.rss([shapes.rss_item(f"2604.{number:05d}v1") for number in range(6)])
ATOM = shapes.atom([shapes.atom_entry(f"http://arxiv.org/abs/2604.{n:05d}v1") for n in range(4)])
PAGE = shapes.page(shapes.day_props(shapes.items(3)), [shapes.card(), shapes.trending_card()])
CARDS = shapes.page(None, [shapes.card(), shapes.trending_card()])
API = shapes.api_text(shapes.items(3))
DUMP = shapes.dump_text()
LINES = lines_of(parse_api(API))
DOCUMENTS = [FEED, ATOM, PAGE, CARDS, API, DUMP, LINES]
PARSERS: list[Callable[[str], Listing]] = [
    parse_page,
    parse_embedded,
    parse_cards,
    parse_api,
    parse_feed,
    parse_dump,
    parse_lines,
]

wild_text = st.text(alphabet=st.characters(exclude_categories=()), max_size=200)
snippets = st.sampled_from(
    [
        "<",
        ">",
        '"',
        "&quot;",
        "\x00",
        "\ud800",
        "]]>",
        "<!--",
        "NaN",
        "1e999",
        "[" * 50,
        "é",
        "\n\n",
    ]
)
wild_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | wild_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A real shape, cut off, with pieces taken out and others put in."""
    text = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        end = at + draw(st.integers(0, 60))
        text = text[:at] + draw(snippets | wild_text) + text[end:]
    return text[: draw(st.integers(0, len(text)) | st.just(len(text)))]


def outcome_of(parse: Callable[[str], Listing], text: str) -> Listing | SourceError:
    try:
        return parse(text)
    except SourceError as error:
        return error


def ends_well(parse: Callable[[str], Listing], text: str) -> None:
    outcome = outcome_of(parse, text)
    if isinstance(outcome, Listing):
        assert_sound(outcome)
    else:
        assert outcome.problem
        assert outcome.tier
        str(outcome).encode()


def any_bytes_end_well(data: bytes) -> None:
    outcome = outcome_of(lambda _: read_content(data, source="here"), "")
    assert outcome.source == "here"
    if isinstance(outcome, Listing):
        assert_sound(outcome)
    else:
        assert outcome.problem


def assert_sound(listing: Listing) -> None:
    """What the other rooms rely on."""
    assert [entry.rank for entry in listing.entries] == list(range(1, len(listing.entries) + 1))
    assert len({paper.id for paper in listing.papers}) == len(listing.entries)
    for entry in listing.entries:
        lines_of(listing).encode()
        assert re.fullmatch(r"\d{4}\.\d{4,5}|[A-Za-z.-]+/\d{7}|t:[0-9a-f]{16}", entry.paper.id)
        assert entry.paper.title
        for count in (entry.upvotes, entry.comments, entry.stars):
            assert count is None or 0 <= count < 2**31


@given(text=damaged())
@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
def test_a_damaged_document_is_a_list_or_a_source_error_with_its_tier(parse, text):
    ends_well(parse, text)


@given(data=st.binary(max_size=400) | damaged().map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_list_or_a_source_error_that_names_the_source(data):
    any_bytes_end_well(data)


@given(values=st.dictionaries(st.sampled_from(sorted(shapes.item()["paper"])), wild_json))
def test_wrong_types_inside_a_paper_never_crash(values):
    things = [*shapes.items(4), {**shapes.item(), "paper": {"id": "2604.09999", **values}}]
    ends_well(parse_api, json.dumps(things))
    ends_well(parse_embedded, shapes.page(shapes.day_props(things)))


@given(values=st.dictionaries(st.sampled_from(sorted(shapes.item())), wild_json))
def test_wrong_types_around_a_paper_never_crash(values):
    ends_well(parse_api, json.dumps([*shapes.items(4), {**shapes.item("2604.09999"), **values}]))


@given(props=wild_json | st.dictionaries(st.sampled_from(sorted(shapes.day_props([]))), wild_json))
def test_wrong_types_around_the_list_never_crash(props):
    ends_well(parse_page, shapes.page(props, [shapes.card()]))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 100_000 + "]" * 100_000,
        "-" * 100_000 + "1",
        '[{"paper": {"id": "2604.00001", "title": "T", "upvotes": ' + "9" * 10_000 + "}}]",
        "<div>" * 4_000,
        "<a><b>" * 4_000,
        "<rss><channel>" + "<item>" * 4_000 + "</rss>",
        "<!--" * 10_000,
        'data-target="DailyPapers" ' * 4_000,
        "\x00" * 100,
        "\ud800\udfff",
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
def test_depth_size_and_strange_characters_are_refused_calmly(parse, text):
    ends_well(parse, text)
    any_bytes_end_well(text.encode("utf-8", "surrogatepass"))
