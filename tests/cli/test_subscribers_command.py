"""`newsletter subscribe` and `newsletter subscribers`: what the operator types and reads."""

from __future__ import annotations

import csv
import json
import sqlite3
import stat

import pytest
from typer.main import get_command

from newsletter.cli import cli

EVIL = "\x1b[31m=cmd()|' /C calc'!A0\r\nBcc: x@y.org \u202e<script>{{7*7}}"


@pytest.fixture
def ines(newsletter):
    """Ines, subscribed as in the README."""
    ran = newsletter(
        "subscribe",
        "Ines@Reader.example",
        *("--topic", "efficient inference", "--topic", "retrieval", "--keyword", "KV cache"),
        *("--author", "Tri Dao", "--cadence", "weekly", "--day", "mon", "--at", "08:00"),
        *("--timezone", "Europe/Berlin", "--confirmed"),
    )
    assert (ran.code, ran.out, ran.err) == (0, "Ines@reader.example is active\n", "")
    return "ines@reader.example"


@pytest.fixture
def held(newsletter):
    """Everything kept about somebody."""

    def shown(email: str) -> dict:
        ran = newsletter("subscribers", "show", email, "--json")
        assert ran.code == 0, ran.err
        return json.loads(ran.out)

    return shown


def test_a_subscriber_is_entered_as_asked(held, ines):
    kept = held("INES@READER.EXAMPLE")

    assert kept["status"] == "active"
    assert kept["wishes"]["profile"]["topics"] == ["efficient inference", "retrieval"]
    assert kept["wishes"]["profile"]["authors"] == ["Tri Dao"]
    rhythm = {k: kept["wishes"][k] for k in ("cadence", "weekday", "send_at", "timezone")}
    assert rhythm == {
        "cadence": "weekly",
        "weekday": 0,
        "send_at": "08:00",
        "timezone": "Europe/Berlin",
    }
    assert kept["consents"][0]["origin"] == "command line"


def test_without_a_consent_they_are_pending_and_the_way_on_is_said(newsletter, held):
    ran = newsletter("subscribers", "add", "bo@x.org", "--topic", "vision")

    assert (ran.code, ran.out) == (0, "bo@x.org is pending\n")
    assert "--confirmed" in ran.err
    assert held("bo@x.org")["consents"] == []

    again = newsletter("subscribers", "add", "bo@x.org", "--confirmed", "--consent", "By letter.")
    assert again.out == "bo@x.org is active\n"
    kept = held("bo@x.org")
    assert kept["consents"][0]["wording"] == "By letter."
    assert kept["wishes"]["profile"]["topics"] == ["vision"]


