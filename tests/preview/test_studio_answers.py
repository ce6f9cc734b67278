"""What the studio answers: data, variants of the mail, explanations, refusals."""

from __future__ import annotations

import re

import pytest
from studio_world import IMAGE, SCRIPT, Studio


def test_page_is_served_with_a_policy_that_allows_no_foreign_and_no_inline_script(calm_studio):
    answer = calm_studio.get("/")
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_page_names_no_address_outside_the_studio(calm_studio):
    page = calm_studio.get("/").text
    for name in re.findall(r"/assets/([a-z.]+)", page):
        page += calm_studio.get(f"/assets/{name}").text
    foreign = set(re.findall(r"https?://[^\"'\s>]+", page))
    assert foreign <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("name", ["studio.css", "studio.js", "frames.js", "details.js", "icon.svg"])
def test_assets_are_served_with_their_type(calm_studio, name):
    answer = calm_studio.get(f"/assets/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(("text/css", "text/javascript", "image/svg"))
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["index.html.j2", "nothing.css", "..%2Fstudio.css", "%2e%2e"])
def test_nothing_but_assets_can_be_read_from_the_folder(calm_studio, name):
    assert calm_studio.get(f"/assets/{name}").status_code == 404


def test_choices_name_every_reader_and_source(calm_studio):
    choices = calm_studio.get("/api/choices").json()
    assert [reader["id"] for reader in choices["readers"]] == ["ines", "rafael"]
    assert [source["name"] for source in choices["sources"]] == ["daily", "page <b>two</b>"]
    assert choices["sources"][0]["editions"][1:] == ["2026-04-03", "2026-04-02", "2026-04-01"]


def test_first_reader_and_source_are_shown_when_nothing_is_asked_for(calm_studio):
    choice = calm_studio.sheet()["choice"]
    assert choice == {"reader": "ines", "source": "daily", "edition": "whole list"}


def test_sheet_shows_the_picks_of_the_digest_in_their_order(calm_studio):
    sheet = calm_studio.sheet(reader="rafael")
    ranks = [pick["rank"] for pick in sheet["picks"]]
    assert ranks == list(range(1, len(ranks) + 1))
    assert all(pick["verdict"] == "picked" for pick in sheet["picks"])
    assert "Robot manipulation" in sheet["picks"][0]["title"]
    assert any("robot manipulation" in why["phrase"] for why in sheet["picks"][0]["reasons"])


def test_every_candidate_is_accounted_for(calm_studio):
    sheet = calm_studio.sheet()
    assert len(sheet["picks"]) + sum(sheet["verdicts"].values()) == 10
    assert sheet["source"]["considered"] == 10


def test_muted_paper_says_what_muted_it(calm_studio):
    muted = [row for row in calm_studio.sheet()["others"] if row["verdict"] == "muted"]
    assert [row["title"] for row in muted] == ["Medical imaging at scale"]
    assert "medical imaging" in muted[0]["note"].lower()


def test_score_bars_stay_within_the_best_score(calm_studio):
    sheet = calm_studio.sheet()
    for row in (*sheet["picks"], *sheet["others"]):
        assert 0 <= row["taste_share"] + row["trend_share"] <= 1.000001


def test_size_is_measured_against_both_limits(calm_studio):
    sheet = calm_studio.sheet()
    size = sheet["size"]
    assert 0 < size["html"] < size["limit"] < size["clip"] == 102_000
    assert (size["shown"], size["hidden"]) == (len(sheet["picks"]), 0)


def test_checks_come_with_failures_first(calm_studio):
    holds = [check["holds"] for check in calm_studio.sheet()["checks"]]
    assert holds == sorted(holds)
    assert len(holds) > 5


def test_headers_are_shown_decoded(calm_studio):
    sheet = calm_studio.sheet()
    headers = dict(sheet["headers"])
    assert "List-Unsubscribe-Post" in headers
    assert "=?" not in headers["Subject"]
    assert sheet["inbox"]["from_name"] == "Trending papers"


def test_edition_of_a_day_holds_only_papers_listed_that_day(calm_studio):
    assert calm_studio.sheet(edition="2026-04-02")["source"]["considered"] < 10


def test_mail_has_its_own_policy_that_forbids_scripts(calm_studio):
    policy = calm_studio.get("/mail.html").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "img-src https: data:" in policy
    assert "allow-scripts" not in policy
    assert policy.count("sandbox") == 2  # the directive and allow-popups-to-escape-sandbox


def test_images_can_be_switched_off(calm_studio):
    answer = calm_studio.get("/mail.html", images="off")
    assert "img-src 'none'" in answer.headers["content-security-policy"]


