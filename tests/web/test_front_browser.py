"""The front page in a real browser: live, by keyboard alone, and without script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from front_world import ROBOTS, Open, first, visits
from playwright.sync_api import Browser, expect
from web_world import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(chromium: Browser, web: Site) -> Iterator[Open]:
    with visits(chromium, web) as opened:
        yield opened


BIBTEX = (
    b"@article{a, title={Sparse attention on phones}}\n"
    b"@article{b, title={Deep Sea Learning of Fish}}"
)


# -- live


def test_the_preview_follows_what_is_typed(visit):
    page = visit()
    first(page, "Quantization of language models to four bits")
    page.locator("#topics").press_sequentially("robot manipulation")
    first(page, ROBOTS)
    expect(page.locator("#preview .why").first).to_contain_text("your topic “robot manipulation”")
    expect(page.locator("[data-heard]")).to_contain_text("papers, the first is “Robot manipulation")
    expect(page.locator("#topics")).to_be_focused()


def test_all_text_grows_with_the_size_that_a_reader_set_in_the_browser(visit):
    page = visit("/archive")
    size = "one => parseFloat(getComputedStyle(one).fontSize)"
    shown = [
        page.locator(name).first for name in (".lead", ".meta", "button, .button", ".invite p")
    ]
    before = [one.evaluate(size) for one in shown]
    page.evaluate("document.documentElement.style.fontSize = '200%'")  # as that setting does
    assert [one.evaluate(size) for one in shown] == [2 * length for length in before]


@pytest.mark.parametrize("script", [True, False])
def test_the_way_back_brings_everything_that_was_typed(visit, script):
    page = visit(script=script)
    page.fill("#topics", "robots\nvision")
    page.fill("#email", "ines@reader.example")
    page.click("text=Archive")
    page.wait_for_url("**/archive")
    page.go_back()
    expect(page.locator("#topics")).to_have_value("robots\nvision")
    expect(page.locator("#email")).to_have_value("ines@reader.example")


def test_what_is_new_in_the_preview_is_marked(visit):
    page = visit()
    page.fill("#topics", "video generation")
    expect(page.locator("#preview .fresh h3").first).to_have_text(
        "Diffusion models for video generation"
    )


def test_the_address_never_leaves_the_page_with_a_preview(visit):
    page = visit()
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(f"{asked.url} {asked.post_data}"))
    page.fill("#email", "ines@reader.example")
    with page.expect_response("**/preview"):
        page.fill("#topics", "robots")
    previews = [said for said in sent if "/preview" in said]
    assert previews
    assert not any("reader.example" in said or "stamp" in said for said in previews)
    assert "topics" in parse_qs(previews[0].split(" ")[1])
    assert not any("robots" in said.split(" ")[0] for said in sent)


def test_a_tap_on_a_topic_writes_its_words_and_another_takes_them_away(visit):
    page = visit()
    chip = page.get_by_label("robot learning")
    page.locator(".chip", has_text="robot learning").click()
    expect(page.locator("#topics")).to_have_value("robot learning")
    page.locator(".chip", has_text="reasoning").click()
    expect(page.locator("#topics")).to_have_value("robot learning\nreasoning")
    page.locator(".chip", has_text="robot learning").click()
    expect(page.locator("#topics")).to_have_value("reasoning")
    page.fill("#topics", "Robot Learning, something else")
    expect(chip).to_be_checked()
    page.fill("#topics", "")
    expect(chip).not_to_be_checked()


def test_what_is_typed_lets_the_topic_stand_out_that_means_the_same(visit):
    page = visit()
    page.fill("#topics", "quantization of big models")
    expect(page.locator(".chip").first).to_have_text("efficient inference")
    expect(page.locator(".chip").first).to_have_class(re.compile("near"))


def test_the_time_zone_comes_from_the_browser_and_the_rhythm_is_told(visit):
    page = visit()
    expect(page.locator("#timezone")).to_have_value("Asia/Tokyo")
    said = page.locator("#rhythm-said")
    expect(said).to_have_text("Every weekday at 08:00, Asia/Tokyo time · up to 10 papers")
    page.locator(".rhythm summary").click()
    expect(page.locator("#weekday")).to_be_hidden()
    page.get_by_label("Once a week").check()
    page.locator("#weekday").select_option("Friday")
    expect(said).to_contain_text("Every Friday at 08:00")


def test_the_dial_speaks(visit):
    page = visit()
    page.locator("#trend").focus()
    page.keyboard.press("End")
    expect(page.locator("#trend-said")).to_have_text("the trend alone")
    expect(page.locator("#trend")).to_have_attribute("aria-valuetext", "the trend alone")


def test_a_reading_list_is_read_at_once_and_stays_as_lines(visit):
    page = visit()
    page.locator(".step .more summary").first.click()
    library = page.locator("#library")
    library.set_input_files({"name": "my.bib", "mimeType": "text/plain", "buffer": BIBTEX})
    expect(page.locator("#liked")).to_have_value(
        "2604.00004 · Sparse attention on phones\nDeep Sea Learning of Fish"
    )
    expect(page.locator("#liked-report")).to_contain_text("BibTeX, 2 entries: 1 is a paper we know")
    expect(library).to_have_value("")


def test_a_file_too_large_for_the_form_is_told_and_taken_out_of_it(visit):
    page = visit()
    page.locator(".step .more summary").first.click()
    library = page.locator("#library")
    library.set_input_files(
        {"name": "my.bib", "mimeType": "text/plain", "buffer": BIBTEX + b" " * 6_000_000}
    )
    expect(page.locator("#liked-report")).to_contain_text("more than 5 MB")
    expect(library).to_have_value("")


def test_a_pasted_reading_list_becomes_lines_too(visit):
    page = visit()
    page.locator(".step .more summary").first.click()
    page.fill("#liked", BIBTEX.decode())
    page.locator("#muted").focus()
    expect(page.locator("#liked")).to_have_value(re.compile("^2604.00004 · Sparse"))


def test_a_preview_that_fails_leaves_the_last_one_and_says_so(visit):
    page = visit()
    page.fill("#topics", "robot manipulation")
    first(page, ROBOTS)
    page.route("**/preview", lambda route: route.abort())
    page.fill("#topics", "protein folding")
    expect(page.locator("[data-stale]")).to_have_text(re.compile("You see the last one.$"))
    first(page, ROBOTS)
    page.unroute("**/preview")
    page.fill("#topics", "protein folding in water")
    first(page, re.compile("Protein folding"))
    expect(page.locator("[data-stale]")).to_be_hidden()


def test_the_papers_that_were_unfolded_stay_so(visit):
    page = visit()
    page.locator(".rest summary").click()
    page.locator("#trend").focus()
    with page.expect_response("**/preview"):
        page.keyboard.press("End")
    expect(page.locator("[data-heard]")).to_contain_text("10 papers")
    expect(page.locator(".rest")).to_have_attribute("open", "")


def test_the_bar_on_a_phone_leads_to_the_preview(visit):
    page = visit(width=375)
    page.fill("#topics", "robot manipulation")
    bar = page.locator(".peek a")
    expect(bar).to_contain_text("papers, the first is “Robot manipulation")
    bar.click()
    expect(page.locator("#preview")).to_be_in_viewport()
    assert page.url.endswith("#preview")


# -- the way in


def test_one_subscribes_with_script_and_finds_the_mail(visit, web):
    page = visit(width=375)
    page.fill("#topics", "robot manipulation")
    page.fill("#email", "ines@reader.example")
    page.get_by_label("I would like to receive").check()
    web.later(seconds=5)
    page.get_by_role("button", name="Subscribe").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
    assert web.deliver()[0]["To"] == "ines@reader.example"
    reader = web.app.subscriptions.find("ines@reader.example")
    assert (reader.timezone, reader.profile.topics) == ("Asia/Tokyo", ("robot manipulation",))


def test_one_subscribes_without_script(visit, web):
    page = visit(script=False)
    page.fill("#topics", "my own words")
    page.locator(".chip", has_text="video generation").click()
    page.get_by_role("button", name="Show me the picks").click()
    expect(page.locator("#topics")).to_have_value("my own words")
    expect(page.get_by_label("video generation")).to_be_checked()
    expect(page.locator("#preview .why").first).to_contain_text("your topic “video generation”")
    web.later(seconds=5)
    page.fill("#email", "ines@reader.example")
    page.get_by_label("I would like to receive").check()
    page.locator("#email").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
    reader = web.app.subscriptions.find("ines@reader.example")
    assert reader.profile.topics == ("my own words", "video generation")


def test_one_subscribes_with_the_keyboard_alone(visit, web):
    page = visit()

    def tab_to(selector: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        pytest.fail(f"{selector} cannot be reached by Tab")

    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to("#topics")
    page.keyboard.type("robot manipulation")
    first(page, ROBOTS)
    tab_to(".chip input[value=reasoning]")
    page.keyboard.press("Space")
    expect(page.locator("#topics")).to_have_value("robot manipulation\nreasoning")
    tab_to(".skip-here")
    page.keyboard.press("Enter")
    tab_to(".rhythm summary")
    page.keyboard.press("Enter")
    tab_to("[name=cadence]")
    page.keyboard.press("ArrowRight")
    tab_to("#email")
    page.keyboard.type("ines@reader.example")
    tab_to("#consent")
    page.keyboard.press("Space")
    web.later(seconds=5)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
    reader = web.app.subscriptions.find("ines@reader.example")
    assert reader.cadence.value == "weekly"


def test_mistakes_are_in_focus_on_top_and_lead_to_their_field(visit, web):
    page = visit()
    page.fill("#email", "ines@reader.example")
    page.get_by_label("I would like to receive").check()
    page.locator(".rhythm summary").click()
    page.fill("#timezone", "Mars")
    page.get_by_role("button", name="Subscribe").last.click()
    expect(page.locator("#mistakes")).to_be_focused()
    expect(page).to_have_title(re.compile("^Please look again"))
    page.get_by_role("link", name="There is no time zone “Mars”").click()
    expect(page.locator("#timezone")).to_be_in_viewport()
    assert page.locator("#timezone").get_attribute("aria-invalid") == "true"


def test_the_bar_over_the_form_has_an_edge_where_colours_are_the_readers(visit):
    """Its own background is gone then, and its words lay on those of the form."""
    page = visit(width=640)
    page.emulate_media(forced_colors="active")
    edge = page.locator(".peek a").evaluate("bar => getComputedStyle(bar).borderTopWidth")
    assert edge == "1px"
