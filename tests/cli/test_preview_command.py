"""`newsletter preview` and `newsletter demo` as files; the studio has its own tests."""

from __future__ import annotations

import json
from datetime import date

import pytest

from newsletter.app import App
from newsletter.config import load_reader, load_settings
from newsletter.model import Entry, Listing, Paper, Tier, id_from_title
from newsletter.pipeline import choose, record


@pytest.fixture
def reader(installation):
    file = installation / "reader.toml"
    file.write_text('name = "Ada"\ntopics = ["sparse attention"]\nmuted = ["Planted Title 3"]\n')
    return file


def test_out_writes_the_four_files(newsletter, installation, papers_page, item, reader):
    papers_page.lists(*[item(n) for n in range(1, 6)])

    ran = newsletter("preview", "--source", "trending", "--profile", reader, "--out", "out")

    assert ran.code == 0
    folder = installation / "out"
    names = ["digest.eml", "digest.html", "digest.txt", "picks.json"]
    assert sorted(file.name for file in folder.iterdir()) == names
    picks = json.loads((folder / "picks.json").read_text())
    assert [pick["rank"] for pick in picks] == list(range(1, len(picks) + 1))
    assert all(pick["reasons"] and pick["title"] for pick in picks)
    assert "2604.00003" not in {pick["id"] for pick in picks}
    html = (folder / "digest.html").read_text()
    assert all(pick["title"] in html for pick in picks)


def test_several_readers_get_a_folder_each(newsletter, installation, papers_page, item, reader):
    papers_page.lists(*[item(n) for n in range(1, 6)])
    other = installation / "other.toml"
    other.write_text('topics = ["protein folding"]\n')

    ran = newsletter(
        "preview", "--source", "trending", "--profile", reader, "--profile", other, "--out", "out"
    )

    assert ran.code == 0
    assert sorted(folder.name for folder in (installation / "out").iterdir()) == ["other", "reader"]


def test_two_readers_of_one_name_are_refused(newsletter, installation, papers_page, reader):
    folder = installation / "more"
    folder.mkdir()
    (folder / "reader.toml").write_text("topics = []\n")

    ran = newsletter("preview", "--profile", reader, "--profile", folder / "reader.toml")

    assert ran.code == 2
    assert "reader.toml" in ran.err
    assert papers_page.asked == []


def test_stored_papers_are_shown_when_no_source_is_named(
    newsletter, installation, papers_page, item, reader
):
    papers_page.lists(item(1), item(2))
    newsletter("fetch", "--source", "daily:2026-04-03")
    papers_page.fails(500)

    ran = newsletter("preview", "--profile", reader, "--out", "out")

    assert ran.code == 0
    assert len(json.loads((installation / "out" / "picks.json").read_text())) == 2


def test_what_is_usual_is_measured_as_for_the_mails(newsletter, installation, reader):
    app = App(load_settings())
    old, day = date(2025, 12, 1), date(2026, 4, 3)
    field = [f"Sparse attention, look {n}" for n in range(600)]
    for titles, listed_on in (
        (field, old),
        ([f"Protein folding, look {n}" for n in range(5000)], old),
        ([f"Sparse attention in robots, look {n}" for n in range(5)], day),
    ):
        papers = [Paper(id=id_from_title(t), title=t, listed_on=listed_on) for t in titles]
        entries = tuple(Entry(paper=paper, rank=rank) for rank, paper in enumerate(papers, 1))
        listing = Listing(source=f"d{titles[0]}", tier=Tier.API, entries=entries)
        record(app.store, listing, now=app.now())
    pool = app.pool()
    made = choose(
        load_reader(reader),
        pool.candidates,
        pool.background,
        edition=day.isoformat(),
        now=app.now(),
    )
    app.store.close()

    assert newsletter("preview", "--profile", reader, "--out", "out").code == 0
    shown = json.loads((installation / "out" / "picks.json").read_text())
    expected = {pick.paper.id: round(pick.score, 4) for pick in made.digest.picks}
    assert {pick["id"]: round(pick["score"], 4) for pick in shown} == expected != {}


def test_the_demo_uses_the_bundled_page_when_it_is_offline(newsletter, installation, papers_page):
    papers_page.fails(503)

    ran = newsletter("demo", "--out", "out")

    assert ran.code == 0
    assert ran.err.count("Offline: using the bundled page of 111 papers") == 1
    for who in ("inference", "vision"):
        picks = json.loads((installation / "out" / who / "picks.json").read_text())
        assert 3 <= len(picks) <= 8


@pytest.mark.parametrize("listed", [None, "2024-04-03T00:00:00.000Z"])
def test_the_demo_uses_the_live_page_when_there_is_one(newsletter, papers_page, item, listed):
    """Today's list, or on days without one (the page repeats an old list) what trends."""
    papers_page.lists(*[item(n, submittedOnDailyAt=listed) for n in range(1, 9)])

    ran = newsletter("demo", "--out", "out")

    assert ran.code == 0
    assert "Offline" not in ran.err


