"""In a real browser the mail is readable by everybody, on every width, by day and by night."""

from __future__ import annotations

import base64
import email
from email import policy

import pytest
from mail_samples import NOW, make_paper, make_pick, make_picks

from newsletter.model import Reason, Why

pytestmark = pytest.mark.browser

# a picture of 304 x 164 would be too much for a test: one pixel, stretched by the layout
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
WIDTHS = (320, 375, 640)
NAMES = ("mixed", "quiet", "cut", "confirmation", "settings", "short")
BELOW_FORTY = """() => [...document.querySelectorAll('a')]
  .map(link => ({link, box: (link.querySelector('img') || link).getBoundingClientRect()}))
  .filter(({box}) => box.height > 0 && box.height < 40)
  .map(({link, box}) => [link.textContent, box.height])"""
TOO_WIDE = """() => [...document.body.querySelectorAll('*')]
  .filter(one => one.getBoundingClientRect().right > window.innerWidth + 0.5)
  .map(one => one.outerHTML.slice(0, 100))"""


@pytest.fixture
def show(chromium):
    """Opens a mail as a client of some width would, pictures included, the network left alone."""
    contexts = []

    def opened(sent, *, width: int, scheme: str = "light", pictures: bool = True):
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()

        def answer(route):
            if pictures and route.request.resource_type == "image":
                route.fulfill(body=PIXEL, content_type="image/png")
            else:
                route.abort()

        page.route("**/*", answer)
        page.set_content(sent if isinstance(sent, str) else sent.rendered.html)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def letters(letterhead):
    """Both kinds of service letters, one with the longest address and link there can be."""
    long = "a" * 60 + "@" + "b" * 60 + ".example"
    given = {"letter_id": "x", "at": NOW}
    raws = {
        "confirmation": letterhead.confirmation(
            to="ada@reader.example", link="https://papers.example/confirm/" + "x" * 90, **given
        ),
        "settings": letterhead.settings(
            to=long, link="https://papers.example/" + "y" * 600, **given
        ),
        "short": letterhead.settings(to="a@b.example", link="https://x.example/", **given),
    }
    return {
        name: email.message_from_bytes(raw, policy=policy.default).get_body(("html",)).get_content()
        for name, raw in raws.items()
    }


@pytest.fixture(scope="module")
def mails(send, letters):
    """Mails with everything, with nothing, and with words that no line can hold."""
    surprise = (Reason(why=Why.SURPRISE, detail="the talk of the day"),)
    bare = make_paper(2, authors=(), abstract="", thumbnail_url="", keywords=(), code_url="")
    endless = make_paper(
        3,
        title="w" * 200,
        abstract="x" * 500,
        authors=("y" * 200,),
        organization="z" * 200,
        keywords=("k" * 32, "l" * 32, "m" * 32),
    )
    mixed = [
        make_pick(1, reasons=surprise),
        make_pick(2, paper=bare, reasons=(), upvotes=None, comments=None, stars=None),
        make_pick(3, paper=endless, reasons=(Reason(why=Why.TOPIC, detail="t" * 200),)),
        make_pick(4, upvotes=10**7, comments=10**6, stars=10**7),
    ]
    notes = ("Welcome! This is your first digest.", "n" * 200)
    return letters | {
        "mixed": send(mixed, notes=notes),
        "quiet": send([]),
        "cut": send(make_picks(40)),
    }


@pytest.mark.parametrize("name", ["mixed", "quiet", "confirmation", "settings"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_reader_is_shut_out(show, mails, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    page = show(mails[name], width=640, scheme=scheme)
    rules = {"landmark-one-main": {"enabled": False}, "region": {"enabled": False}}
    result = axe.Axe().run(page, options={"rules": rules})
    assert result.violations_count == 0, result.generate_report()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_scrolls_sideways(show, mails, name, width):
    page = show(mails[name], width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("width", [320, 375])
@pytest.mark.parametrize("name", NAMES)
def test_a_thumb_can_hit_every_link_on_a_phone(show, mails, name, width):
    assert show(mails[name], width=width).evaluate(BELOW_FORTY) == []


def test_a_picture_stands_right_of_the_title_and_below_it_on_a_phone(show, mails):
    boxes = """() => [document.querySelector('.card h2'), document.querySelector('.card img')]
      .map(one => one.getBoundingClientRect().toJSON())"""
    title, picture = show(mails["mixed"], width=640).evaluate(boxes)
    assert picture["width"] == 152
    assert picture["left"] >= title["right"]
    title, picture = show(mails["mixed"], width=375).evaluate(boxes)
    assert picture["top"] >= title["bottom"]
    assert picture["width"] > 300


def test_without_pictures_their_words_are_readable(show, mails):
    page = show(mails["mixed"], width=375, pictures=False)
    shown = page.locator(".card img").first
    assert shown.get_attribute("alt").startswith("Preview of “Paper 1")
    assert shown.bounding_box()["height"] >= 40
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


@pytest.mark.parametrize("name", ["mixed", "settings"])
def test_the_dark_mail_is_dark_everywhere(show, mails, name):
    page = show(mails[name], width=640, scheme="dark")
    lights = page.evaluate(
        """() => [...document.body.querySelectorAll('*')].filter(one => {
          const [r, g, b, a] = getComputedStyle(one).backgroundColor.match(/[\\d.]+/g).map(Number)
          return (a === undefined || a > 0) && r + g + b > 450 && !one.closest('.btn')
        }).map(one => one.outerHTML.slice(0, 100))"""
    )
    assert lights == []


def test_the_ways_to_rate_a_paper_share_one_line(show, mails):
    """On a phone they stand below the ways to read it, on a desk beside them."""
    tops = """() => [...document.querySelectorAll('.card')[3].querySelectorAll('.x a')]
      .map(link => Math.round(link.getBoundingClientRect().top))"""
    assert len(set(show(mails["mixed"], width=640).evaluate(tops))) == 1
    read, *_, more, less, tune = show(mails["mixed"], width=375).evaluate(tops)
    assert more == less == tune
    assert more >= read + 40


def test_the_button_of_a_letter_fills_a_phone(show, mails):
    box = "() => document.querySelector('.btn a').getBoundingClientRect().width"
    assert show(mails["confirmation"], width=375).evaluate(box) == 343
    assert show(mails["confirmation"], width=640).evaluate(box) < 300


def test_the_preheader_is_not_seen_in_the_mail_itself(show, mails):
    page = show(mails["mixed"], width=640)
    assert not page.get_by_text(mails["mixed"].digest.preheader).first.is_visible()
