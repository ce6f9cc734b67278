"""The studio in a real browser: reachable for everybody, at home on every width, never online."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from studio_world import INES, SCRIPT, Studio, running

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


@pytest.fixture
def open_studio(chromium: Browser) -> Iterator[Open]:
    """Opens the page of a studio and waits until its mail is shown; no script may fail."""
    contexts = []
    mistakes: list[str] = []

    def opened(studio: Studio, query: str = "", *, width: int = 1440, scheme: str = "light"):
        viewport = {"width": width, "height": 900}
        context = chromium.new_context(viewport=viewport, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.goto(f"{studio.url}/{query}")
        expect(page.locator("#layout")).to_have_attribute("aria-busy", "false")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert mistakes == []


def mail(page: Page, device: str = "phone"):
    """The mail inside a device."""
    return page.frame_locator(f".{device} iframe:not(.coming)")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 375)])
def test_no_pane_has_an_accessibility_violation(calm_studio, open_studio, scheme, width):
    page = open_studio(calm_studio, scheme=scheme, width=width)
    page.locator("#checks-summary").click()
    for key in "3456":
        page.keyboard.press(key)
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_error_and_explanation_have_no_accessibility_violation(calm_studio, open_studio, scheme):
    page = open_studio(calm_studio, "?reader=nobody", scheme=scheme)
    expect(page.locator("#problem")).to_contain_text("there is no reader nobody")
    wrong = Axe().run(page)
    page.goto(f"{calm_studio.url}/unsubscribe/x")
    explained = Axe().run(page)
    for results in (wrong, explained):
        assert results.violations_count == 0, results.generate_report()


def test_panes_switch_by_number_keys(calm_studio, open_studio):
    page = open_studio(calm_studio)
    panes = ("phone", "desktop", "both", "text", "headers", "source")
    for key, pane in enumerate(panes, start=1):
        page.keyboard.press(str(key))
        expect(page.locator(f"#tab-{pane}")).to_have_attribute("aria-selected", "true")
        assert f"pane={pane}" in page.url
    expect(page.locator("#raw")).to_contain_text("MIME-Version: 1.0")


def test_keys_work_inside_the_mail_too(calm_studio, open_studio):
    page = open_studio(calm_studio, "?pane=phone")
    mail(page).locator("body").focus()
    mail(page).locator("a").first.focus()
    page.keyboard.press("4")
    expect(page.locator("#pane-text")).to_be_visible()


def test_brackets_step_through_the_readers_and_back_returns(calm_studio, open_studio):
    page = open_studio(calm_studio)
    page.keyboard.press("]")
    expect(page.locator("#who")).to_contain_text("Rafael")
    assert page.locator("#reader").input_value() == "rafael"
    page.keyboard.press("[")
    expect(page.locator("#who")).to_contain_text("Ines")
    page.go_back()
    expect(page.locator("#who")).to_contain_text("Rafael")


def test_choice_survives_a_reload(calm_studio, open_studio):
    page = open_studio(calm_studio)
    page.locator("#source").select_option("page <b>two</b>")
    expect(page.locator("#source-name")).to_contain_text("page <b>two</b>")
    page.keyboard.press("d")
    page.reload()
    expect(page.locator("#source-name")).to_contain_text("page <b>two</b>")
    expect(page.locator("#dark")).to_have_attribute("aria-pressed", "true")


def test_dark_switch_shows_the_dark_mail_whatever_the_system_prefers(calm_studio, open_studio):
    def background(page: Page) -> str:
        return mail(page).locator("body").evaluate("body => getComputedStyle(body).backgroundColor")

    seen = set()
    for system in ("light", "dark"):
        light = open_studio(calm_studio, "?pane=phone&scheme=light", scheme=system)
        dark = open_studio(calm_studio, "?pane=phone&scheme=dark", scheme=system)
        seen.add((background(light), background(dark)))
    assert len(seen) == 1
    assert len(set(seen.pop())) == 2


def test_mail_is_shown_in_full_height_without_a_scrollbar_of_its_own(calm_studio, open_studio):
    page = open_studio(calm_studio, "?pane=phone")
    expect(mail(page).locator("a").first).to_be_visible()
    inside = "frame => frame.contentDocument.documentElement.scrollHeight - frame.clientHeight"
    assert page.locator(".phone iframe:not(.coming)").evaluate(inside) <= 0


@pytest.mark.parametrize("width", [320, 375, 640, 1024, 1440])
def test_no_pane_makes_the_page_scroll_sideways(calm_studio, open_studio, width):
    page = open_studio(calm_studio, width=width)
    root = "document.documentElement"
    for key in "123456":
        page.keyboard.press(key)
        assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0, key


def test_saved_reader_file_shows_in_place_and_keeps_the_scroll(studio, open_studio):
    page = open_studio(studio, "?pane=phone")
    expect(page.locator("#live-text")).to_have_text("Live")
    expect(mail(page).locator("a").first).to_be_visible()
    page.evaluate("scrollTo(0, 400)")
    studio.edit("ines.toml", INES.replace("Ines", "Irma"))
    expect(page.locator("#who")).to_contain_text("Irma")
    expect(page.locator("#news")).to_have_text("Updated after ines.toml")
    assert page.evaluate("scrollY") == 400
    expect(page.locator("#tab-phone")).to_have_attribute("aria-selected", "true")


def test_broken_file_keeps_the_last_good_preview_and_mends_itself(studio, open_studio):
    page = open_studio(studio, "?pane=phone")
    expect(page.locator("#live-text")).to_have_text("Live")
    studio.edit("ines.toml", INES + "topcis = []\n")
    expect(page.locator("#problem")).to_contain_text("did you mean topics?")
    expect(page.locator("#picks li").first).to_be_visible()
    studio.edit("ines.toml", INES)
    expect(page.locator("#problem")).to_be_hidden()


def test_indicator_says_when_the_studio_is_gone_and_when_it_is_back(bench, tmp_path, open_studio):
    with running(bench, tmp_path) as studio:
        page = open_studio(studio)
        expect(page.locator("#live-text")).to_have_text("Live")
        port = urlsplit(studio.url).port
    expect(page.locator("#live-text")).to_have_text("Reconnecting")
    with running(bench, tmp_path, port=port):
        expect(page.locator("#live-text")).to_have_text("Live", timeout=15_000)
        expect(page.locator("#news")).to_have_text("Connected again")


def test_markup_in_names_titles_and_notes_is_shown_as_text(calm_studio, open_studio):
    page = open_studio(calm_studio, "?pane=both")
    alerts = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    expect(page.locator("#who")).to_contain_text("<img src=x onerror=alert(2)>")
    expect(page.locator("#notes")).to_contain_text(SCRIPT)
    expect(page.locator("#picks")).to_contain_text(SCRIPT)
    for pane in "123456":
        page.keyboard.press(pane)
    assert page.locator("aside script, aside img, #content img").count() == 0
    assert alerts == []


def test_links_of_the_mail_open_an_explanation_beside_the_studio(calm_studio, open_studio):
    page = open_studio(calm_studio, "?pane=desktop&reader=rafael")
    link = mail(page, "desktop").locator(f"a[href^='{calm_studio.url}/unsubscribe/']").first
    with page.context.expect_page() as opened:
        link.click()
    explanation = opened.value
    expect(explanation.locator("main")).to_contain_text("nothing was changed")
    explanation.locator("a.button").click()
    expect(explanation.locator("#who")).to_contain_text("Rafael")


def test_keyboard_help_opens_and_closes(calm_studio, open_studio):
    page = open_studio(calm_studio)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_no_request_leaves_this_machine(calm_studio, open_studio, chromium):
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    asked: set[str | None] = set()
    context.on("request", lambda request: asked.add(urlsplit(request.url).hostname))
    page = context.new_page()
    page.goto(calm_studio.url)
    expect(page.locator("#layout")).to_have_attribute("aria-busy", "false")
    for key in "123456d1di":
        page.keyboard.press(key)
    expect(mail(page).locator("a").first).to_be_visible()
    context.close()
    assert asked <= {"127.0.0.1", None}  # None: data: images