def test_a_readers_file_gives_the_profile_and_options_win_over_it(newsletter, installation, held):
    (installation / "bo.toml").write_text('name = "Bo"\ntopics = ["vision"]\nmuted = ["x"]\n')

    newsletter("subscribe", "bo@x.org", "--profile", "bo.toml", "--topic", "robots")

    wishes = held("bo@x.org")["wishes"]
    assert (wishes["name"], wishes["profile"]["topics"]) == ("Bo", ["robots"])
    assert wishes["profile"]["muted"] == ["x"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["subscribe", "nobody"], "“nobody” is no e-mail address we can use"),
        (["subscribe", "a@x.org", "--timezone", "Europe/Berln"], "did you mean Europe/Berlin?"),
        (["subscribe", "a@x.org", "--at", "25:00"], "must be a local time such as 08:00"),
        (["subscribe", "a@x.org", "--day", "noday"], "--day: must be a day such as mon"),
        (["subscribe", "a@x.org", "--day", "7"], "--day: must be a day such as mon"),
        (
            ["subscribe", "a@x.org", "--cadence", "monthly"],
            "--cadence: must be 'daily', 'weekdays' or 'weekly'",
        ),
        (["subscribe", "a@x.org", "--format", "pdf"], "--format: must be 'html' or 'text'"),
        (["subscribe", "a@x.org", "--max-papers", "99"], "--max-papers: must be 50 or less"),
        (["subscribe", "a@x.org", "--profile", "missing.toml"], "no such file"),
        (["subscribe", "a@x.org", "--liked-file", "missing.bib"], "no such file"),
        (["subscribe", "a@x.org", "--liked-file", "."], "cannot be read"),
        (["subscribe", "a@x.org", "--liked-file", "/dev/null"], "the reading list is empty"),
        (["subscribers", "show", "a@x.org"], "a@x.org is not subscribed"),
        (["subscribers", "edit", "a@x.org"], "a@x.org is not subscribed"),
        (["subscribers", "edit", "a@x.org", "--clear", "mood"], "none of topics, keywords"),
        (["subscribers", "edit", "a@x.org", "--pause-until", "soon"], "no day such as"),
        (["subscribers", "unsubscribe", "a@x.org"], "a@x.org is not subscribed"),
        (["subscribers", "forget", "a@x.org", "--yes"], "a@x.org is not subscribed"),
        (["subscribers", "import", "missing.csv"], "no such file"),
        (["subscribers", "export", "no/such/folder.csv"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_a_sentence(newsletter, words, sentence):
    ran = newsletter(*words)

    assert ran.code == 2
    assert sentence in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_a_category_that_brings_nothing_is_told(newsletter, held):
    ran = newsletter("subscribe", "bo@x.org", "--category", "cs.XX", "--category", "cs.CL")
    assert ran.code == 0
    assert "“cs.XX” is no arXiv category we know, so it brings nothing." in ran.err
    assert held("bo@x.org")["wishes"]["profile"]["categories"] == ["cs.XX", "cs.CL"]


def test_subscribing_twice_is_said_and_changes_nothing(newsletter, held, ines):
    before = held(ines)

    ran = newsletter("subscribe", ines, "--topic", "casino", "--confirmed")

    assert (ran.code, "is subscribed already" in ran.err) == (2, True)
    assert held(ines) == before


def test_editing_changes_what_is_named_and_keeps_the_rest(newsletter, held, ines):
    ran = newsletter(
        *("subscribers", "edit", ines, "--topic", "vision", "--clear", "keywords"),
        *("--cadence", "daily", "--no-surprise", "--at", "7:15", "--pause-until", "2999-01-01"),
    )

    assert ran.code == 0, ran.err
    assert "paused until 2999-01-01" in ran.out
    kept = held(ines)
    profile = kept["wishes"]["profile"]
    assert (profile["topics"], profile["keywords"]) == (["vision"], [])
    assert (profile["authors"], profile["surprise"]) == (["Tri Dao"], False)
    assert (kept["wishes"]["send_at"], kept["wishes"]["timezone"]) == ("07:15", "Europe/Berlin")
    assert [v["version"] for v in kept["profiles"]] == [1, 2]

    assert "active since" in newsletter("subscribers", "edit", ines, "--resume").out


def test_a_reading_list_becomes_liked_papers_and_what_became_of_it_is_told(
    newsletter, installation, held
):
    (installation / "library.bib").write_text(
        "@misc{a, title={Robots that {Ask}}}\n"
        "@misc{b, url={https://arxiv.org/abs/2404.00001v2}}\n@misc{c, year=2024}\n"
    )

    ran = newsletter("subscribe", "bo@x.org", "--like", "Maps", "--liked-file", "library.bib")

    assert (ran.code, ran.out) == (0, "bo@x.org is pending\n")
    assert (
        "BibTeX, 3 entries: 0 are papers we know, 1 is taken by its title, "
        "1 is taken by its arXiv id, 1 could not be used.\n"
        "line 3, c: it has neither a title nor an arXiv id.\n"
    ) in ran.err
    liked = ["Maps", "Robots that Ask", "2404.00001"]
    assert held("bo@x.org")["wishes"]["profile"]["liked"] == liked


def test_editing_adds_a_reading_list_to_what_is_liked_unless_that_is_cleared(
    newsletter, installation, held
):
    newsletter("subscribe", "bo@x.org", "--like", "Maps", "--topic", "vision")
    (installation / "list.txt").write_text("Robots that Ask\nMaps of Shelves\n")

    def edited(*words: str) -> list[str]:
        ran = newsletter("subscribers", "edit", "bo@x.org", "--liked-file", "list.txt", *words)
        assert ran.code == 0, ran.err
        return held("bo@x.org")["wishes"]["profile"]["liked"]

    assert edited() == ["Maps", "Robots that Ask", "Maps of Shelves"]
    assert edited() == ["Maps", "Robots that Ask", "Maps of Shelves"]
    assert edited("--clear", "liked") == ["Robots that Ask", "Maps of Shelves"]
    assert edited("--like", "2404.00002")[:2] == ["2404.00002", "Robots that Ask"]
    assert held("bo@x.org")["wishes"]["profile"]["topics"] == ["vision"]


def test_a_reading_list_finds_the_papers_that_were_fetched(
    newsletter, installation, papers_page, item, held
):
    papers_page.lists(item(1), item(2))
    assert newsletter("fetch", "--source", "daily:2026-04-03").code == 0
    (installation / "list.txt").write_text("planted title 1 on sparse attention\n2604.00002v3\n")

    ran = newsletter("subscribe", "bo@x.org", "--liked-file", "list.txt")

    assert "text, 2 entries: 2 are papers we know." in ran.err
    assert held("bo@x.org")["wishes"]["profile"]["liked"] == ["2604.00001", "2604.00002"]


def test_an_edit_that_is_refused_in_one_thing_changes_nothing(newsletter, held, ines):
    before = held(ines)

    ran = newsletter("subscribers", "edit", ines, "--topic", "x", "--pause-until", "2020-01-01")

    assert (ran.code, "must end after today" in ran.err) == (2, True)
    assert held(ines) == before


def test_the_list_is_one_line_each_and_can_be_narrowed(newsletter, ines):
    newsletter("subscribers", "add", "bo@x.org")

    lines = newsletter("subscribers", "list").out.splitlines()
    assert len(lines) == 2
    assert "weekly on Mondays at 08:00 Europe/Berlin" in lines[1]
    assert "efficient inference; retrieval" in lines[1]
    assert "ines" not in newsletter("subscribers", "list", "--status", "pending").out.lower()
    rows = json.loads(newsletter("subscribers", "list", "--json").out)
    assert [row["email"] for row in rows] == ["bo@x.org", "Ines@reader.example"]


def test_nobody_yet_is_an_empty_answer(newsletter):
    assert newsletter("subscribers", "list").out == ""
    assert json.loads(newsletter("subscribers", "list", "--json").out) == []
    assert newsletter("subscribers", "export").out.count("\n") == 1


def test_who_is_unsubscribed_is_kept_and_comes_back_to_the_same_profile(newsletter, held, ines):
    ran = newsletter("subscribers", "unsubscribe", ines, "--reason", "too many")
    assert ran.out == "Ines@reader.example is unsubscribed\n"
    assert "unsubscribed since" in newsletter("subscribers", "show", ines).out

    refused = newsletter("subscribe", ines)
    assert (refused.code, "consent is needed" in refused.err) == (2, True)
    assert newsletter("subscribe", ines, "--confirmed", "--at", "9:00").code == 0

    kept = held(ines)
    assert (kept["status"], kept["wishes"]["send_at"]) == ("active", "09:00")
    assert kept["wishes"]["profile"]["topics"] == ["efficient inference", "retrieval"]


def test_forgetting_asks_first_and_cannot_be_undone_by_an_old_list(newsletter, installation, ines):
    (installation / "old.csv").write_text(f"email\n{ines}\n")

    asked = newsletter("subscribers", "forget", ines)
    assert (asked.code, "add --yes" in asked.err) == (2, True)
    assert newsletter("subscribers", "forget", ines, "--yes").code == 0

    ran = newsletter("subscribers", "import", "old.csv")
    assert (ran.code, ran.out) == (0, "0 new, 0 known, 1 suppressed, 0 rejected\n")
    refused = newsletter("subscribe", ines, "--confirmed")
    assert (refused.code, "must not be mailed (forgotten)" in refused.err) == (2, True)
    assert newsletter("subscribe", ines, "--confirmed", "--lift-suppression").code == 0


def test_an_import_tells_what_it_did_and_a_dry_run_makes_no_database(newsletter, installation):
    (installation / "list.csv").write_text("email,topcis\na@x.org,x\nnobody,\na@x.org,\n")

    tried = newsletter("subscribers", "import", "list.csv", "--dry-run")

    assert tried.code == 2
    assert tried.out == "1 new, 0 known, 2 rejected (dry run: nothing was changed)\n"
    assert "line 3: “nobody” is no e-mail address" in tried.err
    assert "line 4: a@x.org stands in line 2 already" in tried.err
    assert "did you mean topics?" in tried.err
    assert not (installation / "state").exists()
    done = newsletter("subscribers", "import", "list.csv")
    assert (done.code, done.out) == (2, "1 new, 0 known, 2 rejected\n")


def test_an_export_is_private_and_comes_in_again(newsletter, installation, monkeypatch, ines):
    newsletter("subscribers", "add", "bo@x.org", "--name", "Bo", "--mute", "=SUM(A1)")
    for name in ("all.csv", "all.json"):
        assert newsletter("subscribers", "export", name).code == 0
        assert stat.S_IMODE((installation / name).stat().st_mode) == 0o600
        monkeypatch.setenv("NEWSLETTER_PATHS__STATE", str(installation / f"other-{name}"))
        assert newsletter("subscribers", "import", name).out == "2 new, 0 known, 0 rejected\n"
        as_json = ["--json"] if name == "all.json" else []
        again = newsletter("subscribers", "export", *as_json).out
        assert again == (installation / name).read_text(encoding="utf-8")
        monkeypatch.setenv("NEWSLETTER_PATHS__STATE", str(installation / "state"))


def test_ten_thousand_rows_are_taken_over_in_one_go(newsletter, installation):
    rows = "".join(f"reader{n}@lab{n % 50}.example,Reader {n},vision\n" for n in range(10_000))
    (installation / "big.csv").write_text("email,name,topics\n" + rows)

    assert newsletter("subscribers", "import", "big.csv").out == "10000 new, 0 known, 0 rejected\n"
    assert newsletter("subscribers", "import", "big.csv").out == "0 new, 10000 known, 0 rejected\n"


def test_hostile_text_is_shown_as_harmless_text(newsletter, installation, held):
    """Whatever stands in names, topics and files steers no terminal, spreadsheet or line."""
    with (installation / "evil.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["email", "name", "topics", "keywords", "reason", f"x{EVIL}"])
        table.writerow(["a@x.org", EVIL, EVIL, "=1+1", EVIL, ""])
        table.writerow([EVIL, "", "", "", "", ""])
        table.writerow(["=cmd@x.org", "", "", "", "", ""])
    evil = f"@misc{{{EVIL}, year=1}}\n@misc{{k, title={{{EVIL}}}}}\n@misc{{{EVIL}"
    (installation / "evil.bib").write_text(evil, encoding="utf-8")
    shown = [
        newsletter("subscribers", "import", "evil.csv"),
        newsletter("subscribers", "list"),
        newsletter("subscribers", "list", "--json"),
        newsletter("subscribers", "show", "a@x.org"),
        newsletter("subscribers", "show", "a@x.org", "--json"),
        newsletter("subscribers", "export"),
        newsletter("subscribe", EVIL),
        newsletter("subscribe", "b@x.org", "--name", EVIL.replace("\r\n", " ")),
        newsletter("subscribers", "unsubscribe", "a@x.org", "--reason", EVIL),
        newsletter("subscribers", "show", "a@x.org"),
        newsletter("subscribers", "edit", "a@x.org", "--clear", EVIL),
        newsletter("subscribers", "edit", "a@x.org", "--liked-file", "evil.bib"),
    ]
    for ran in shown:
        for sign in ("\x1b", "\r", "\u202e"):
            assert sign not in ran.out + ran.err
        assert "\nBcc:" not in ran.out + ran.err
        assert "Traceback" not in ran.err
    exported = list(csv.reader(newsletter("subscribers", "export").out.splitlines()))
    assert len(exported) == 4
    for row in exported:
        assert not [cell for cell in row if cell[:1] in ("=", "+", "-", "@", "\t")]
    assert "<script>{{7*7}}" in held("a@x.org")["wishes"]["name"]


def test_sql_in_a_field_is_text(newsletter, installation, held):
    evil = "'); DROP TABLE subscribers; --"

    newsletter("subscribe", "a@x.org", "--name", evil, "--topic", evil, "--confirmed")

    assert held("a@x.org")["wishes"]["name"] == evil
    with sqlite3.connect(installation / "state" / "newsletter.db") as raw:
        assert raw.execute("SELECT count(*) FROM subscribers").fetchone() == (1,)
    raw.close()


def test_every_subscribers_command_stands_in_the_documents(root):
    text = (root / "docs" / "subscriptions.md").read_text(encoding="utf-8")

    for name in get_command(cli).commands["subscribers"].commands:
        assert f"subscribers {name}" in text
