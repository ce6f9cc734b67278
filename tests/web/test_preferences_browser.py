"""The settings in a real browser, and what must hold on every page of this part."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from front_world import Open, first, visits
from playwright.sync_api import Browser, Page, expect
from web_world import Site

from newsletter.links import Way
from newsletter.model import Status, Verdict

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(chromium: Browser, web: Site) -> Iterator[Open]:
    with visits(chromium, web) as opened:
        yield opened


# -- the settings


def test_the_settings_show_the_effect_of_a_change_before_it_is_saved(visit, web):
    reader = web.reader()
    page = visit(web.path(Way.PREFERENCES, reader.id))
    first(page, re.compile("."))
    page.locator(".chip", has_text="video generation").click()
    expect(page.locator("#preview .effect")).to_contain_text("would come in")
    expect(page.locator(".savebar a")).to_contain_text("would come in")
    expect(page.locator("#preview .new").first).to_have_text("comes in")
    assert web.app.subscriptions.get(reader.id).profile == reader.profile
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_contain_text(
        "Added topic: “video generation”."
    )
    topics = web.app.subscriptions.get(reader.id).profile.topics
    assert topics == ("efficient inference", "video generation")


def test_the_settings_work_without_script(visit, web):
    reader = web.reader()
    page = visit(web.path(Way.PREFERENCES, reader.id), script=False)
    page.locator(".chip", has_text="efficient inference").click()
    page.fill("#topics", "robot manipulation")
    page.get_by_role("button", name="Show me what changes").click()
    expect(page.locator("#preview .effect")).to_contain_text("would leave")
    page.locator("#send_at").select_option("17:00")
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator("#saved")).to_contain_text("The digest comes every weekday at 17:00")
    assert web.app.subscriptions.get(reader.id).profile.topics == ("robot manipulation",)
    page.fill("#topics", "robot hands")
    page.get_by_role("button", name="2 weeks").click()
    expect(page.locator("#saved")).to_contain_text("no mail before Friday, 17 April 2026")
    expect(page.locator("#topics")).to_have_value("robot hands")
    page.get_by_role("button", name="Resume now").first.click()
    expect(page.locator("#saved")).to_contain_text("Welcome back")
    page.get_by_role("link", name="Forget me").click()
    page.get_by_role("button", name="Yes, forget me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are forgotten")


def test_the_way_back_leads_to_what_was_saved(visit, web):
    page = visit(web.path(Way.PREFERENCES, web.reader().id))
    page.fill("#topics", "robots")
    page.click(".savebar button")
    expect(page.locator("#saved")).to_contain_text("Saved")
    page.click("text=unsubscribe")
    expect(page.locator("h1")).to_contain_text("Leave")
    page.go_back()
    expect(page.locator("#saved")).to_contain_text("Saved")
    expect(page.locator("#topics")).to_have_value("robots")


def test_a_day_for_the_end_of_a_pause_is_picked(visit, web):
    reader = web.reader()
    page = visit(web.path(Way.PAUSE, reader.id), width=375)
    page.fill("#until", "2026-06-01")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Monday, 1 June 2026")
    assert web.app.subscriptions.get(reader.id).status is Status.PAUSED


# -- for everybody


def sights(web: Site) -> dict[str, str]:
    """Every page of this part, in its states."""
    reader, left, paused = (web.reader(f"{n}@reader.example") for n in ("here", "left", "paused"))
    web.app.subscriptions.rate(reader.id, "2604.00001", Verdict.MORE, now=web.at)
    web.app.subscriptions.unsubscribe(left.id, now=web.at)
    web.client.post(web.path(Way.PAUSE, paused.id), data={"for": "1w"})
    settings = web.path(Way.PREFERENCES, reader.id)
    return {
        "front": "/",
        "check": "/check-your-mail",
        "settings": settings,
        "forget": settings + "/forget",
        "left": web.path(Way.PREFERENCES, left.id),
        "pause": web.path(Way.PAUSE, reader.id),
        "paused": web.path(Way.PAUSE, paused.id),
        "lost": "/nowhere",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280])
def test_no_page_has_an_accessibility_violation_or_scrolls_sideways(visit, web, width, scheme):
    page = visit(width=width, scheme=scheme)
    home = page.url.rstrip("/")
    for name, path in sights(web).items():
        page.goto(home + path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        look(page, name)
    page.goto(home)
    page.locator("form.split").evaluate("form => form.noValidate = true")
    page.fill("#topics", "robot learning\n" * 2 + "x" * 400)
    page.fill("#email", "nobody")
    page.get_by_role("button", name="Subscribe").last.click()
    expect(page.locator("#mistakes")).to_be_visible()
    look(page, "mistakes")


def test_no_word_of_how_often_it_comes_is_broken_on_the_smallest_phones(visit):
    page = visit(width=320)
    page.locator(".rhythm summary").click()
    page.get_by_label("Weekdays").check()  # bold letters are wider
    lines = page.locator(".segments span", has_text="Weekdays").evaluate(
        "it => { const range = document.createRange(); range.selectNodeContents(it);"
        " return range.getClientRects().length; }"
    )
    assert lines == 1


@pytest.mark.parametrize("way", [Way.PAUSE, Way.PREFERENCES])
def test_with_a_font_twice_as_large_no_page_scrolls_sideways_on_a_phone(visit, web, way):
    page = visit(web.path(way, web.reader().id), width=375)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") == 375


def look(page: Page, name: str) -> None:
    page.emulate_media(reduced_motion="reduce")  # colours are judged when nothing moves
    results = Axe().run(page)
    assert results.violations_count == 0, f"{name}: {results.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_whatever_is_pressed_on_a_phone_is_large_enough(visit, web):
    page = visit(width=375)
    page.locator(".rhythm summary").click()
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, .button, select, textarea, .chip, .segments label, summary, input:not([type=hidden], [type=checkbox], [type=radio])")]
          .filter((e) => e.checkVisibility() && !e.closest(".off, .hidden") && !e.matches(".hidden"))
          .filter((e) => e.getBoundingClientRect().height < 43.5)
          .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert small == []