def test_dark_and_light_mail_differ_in_the_condition_only(calm_studio):
    dark = calm_studio.get("/mail.html", scheme="dark").text
    light = calm_studio.get("/mail.html", scheme="light").text
    styles = "".join(re.findall(r"<style.*?</style>", dark + light, re.DOTALL))
    assert dark != light
    assert "prefers-color-scheme" not in styles


def test_text_and_raw_mail_can_be_fetched(calm_studio):
    assert calm_studio.get("/mail.txt").headers["content-type"].startswith("text/plain")
    raw = calm_studio.get("/mail.eml", reader="rafael")
    assert b"\r\nMIME-Version: 1.0\r\n" in raw.content
    assert 'filename="rafael-2026-04-03.eml"' in raw.headers["content-disposition"]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"reader": "nobody"}, "nobody"),
        ({"source": "nowhere"}, "nowhere"),
        ({"edition": "2020-01-01"}, "2020-01-01"),
    ],
)
def test_unknown_choice_is_not_found_in_one_sentence(calm_studio, query, word):
    answer = calm_studio.get("/api/preview", **query)
    assert answer.status_code == 404
    assert word in answer.json()["error"]["sentence"]


def test_wrong_variant_is_refused_in_one_sentence(calm_studio):
    answer = calm_studio.get("/mail.html", scheme="pink")
    assert answer.status_code == 422
    assert "scheme" in answer.json()["error"]["sentence"]


def test_foreign_host_name_is_refused(calm_studio):
    for host in ("evil.example", "127.0.0.1.evil.example", "", "[::1", "localhost.evil.example:80"):
        answer = calm_studio.get_as(host)
        assert answer.status_code in (400, 403), host


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80", "[::1]:99", "studio.localhost"])
def test_local_host_names_are_served(calm_studio, host):
    assert calm_studio.get_as(host).status_code == 200


def test_only_get_is_answered(calm_studio: Studio):
    assert calm_studio.post("/unsubscribe/abc").status_code == 405
    assert calm_studio.post("/api/preview").status_code == 405


def test_markup_in_data_is_never_markup_on_a_page(calm_studio):
    mail = calm_studio.get("/mail.html").text
    assert SCRIPT not in mail
    assert IMAGE not in mail
    assert calm_studio.get("/api/preview").headers["content-type"] == "application/json"


def test_every_link_of_the_mail_leads_to_an_explanation_and_back(calm_studio):
    mail = calm_studio.get("/mail.html").text
    links = set(re.findall(rf'href="({re.escape(calm_studio.url)}/[^"]+)"', mail))
    kinds = {link.removeprefix(calm_studio.url).split("/")[1] for link in links}
    assert {"unsubscribe", "preferences", "more", "less"} <= kinds
    for link in links:
        answer = calm_studio.get(link.removeprefix(calm_studio.url))
        assert answer.status_code == 200, link
        assert "nothing was changed" in answer.text
        assert 'class="button" href="/' in answer.text


def test_verdict_link_names_its_paper_as_text(calm_studio):
    mail = calm_studio.get("/mail.html").text
    pages = [
        calm_studio.get(link.removeprefix(calm_studio.url)).text
        for link in re.findall(rf'href="({re.escape(calm_studio.url)}/more/[^"]+)"', mail)
    ]
    assert any("KV cache &lt;script&gt;" in page for page in pages)
    assert not any(SCRIPT in page or "<img src=x" in page for page in pages)
    assert all('href="/?reader=ines' in page for page in pages)


@pytest.mark.parametrize("token", ["x", "%3Cscript%3E", ".eJw.q", "WyJhIl0.zz", "bnVsbA.x", "%00"])
def test_unreadable_link_is_explained_all_the_same(calm_studio, token):
    answer = calm_studio.get(f"/pause/{token}")
    assert answer.status_code == 200
    assert "<script>" not in answer.text


def test_unknown_page_is_not_found(calm_studio):
    assert calm_studio.get("/nothing/here").status_code == 404
    assert calm_studio.get("/nothing").json()["error"]["sentence"]


def test_archive_link_shows_its_day_as_text(calm_studio):
    page = calm_studio.get("/archive/2026-04-03%3Cb%3E").text
    assert "2026-04-03&lt;b&gt;" in page


def test_view_link_shows_the_mail_itself(calm_studio):
    calm_studio.sheet(reader="rafael")
    mail = calm_studio.get("/mail.html", reader="rafael").text
    found = re.search(rf"{re.escape(calm_studio.url)}(/view/[^\"\s]+)", mail)
    assert found, "the mail has a link to its page"
    assert 'src="/mail.html?reader=rafael' in calm_studio.get(found[1]).text
