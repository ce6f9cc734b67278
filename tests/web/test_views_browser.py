"""The pages behind links, and the archive, in a real browser: accessible, strict, calm, the same look."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from front_world import served
from playwright.sync_api import Browser, Page, expect
from web_world import CONSENT, Site

from newsletter.links import Way
from newsletter.mail.digest import digest_id
from newsletter.membership import Wishes
from newsletter.model import Profile, Reason, Status, Verdict, Why
from newsletter.web.views import without_pictures

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


class Place:
    """A served site with a reader, their digest, and links of every kind."""

    def __init__(self, web: Site, url: str) -> None:
        self.web = web
        self.url = url
        self.reader = web.reader()
        self.digest_id = digest_id(self.reader.id, "2026-04-03")
        web.reader("voted@reader.example")
        gone = web.reader("left@reader.example")
        web.app.subscriptions.unsubscribe(gone.id, now=web.at)
        self.left = web.path(Way.UNSUBSCRIBE, gone.id)

    def ask(self, address: str) -> str:
        """The path of a new confirmation link."""
        wishes = Wishes(profile=Profile(topics=("efficient inference", "robots")))
        asked = self.web.app.subscriptions.subscribe(address, wishes, CONSENT, now=self.web.at)
        return self.web.path(Way.CONFIRM, asked.token_id)

    def link(self, way: Way, paper: str = "2604.00001") -> str:
        return self.web.path(way, self.digest_id, paper)

    def pages(self) -> dict[str, str]:
        """Every kind of page that a GET shows."""
        subscriptions, at = self.web.app.subscriptions, self.web.at
        subscriptions.rate(self.reader.id, "2604.00004", Verdict.LESS, now=at)
        subscriptions.follow(self.reader.id, "Ada Byron", now=at)
        subscriptions.mute(self.reader.id, "quantization", now=at)
        spent = self.ask("spent@reader.example")
        self.web.client.post(spent)
        return {
            "confirm": self.ask("new@reader.example"),
            "spent": spent,
            "unsubscribe": self.web.path(Way.UNSUBSCRIBE, self.reader.id),
            "unsubscribed": self.left,
            "lost link": "/lost-link",
            "more": self.link(Way.MORE, "2604.00003"),
            "voted": self.link(Way.LESS, "2604.00004"),
            "tune": self.link(Way.TUNE) + "?word=language",
            "view": self.web.path(Way.VIEW, self.digest_id),
            "archive": "/archive",
            "day": "/archive/2026-04-03",
            "no day": "/archive/2026-04-05",
            "topics": "/topics",
            "topic": "/topics/efficient-inference",
        }


@pytest.fixture
def place(web: Site) -> Iterator[Place]:
    with served(web) as url:
        yield Place(web, url)


@pytest.fixture
def visit(chromium: Browser, place: Place) -> Iterator[Open]:
    """Opens a page; the policy may not be broken in it, and no other host may be asked."""
    contexts = []
    wrong: list[str] = []

    def opened(path: str, *, width: int = 375, scheme: str = "light", script: bool = True) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda said: None if "Failed to load" in said.text else wrong.append(said.text),
        )
        page.on(
            "request",
            lambda asked: (
                None
                if urlsplit(asked.url).hostname in ("127.0.0.1", None)
                else wrong.append(asked.url)
            ),
        )
        page.goto(place.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def judged(page: Page) -> None:
    """No axe violation, no sideways scrolling, everything to press large enough."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.eval_on_selector_all(
        "main button, main a.button, main input:not([type=hidden]), main textarea, main .choices a",
        """all => all.filter(one => !one.closest(".off, .check") && one.getClientRects().length)
               .filter(one => one.getBoundingClientRect().height < 43.5).map(one => one.outerHTML)""",
    )
    assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280])
