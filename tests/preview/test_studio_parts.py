"""The studio's pure parts: variants of the mail, what is watched, what a link is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.links import Key, LinkMaker, peek
from newsletter.preview.bell import Ring, Watch
from newsletter.preview.links_explained import PAGES
from newsletter.preview.variants import Scheme, in_scheme

MAIL = """<!doctype html><html><head><title>About (prefers-color-scheme: dark)</title>
<style>a{color:red} @media (prefers-color-scheme:dark){a{color:blue}}
@media screen and ( Prefers-Color-Scheme : light ) and (max-width:9px){a{color:green}}</style></head>
<body><source media="(prefers-color-scheme: dark)" srcset="x">@media (prefers-color-scheme: dark)</body>
"""


def test_dark_variant_holds_every_dark_condition_and_no_light_one():
    dark = in_scheme(MAIL, Scheme.DARK)
    assert "@media (min-width:0){a{color:blue}}" in dark
    assert "@media screen and (max-width:0) and (max-width:9px)" in dark
    assert 'media="(min-width:0)"' in dark
    assert ":root{color-scheme:dark only!important}" in dark


def test_light_variant_is_light_even_if_the_browser_prefers_dark():
    light = in_scheme(MAIL, Scheme.LIGHT)
    assert "@media (max-width:0){a{color:blue}}" in light
    assert ":root{color-scheme:light only!important}" in light


def test_words_of_the_mail_are_never_changed():
    dark = in_scheme(MAIL, Scheme.DARK)
    assert "<title>About (prefers-color-scheme: dark)</title>" in dark
    assert ">@media (prefers-color-scheme: dark)</body>" in dark


@given(st.text())
def test_any_text_survives_as_a_mail(text):
    assert in_scheme(text, Scheme.LIGHT).endswith(text[-1:])


@given(st.text(), st.lists(st.text("abc0/:.", min_size=1), min_size=1, max_size=3))
def test_subject_of_a_link_is_read_whatever_its_secret(secret, subject):
    token = LinkMaker("http://x", [Key(1, secret)]).url("more", *subject).rpartition("/")[2]
    assert peek(token) == tuple(subject)


@given(st.text())
def test_any_token_is_read_without_an_error(token):
    assert isinstance(peek(token), tuple)


@pytest.mark.parametrize(
    "purpose", ["unsubscribe", "preferences", "pause", "more", "less", "view", "archive"]
)
def test_every_kind_of_link_has_an_explanation(purpose):
    assert purpose in PAGES


def test_replaced_file_and_target_of_a_link_are_both_watched(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "reader.toml"
    target.touch()
    link = tmp_path / "reader.toml"
    link.symlink_to(target)
    watch = Watch.over([link])
    assert watch.wants(link)
    assert watch.wants(target)
    assert {tmp_path, tmp_path / "real"} <= set(watch.roots)
    assert not watch.wants(tmp_path / "other.toml")


def test_directories_are_watched_with_everything_below(tmp_path):
    (tmp_path / "mail" / "parts").mkdir(parents=True)
    watch = Watch.over([tmp_path / "mail"])
    assert watch.wants(tmp_path / "mail" / "parts" / "card.j2")
    assert tmp_path / "mail" / "parts" in watch.roots
    assert not watch.wants(tmp_path / "notes.txt")


def test_file_that_does_not_exist_yet_is_watched_through_its_directory(tmp_path):
    watch = Watch.over([tmp_path / "later.toml", tmp_path / "no" / "where.toml"])
    assert watch.roots == (tmp_path,)
    assert watch.wants(tmp_path / "later.toml")


@given(st.lists(st.text()))
def test_no_file_name_can_break_an_event_apart(names):
    event = Ring(files=tuple(names)).event().decode()
    assert event.count("\n") == 3
    assert event.endswith("\n\n")