def test_the_two_sample_readers_get_different_papers(newsletter, installation, papers_page):
    papers_page.fails(503)
    newsletter("demo", "--out", "out")

    ids = [
        {pick["id"] for pick in json.loads((installation / "out" / who / "picks.json").read_text())}
        for who in ("inference", "vision")
    ]

    assert len(ids[0] & ids[1]) <= 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("topcs = []", "topcs: unknown key; did you mean topics?"),
        ("max_papers = 'x'", "max_papers: must be a whole number"),
        ("not toml", "is not valid TOML"),
    ],
)
def test_a_broken_profile_ends_with_2_and_a_sentence(
    newsletter, installation, papers_page, item, text, sentence
):
    papers_page.lists(item(1))
    (installation / "bad.toml").write_text(text)

    ran = newsletter("preview", "--source", "trending", "--profile", "bad.toml", "--out", "out")

    assert ran.code == 2
    assert sentence in ran.err
    assert "Traceback" not in ran.err


def test_a_broken_template_ends_with_1_and_its_file_and_line(
    newsletter, installation, papers_page, item, reader
):
    papers_page.lists(item(1))
    own = installation / "own"
    own.mkdir()
    (own / "digest.mjml.j2").write_text(
        "<mjml>\n<mj-body>\n<mj-sction></mj-sction></mj-body></mjml>"
    )

    ran = newsletter(
        "preview", "--source", "trending", "--profile", reader, "--templates", own, "--out", "out"
    )

    assert ran.code == 1
    assert "digest.mjml.j2:3" in ran.err
    assert "mj-sction" in ran.err


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("crad.mjml.j2", "card.mjml.j2"),
        ("mail/digest.mjml", "mail/digest.mjml.j2"),
        ("web/fornt.html.j2", "web/front.html.j2"),
        ("front.html.j2", "web/front.html.j2"),
    ],
)
def test_an_own_template_that_replaces_none_is_told_with_the_one_that_may_be_meant(
    newsletter, installation, papers_page, item, reader, mistyped, meant
):
    papers_page.lists(item(1))
    file = installation / "own" / mistyped
    file.parent.mkdir(parents=True)
    file.write_text("nobody asks for this")
    (installation / "own" / "signature.html.j2").write_text("a part of their own")

    given = ("--source", "trending", "--profile", reader, "--templates", installation / "own")
    ran = newsletter("preview", *given, "--out", "out")

    assert ran.code == 0
    told = [line for line in ran.err.splitlines() if line.startswith("templates: ")]
    assert told == [f"templates: {mistyped} replaces no template; is {meant} meant?"]


def test_a_directory_of_templates_that_is_not_there_is_named(newsletter, installation, reader):
    given = ("--source", "trending", "--profile", reader, "--templates", "my-templates")

    ran = newsletter("preview", *given, "--out", "out")

    assert ran.code == 2
    assert "my-templates: there is no such directory of templates" in ran.err
    assert not (installation / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(
    newsletter, installation, papers_page, item, reader
):
    papers_page.lists(item(1))
    (installation / "out").write_text("a file")

    ran = newsletter("preview", "--source", "trending", "--profile", reader, "--out", "out")

    assert ran.code == 2
    assert "out cannot be written" in ran.err


def test_hostile_text_of_the_world_stays_text(newsletter, installation, papers_page, item):
    """Markup, template syntax and line breaks in titles and names reach no header and no tag."""
    evil = "<script>alert(1)</script> {{ 7*7 }} Bcc: x@y.example \u202e"
    author = {"name": "Eve\r\nBcc: z@y.example", "hidden": False}
    papers_page.lists(item(1, title=f"Evil {evil}", summary=f"Evil {evil} " * 3, authors=[author]))
    file = installation / "reader.toml"
    file.write_text('name = "<b>Bob</b>"\n')

    ran = newsletter("preview", "--source", "trending", "--profile", file, "--out", "out")

    assert ran.code == 0
    html = (installation / "out" / "digest.html").read_text()
    assert "<script" not in html
    assert "<b>Bob" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "7*7" in html.replace("&#42;", "*")
    raw = (installation / "out" / "digest.eml").read_bytes()
    assert b"\r\nBcc:" not in raw.split(b"\r\n\r\n", 1)[0]


def test_the_model_of_a_paper_is_what_json_prints(newsletter, papers_page, item):
    papers_page.lists(item(1))

    row = json.loads(newsletter("fetch", "--source", "trending", "--json", "--dry-run").out)

    assert set(Paper.__dataclass_fields__) <= row.keys()
