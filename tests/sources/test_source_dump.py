"""The page as plain text."""

from __future__ import annotations

import pytest
import source_shapes as shapes

from newsletter.errors import SourceError
from newsletter.model import Tier, id_from_title
from newsletter.sources.dump import parse_dump


def test_titles_and_abstracts_in_turn_become_papers_without_votes():
    listing = parse_dump(shapes.dump_text(4))
    assert (listing.tier, len(listing.entries)) == (Tier.DUMP, 4)
    first = listing.entries[0]
    assert first.paper.title == "Paper Number 0: On Planning"
    assert first.paper.id == id_from_title(first.paper.title)
    assert first.paper.url == ("https://huggingface.co/papers?q=Paper+Number+0%3A+On+Planning")
    assert (first.upvotes, first.paper.listed_on) == (None, None)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.replace(". We", ".\nWe"),
        lambda text: text.replace("\n\n", "\n \n\n"),
        lambda text: text.replace(
            "Subscribe", "Subscribe\n\nGet trending papers in your email inbox once a day!"
        ),
        lambda text: text.replace("Apr 3", "Daily Papers\n\nby AK and the research community"),
        lambda text: text + "\n\n",
    ],
    ids=["CRLF", "no blank lines", "wrapped", "wide gaps", "two banners", "spaced", "end"],
)
def test_other_ways_to_copy_the_page_give_the_same(change):
    assert parse_dump(change(shapes.dump_text(4))).papers == parse_dump(shapes.dump_text(4)).papers


def test_one_stray_line_costs_nothing_else():
    blocks = shapes.dump_text(6).split("\n\n")
    blocks.insert(9, "Load more")
    listing = parse_dump("\n\n".join(blocks))
    assert len(listing.entries) == 6
    assert listing.notes == ("1 of 7 items could not be used and were left out.",)


def test_a_missing_abstract_costs_one_paper():
    blocks = shapes.dump_text(6).split("\n\n")
    del blocks[8]
    assert [paper.title[13] for paper in parse_dump("\n\n".join(blocks)).papers] == list("02345")


def test_without_a_banner_several_real_abstracts_are_needed():
    assert len(parse_dump(shapes.dump_text(3, banner=False)).entries) == 3
    with pytest.raises(SourceError, match="no titles and abstracts in turn"):
        parse_dump("Dear Ada,\n\nthank you for your letter about engines.")


@pytest.mark.parametrize("text", ["", "word", "a\n\nb\n\nc", "new\n\nSubscribe"])
def test_other_text_is_refused(text):
    with pytest.raises(SourceError, match="tier dump"):
        parse_dump(text)