def test_every_page_is_accessible(place, visit, width, scheme):
    page = visit("/lost-link", width=width, scheme=scheme)
    for path in place.pages().values():
        page.goto(place.url + path)
        judged(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_answers_of_buttons_are_accessible(place, visit, scheme):
    page = visit(place.ask("new@reader.example"), scheme=scheme)
    page.get_by_role("button", name="Yes, subscribe me").click()
    expect(page.get_by_role("heading", name="Welcome, you are in")).to_be_visible()
    judged(page)
    page.goto(place.url + place.link(Way.MORE, "2604.00003"))
    page.get_by_role("button", name="Yes, more like this").click()
    expect(page.get_by_role("status")).to_contain_text("Noted.")
    judged(page)
    page.goto(place.url + place.link(Way.TUNE))
    page.get_by_role("button", name="Follow Ada Byron").click()
    expect(page.get_by_role("status")).to_contain_text("You follow Ada Byron.")
    judged(page)
    page.goto(place.url + "/lost-link")
    page.get_by_label("Your e-mail address").fill("a@b")
    page.get_by_role("button", name="Mail me my link").click()
    expect(page.get_by_role("alert")).to_be_visible()
    judged(page)
    page.goto(place.url + place.left)
    page.get_by_label("Too many mails").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("thank you")
    judged(page)
    page.get_by_role("button", name="come back").click()
    expect(page.get_by_role("heading", name="Good to have you back")).to_be_visible()
    judged(page)


def test_vote_and_undo_with_the_keyboard_alone_and_without_script(place, visit):
    page = visit(place.link(Way.LESS, "2604.00002"), script=False)
    _press(page, re.compile("Yes, less like this"))
    expect(page.get_by_role("status")).to_contain_text("Noted.")
    assert len(place.web.app.subscriptions.votes(place.reader.id)) == 1
    _press(page, re.compile("Undo"))
    expect(page.get_by_role("status")).to_contain_text("Taken back.")
    assert place.web.app.subscriptions.votes(place.reader.id) == ()


def _press(page: Page, name: re.Pattern[str]) -> None:
    """Tabs to a button and presses it."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.get_by_role("button", name=name).evaluate("it => it === document.activeElement"):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way to {name.pattern} by keyboard")


def test_word_is_tried_then_muted(place, visit):
    page = visit(place.link(Way.TUNE))
    page.get_by_label("A word or phrase of your own").fill("drafting")
    page.get_by_role("button", name="See the effect").click()
    expect(page.locator(".tried")).to_contain_text("would have left out 1 of these 4")
    page.get_by_role("button", name="Mute “drafting”").click()
    expect(page.get_by_role("status")).to_contain_text("“drafting” is muted.")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("may appear again")
    assert place.web.app.subscriptions.get(place.reader.id).profile.muted == ()


def test_lost_link_proves_its_work_and_mails(place, visit):
    place.web.deliver()
    place.web.later(days=2)
    page = visit("/lost-link")
    page.get_by_label("Your e-mail address").fill("ines@reader.example")
    place.web.later(seconds=10)
    page.get_by_role("button", name="Mail me my link").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    (mail,) = place.web.deliver()
    assert mail["To"] == "ines@reader.example"


def test_unsubscribe_and_come_back(place, visit):
    page = visit(place.web.path(Way.UNSUBSCRIBE, place.reader.id), script=False)
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    standing = place.web.app.subscriptions.get
    assert standing(place.reader.id).status is Status.UNSUBSCRIBED
    page.get_by_role("button", name="come back").click()
    expect(page.get_by_role("heading", name="Good to have you back")).to_be_visible()
    assert standing(place.reader.id).status is Status.ACTIVE


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 640])
def test_page_of_a_digest_looks_the_same_as_with_inline_styles(
    place, visit, chromium, width, scheme
):
    """The one is served under the strict policy, the other is the mail as it was rendered."""
    web = place.web
    _make_rich(place)
    digest = web.app.store.digest(place.digest_id)
    links = web.site.links.for_digest(digest)
    mail = web.site.post.renderer.render(without_pictures(digest), place.reader, links).html
    page = visit(web.path(Way.VIEW, digest.id), width=width, scheme=scheme)
    shown, looks = page.screenshot(full_page=True), _looks(page)
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    original = context.new_page()
    original.set_content(mail)
    assert original.screenshot(full_page=True) == shown
    assert _looks(original) == looks
    context.close()


def _make_rich(place: Place) -> None:
    """A digest with everything the template knows: notes, a surprise, an organisation, figures."""
    web = place.web
    digest = web.app.store.digest(place.digest_id)
    surprise = Reason(why=Why.SURPRISE, detail="rose by 40 votes in a day")
    picks = (
        replace(digest.picks[0], comments=12, stars=3400),
        *digest.picks[1:-1],
        replace(digest.picks[-1], reasons=(surprise,)),
    )
    rich = replace(
        digest, id=f"{digest.id}x", edition="2026-04-02", picks=picks, notes=("A note.", "Two.")
    )
    with web.app.store.changing_register() as register:
        register.digests.keep_all([rich])
    place.digest_id = rich.id


def _looks(page: Page) -> list[list[str]]:
    """What the browser computed for every element of the body."""
    return page.evaluate(
        """() => [...document.body.querySelectorAll("*")].map(one => {
            const style = getComputedStyle(one);
            return ["color", "background-color", "font-size", "line-height", "font-weight",
                    "font-family", "padding", "margin", "width", "display", "border-radius",
                    "border-top-color", "text-decoration-line", "text-align"]
                .map(name => style.getPropertyValue(name));
        })"""
    )


def test_the_bullet_of_a_hebrew_title_stays_within_its_list(visit, place):
    page = visit(place.link(Way.TUNE) + "?word=language")
    bullet = """item => {
      item.textContent = 'מודלים של שפה'
      return getComputedStyle(item).listStylePosition
    }"""
    assert page.locator(".tried li").first.evaluate(bullet) == "inside"
