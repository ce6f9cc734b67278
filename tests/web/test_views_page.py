"""The digest in the browser: the same as the mail, without pictures, inline styles or other hosts."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from web_world import HOME

from newsletter.links import Way
from newsletter.mail.digest import digest_id
from newsletter.model import Digest, Profile
from newsletter.web.hoist import hoist
from newsletter.web.views import without_pictures


@pytest.fixture
def digest(web) -> Digest:
    return web.app.store.digest(digest_id(web.reader().id, "2026-04-03"))


def test_page_is_the_very_digest_and_changes_nothing(web, digest):
    before = web.dump()
    answer = web.client.get(web.path(Way.VIEW, digest.id))
    assert answer.status_code == 200
    for pick in digest.picks:
        assert pick.paper.title in answer.text
    assert "your topic “efficient inference”" in answer.text
    assert web.dump() == before


def test_page_is_private(web, digest):
    headers = web.client.get(web.path(Way.VIEW, digest.id)).headers
    assert headers["x-robots-tag"] == "noindex"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"


def test_policy_allows_exactly_the_style_sheets_of_the_page(web, digest):
    answer = web.client.get(web.path(Way.VIEW, digest.id))
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    soup = BeautifulSoup(answer.text, "html.parser")
    hashed = {
        "'sha256-" + base64.b64encode(hashlib.sha256(s.string.encode()).digest()).decode() + "'"
        for s in soup.find_all("style")
    }
    assert set(policy["style-src"].split()) == hashed
    assert not soup.find_all(style=True)
    assert not soup.find_all(["script", "img", "iframe", "object"])


def test_links_of_the_footer_work(web, digest):
    soup = BeautifulSoup(web.client.get(web.path(Way.VIEW, digest.id)).text, "html.parser")
    ours = {a["href"].removeprefix(HOME) for a in soup.find_all("a") if a["href"].startswith(HOME)}
    assert {path.split("/")[1] for path in ours} >= {"more", "less", "unsubscribe", "preferences"}
    for path in ours:
        assert web.client.get(path).status_code == 200


def test_thumbnails_are_left_out(digest):
    picks = tuple(
        replace(p, paper=replace(p.paper, thumbnail_url="https://cdn.example/x.png"))
        for p in digest.picks
    )
    bare = without_pictures(replace(digest, picks=picks))
    assert bare == digest


def test_picks_that_the_mail_left_out_are_here(web, digest):
    many = tuple(
        replace(
            digest.picks[0],
            paper=replace(
                digest.picks[0].paper,
                id=f"2604.1{n:04d}",
                title=f"Long paper {n}",
                abstract="word " * 400,
            ),
        )
        for n in range(50)
    )
    reader = web.app.subscriptions.get(digest.subscriber_id)
    wide = replace(reader, profile=Profile(max_papers=50, abstract_length=2000))
    long = replace(digest, picks=many)
    from newsletter.web.views import Views

    links = web.site.links.for_digest(long)
    assert web.site.post.renderer.render(long, wide, links).hidden > 0
    whole = Views(web.site)._renderer.render(long, wide, links)
    assert (whole.shown, whole.hidden, whole.abstract_length) == (50, 0, 2000)
    assert web.site.post.renderer.render(long, wide, links).hidden > 0


@pytest.mark.parametrize("method", ["get", "head"])
def test_forged_link_is_404(web, digest, method):
    link = web.path(Way.VIEW, digest.id)
    assert getattr(web.client, method)(link[:-1]).status_code == 404
    assert getattr(web.client, method)("/view/nonsense").status_code == 404


def test_digest_of_somebody_forgotten_is_gone(web, digest):
    web.app.subscriptions.forget(digest.subscriber_id, now=web.at)
    assert web.client.get(web.path(Way.VIEW, digest.id)).status_code == 410


# -- hoisting


def test_equal_styles_become_one_class():
    page = hoist('<head></head><p class="a b" style="color:red">x</p><p style=" color:red ">y</p>')
    assert page.html.count("color:red") == 1
    assert 'class="a b hoisted-1"' in page.html
    assert 'class="hoisted-1"' in page.html


def test_inline_important_stays_important():
    assert "{color:red !important}" in hoist('<p style="color:red !important">x</p>').html


@pytest.mark.parametrize(
    "style", ["color:red}body{display:none", "</style><script>", "x:/*", "a:\\7d", "content:'<b>'"]
)
def test_style_that_could_break_out_is_left_out(style):
    page = hoist(f'<head></head><p style="{style}">text</p>')
    assert "<p>text</p>" in page.html
    assert "display:none" not in page.html


def test_comments_for_mail_clients_go():
    page = hoist("<body><!--[if mso]><table style='x:y'><![endif]-->text<!-- more --></body>")
    assert "mso" not in page.html
    assert "text" in page.html


def test_style_sheets_stay_and_are_hashed():
    page = hoist("<head><style>a > b{color:red}</style></head><p>x</p>")
    assert "a > b{color:red}" in page.html
    wanted = base64.b64encode(hashlib.sha256(b"a > b{color:red}").digest()).decode()
    assert f"'sha256-{wanted}'" in page.hashes


@given(style=st.text(max_size=60))
def test_no_style_attribute_is_ever_left(style):
    attribute = style.replace("&", "&amp;").replace('"', "&quot;")
    page = hoist(f'<head></head><p style="{attribute}">x</p>')
    soup = BeautifulSoup(page.html, "html.parser")
    assert not soup.find_all(style=True)
    assert len(soup.find_all("p")) == 1
    assert all(len(re.findall("[{}]", s.string or "")) in (0, 2) for s in soup.find_all("style"))


def test_mail_as_a_whole_is_the_main_part_of_its_page():
    page = hoist('<div role="article" aria-roledescription="email" class="bg">text</div>')
    main = BeautifulSoup(page.html, "html.parser").div
    assert main.attrs == {"role": "main", "class": ["bg"]}
