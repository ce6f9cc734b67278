"""JSON answers of the site."""

from __future__ import annotations

import json
from datetime import date

import pytest
import source_shapes as shapes

from newsletter.errors import SourceError
from newsletter.model import Tier
from newsletter.sources.api import parse_api


def test_a_day_is_a_list_in_the_order_of_the_answer():
    listing = parse_api(shapes.api_text(shapes.items(3)), day=date(2026, 4, 3))
    assert (listing.tier, listing.listed_on) == (Tier.API, date(2026, 4, 3))
    assert [paper.id for paper in listing.papers] == ["2604.00001", "2604.00002", "2604.00003"]


def test_past_the_end_there_is_an_empty_list():
    assert parse_api("[]").entries == ()


def test_a_search_answer_and_a_single_paper_are_lists_too():
    found = [{"title": "A", "paper": thing["paper"]} for thing in shapes.items(2)]
    assert len(parse_api(json.dumps(found)).entries) == 2
    single = shapes.item()["paper"] | {"linkedModels": [], "numTotalModels": 0}
    assert parse_api(json.dumps(single)).papers[0].authors == ("Ada Byron", "Emmy Noether")


def test_an_archive_file_with_python_literals_is_read():
    text = repr(shapes.items(2)) + "\n"
    with pytest.raises(ValueError, match="Expecting property name"):
        json.loads(text)
    assert len(parse_api(text).entries) == 2


def test_a_python_literal_is_never_executed(tmp_path):
    trap = tmp_path / "trap"
    with pytest.raises(SourceError):
        parse_api(f"[open({str(trap)!r}, 'w')]")
    assert not trap.exists()


def test_a_python_literal_with_odd_escapes_gives_no_warning():
    listing = parse_api("[{'paper': {'id': '2604.00001', 'title': 'A \\% B'}}]")
    assert listing.papers[0].title == "A % B"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html>", "not JSON"),
        ("[1, 2", "not JSON"),
        ("7", "no list of papers"),
        ("{}", "no list of papers"),
        ('{"error": "Invalid date"}', "the answer is an error: Invalid date"),
        ("[1, 2, 3]", "3 of 3 items"),
        ('[{"paper": {"id": 2503.0213, "title": "T"}}]', "1 of 1 items"),
    ],
)
def test_other_answers_are_refused_with_the_reason(text, words):
    with pytest.raises(SourceError, match="tier api") as caught:
        parse_api(text)
    assert words in caught.value.problem


def test_one_broken_item_of_many_is_left_out():
    things = [*shapes.items(5), {"paper": {"id": "2604.09999"}}]
    listing = parse_api(shapes.api_text(things))
    assert len(listing.entries) == 5
    assert listing.notes == ("1 of 6 items could not be used and were left out.",)
