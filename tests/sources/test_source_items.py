"""One item of JSON, the gate, and the way back from mirrors."""

from __future__ import annotations

from datetime import date

import pytest
import source_shapes as shapes

from newsletter.errors import SourceError
from newsletter.model import Entry, Listing, Paper, Tier, id_from_title
from newsletter.sources.gate import check
from newsletter.sources.item import bare_id, entry_of
from newsletter.sources.mirrors import led_home


def entry(thing: object) -> Entry:
    found = entry_of(thing, rank=1)
    assert found is not None
    return found


def listing(*papers: Paper) -> Listing:
    entries = tuple(Entry(paper=paper, rank=9) for paper in papers)
    return Listing(source="here", tier=Tier.API, entries=entries)


def test_a_full_item_becomes_a_full_entry():
    found = entry(shapes.item("2604.00001", title="A  Study\n  of Planning"))
    assert found.paper == Paper(
        id="2604.00001",
        title="A Study of Planning",
        abstract=shapes.PROSE.strip(),
        summary="Small models can plan.",
        authors=("Ada Byron", "Emmy Noether"),
        organization="Example Lab",
        keywords=("planning", "small models"),
        url="https://huggingface.co/papers/2604.00001",
        pdf_url="https://arxiv.org/pdf/2604.00001",
        code_url="https://github.com/example/planning",
        thumbnail_url=shapes.THUMBNAIL.format("2604.00001"),
        published_on=date(2026, 4, 1),
        listed_on=date(2026, 4, 3),
    )
    assert (found.upvotes, found.comments, found.stars) == (12, 3, 1923)
    assert found.submitter == "grace"


def test_absent_keys_become_defaults():
    bare = {"paper": {"id": "2604.00001", "title": "T"}}
    found = entry(bare)
    assert found.paper.abstract == found.paper.summary == found.paper.organization == ""
    assert found.paper.authors == found.paper.keywords == ()
    assert found.paper.published_on is None
    assert (found.upvotes, found.comments, found.stars, found.submitter) == (None, None, None, "")


@pytest.mark.parametrize("gone", ["submittedBy", "organization", "ai_summary", "githubRepo"])
def test_an_optional_key_may_be_absent(gone):
    assert entry(shapes.without(shapes.item(), gone)).paper.id == "2604.00001"


@pytest.mark.parametrize("votes", [-1, True, "12", 1.5, None, [], 10**30, float("nan")])
def test_a_vote_count_that_cannot_be_one_is_unknown(votes):
    assert entry(shapes.item(upvotes=votes)).upvotes is None


def test_the_day_of_the_list_stands_in_for_older_items():
    old = shapes.without(shapes.item(), "submittedOnDailyAt")
    found = entry_of(old, rank=1, day=date(2024, 8, 1))
    assert found is not None
    assert found.paper.listed_on == date(2024, 8, 1)


def test_an_organization_is_found_wherever_it_stood_that_year():
    lab = {"name": "lab", "fullname": "The Lab "}
    bare = shapes.without(shapes.item(), "organization")
    assert entry(bare | {"submitterOrganization": lab}).paper.organization == "The Lab"
    inner = bare | {"paper": bare["paper"] | {"organization": lab}}
    assert entry(inner).paper.organization == "The Lab"
    assert entry(bare | {"organization": {"name": "lab"}}).paper.organization == "lab"


def test_all_of_3303_authors_are_kept():
    authors = [{"name": f"Author Number{n}", "hidden": False} for n in range(3303)]
    assert len(entry(shapes.item(authors=authors)).paper.authors) == 3303


@pytest.mark.parametrize(
    "thumbnail",
    [
        "https://tracker.example/pixel.png",
        "http://cdn-thumbnails.huggingface.co/x.png",
        "https://cdn-uploads.huggingface.co/movie.mp4",
        "https://huggingface.co.example/x.png",
        "javascript:alert(1)",
        7,
    ],
)
def test_a_picture_that_is_no_image_of_the_site_is_replaced_by_the_usual_one(thumbnail):
    found = entry(shapes.item(thumbnail=thumbnail))
    assert found.paper.thumbnail_url == shapes.THUMBNAIL.format("2604.00001")


@pytest.mark.parametrize("repo", ["ftp://code.example/a/b", "javascript:x", "", None, {}])
def test_only_https_leads_to_code(repo):
    assert entry(shapes.item(githubRepo=repo)).paper.code_url == ""


@pytest.mark.parametrize(
    ("raw", "paper_id"),
    [
        ("2503.02130", "2503.02130"),
        ("2503.02130v12", "2503.02130"),
        ("arXiv:0808.0539v1", "0808.0539"),
        ("astro-ph/0601001v1", "astro-ph/0601001"),
        ("math.GT/0309136", "math.GT/0309136"),
        ("2503.0213x", ""),
        ("250.02130", ""),
        ("٢503.02130", ""),
        (2503.0213, ""),
        (None, ""),
    ],
)
def test_ids_are_texts_without_version(raw, paper_id):
    assert bare_id(raw) == paper_id


def test_a_flat_paper_is_an_item_too():
    assert entry(shapes.item()["paper"]).paper.title.startswith("A Study")


def test_twins_by_id_and_by_title_are_merged_and_ranks_start_at_one():
    first = Paper(id="2604.00001", title="Deep Planning")
    version = Paper(id="2604.00001", title="Deep Planning, revised", abstract="known")
    twin = Paper(id="2604.00002", title="Deep  planning!", authors=("A B",))
    other = Paper(id="2604.00003", title="Another")
    checked = check(listing(first, version, twin, other))
    assert [paper.id for paper in checked.papers] == ["2604.00001", "2604.00003"]
    assert [found.rank for found in checked.entries] == [1, 2]
    assert checked.papers[0].abstract == "known"
    assert checked.papers[0].authors == ("A B",)
    assert "2 of 4 items repeated another one" in checked.notes[0]


def test_a_few_broken_items_are_left_out_and_counted():
    papers = [Paper(id=f"2604.0000{n}", title=f"T{n}") for n in range(8)]
    checked = check(listing(*papers, Paper(id="broken", title="x")), dropped=1)
    assert len(checked.entries) == 8
    assert checked.notes == ("2 of 10 items could not be used and were left out.",)


def test_more_than_a_fifth_broken_means_that_the_page_changed():
    papers = [Paper(id=f"2604.0000{n}", title=f"T{n}") for n in range(7)]
    with pytest.raises(SourceError, match=r"changed its shape: 2 of 9 items"):
        check(listing(*papers), dropped=2)


def test_an_empty_list_is_honest():
    assert check(listing()).entries == ()


def test_mirror_addresses_lead_home_and_lookalikes_stay():
    text = (
        "See https://hf-mirror.com/a/b and http://cdn.hf-mirror.com:8080/x, "
        "https://hf-mirror.492719920.workers.dev/Org/Model. "
        "Not https://hf-mirror.com.example/x nor https://not-hf-mirror.com/x."
    )
    paper = Paper(id="2604.00001", title="T", abstract=text, url="https://hf-mirror.com/papers/1")
    home = led_home(listing(paper)).papers[0]
    assert home.url == "https://huggingface.co/papers/1"
    assert home.abstract == (
        "See https://huggingface.co/a/b and https://cdn.huggingface.co/x, "
        "https://huggingface.co/Org/Model. "
        "Not https://hf-mirror.com.example/x nor https://not-hf-mirror.com/x."
    )


def test_without_mirrors_nothing_changes():
    one = listing(Paper(id=id_from_title("x"), title="x"))
    assert led_home(one, ()) is one
