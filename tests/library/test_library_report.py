"""What becomes of a reading list: known papers, titles, ids, repetitions, and the report of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import pytest
from blank_store import blank_store

from newsletter.library import Item, Library, Rejected, match, read_library
from newsletter.model import Entry, Listing, Paper, Tier, id_from_title
from newsletter.store import open_store

KNOWN = Paper(id="2503.02130", title="Sparse Attention")
HASHED = Paper(id=id_from_title("Robots that Ask"), title="Robots that Ask")


@pytest.fixture
def store(tmp_path):
    opened = open_store(blank_store(tmp_path / "n.db"))
    entries = tuple(Entry(paper=paper, rank=1) for paper in (KNOWN, HASHED))
    opened.record(
        Listing(source="list", tier=Tier.API, entries=entries), datetime(2026, 4, 3, tzinfo=UTC)
    )
    yield opened
    opened.close()


def library(*items: Item, rejected: Collection[Rejected] = ()) -> Library:
    return Library(kind="BibTeX", items=items, rejected=tuple(rejected))


def test_a_known_paper_is_liked_by_its_id_however_it_is_named(store):
    for item in (
        Item(arxiv_id="2503.02130"),
        Item(title="SPARSE: attention!"),
        Item(title="Another title", arxiv_id="2503.02130"),
        Item(title="Sparse Attention", arxiv_id="2401.00001"),
    ):
        report = match(library(item), store.find_papers)
        assert (report.liked, report.matched) == (("2503.02130",), 1)


def test_a_known_paper_without_arxiv_id_is_liked_by_its_title_which_stays(store):
    report = match(library(Item(title="robots that ask")), store.find_papers)

    assert (report.liked, report.matched) == (("Robots that Ask",), 1)


def test_an_unknown_paper_is_liked_by_its_title_which_teaches_words(store):
    report = match(library(Item(title="On Shelves", arxiv_id="2401.00001")), store.find_papers)

    assert (report.liked, report.by_title, report.matched) == (("On Shelves",), 1, 0)


def test_an_unknown_id_without_title_is_kept_until_the_paper_comes(store):
    report = match(library(Item(arxiv_id="2401.00001")), store.find_papers)

    assert (report.liked, report.unknown) == (("2401.00001",), 1)


def test_each_paper_counts_once_in_the_order_of_the_list(store):
    report = match(
        library(
            Item(title="On Shelves", arxiv_id="2401.00001"),
            Item(title="Sparse Attention"),
            Item(arxiv_id="2503.02130"),
            Item(arxiv_id="2401.00001"),
            Item(title="on shelves"),
        ),
        store.find_papers,
    )

    assert report.liked == ("On Shelves", "2503.02130")
    assert report.repeated == 3


def test_more_papers_than_allowed_are_left_out_and_that_is_said(store):
    items = [Item(title=f"Paper number {number}") for number in range(12)]

    report = match(library(*items), store.find_papers, most=10)

    assert (len(report.liked), report.left_out, report.by_title) == (10, 2, 10)
    assert report.liked[0] == "Paper number 0"
    assert "Only the first 10 papers are taken; 2 are left out." in report.sentences


def test_the_report_says_it_all_in_a_few_sentences(store):
    rejected = [Rejected(where=f"line {n}", why="it has no title") for n in range(1, 13)]
    report = match(
        library(
            Item(arxiv_id="2503.02130"),
            Item(title="Robots that Ask"),
            Item(title="On Shelves"),
            Item(title="On Tables"),
            Item(arxiv_id="2401.00001"),
            Item(arxiv_id="2401.00001"),
            rejected=rejected,
        ),
        store.find_papers,
    )

    assert str(report) == (
        "BibTeX, 18 entries: 2 are papers we know, 2 are taken by their title, "
        "1 is taken by its arXiv id, 1 stands there twice, 12 could not be used."
    )
    assert len(report.sentences) == 12
    assert report.sentences[1] == "line 1: it has no title."
    assert report.sentences[-1] == "And 2 more could not be used."


def test_one_of_each_reads_well(store):
    report = match(library(Item(arxiv_id="2503.02130")), store.find_papers)

    assert report.sentences == ("BibTeX, 1 entry: 1 is a paper we know.",)


def test_the_store_finds_many_papers_by_id_and_by_title(store):
    ids = ["2503.02130", *(f"2401.{number:05}" for number in range(1200))]
    keys = ["robotsthatask", *(f"title{number}" for number in range(1200))]

    assert store.find_papers(ids, keys) == {KNOWN.id: KNOWN, HASHED.key: HASHED}
    assert store.find_papers([], []) == {}


def test_a_file_goes_all_the_way(store):
    text = '@misc{a, title={{Sparse} Attention}}\n@misc{b, title={M{\\"u}ller}}\n@misc{c}'

    assert match(read_library(text), store.find_papers).sentences == (
        "BibTeX, 3 entries: 1 is a paper we know, 1 is taken by its title, 1 could not be used.",
        "line 3, c: it has neither a title nor an arXiv id.",
    )
