"""Whatever papers are called and readers ask for, mails, feeds and the terminal show it as text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from xml.etree import ElementTree

import pytest
from hostile_texts import HOSTILE, judge_html, judge_text, letters
from hostile_world import (
    DAY,
    NOON,
    Octets,
    asked,
    digest_of,
    hostile_paper,
    hostile_profile,
    hostile_reader,
    hostile_site,
    judge_json,
    letters_of,
)
from web_world import HOME, Site, links_in

from newsletter.cli import subscribers as desk_cli
from newsletter.links import Way
from newsletter.mail.digest import make_digest
from newsletter.mail.lint import check_letter
from newsletter.membership import one_line
from newsletter.model import Format, Pick, Reason, Subscriber, Why
from newsletter.pipeline import deliver_due
from newsletter.posting import finish

every_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with hostile_site(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture(scope="module")
def reader(site) -> Subscriber:
    return hostile_reader(site)


# -- what papers are called


@pytest.mark.parametrize(
    "path", ["/", "/archive", f"/archive/{DAY}", "/topics", "/topics/efficient-inference"]
)
def test_public_pages_show_papers_as_text(site, path):
    answer = site.client.get(path)

    assert answer.status_code == 200
    judge_html(answer.text, HOME)


def test_the_page_of_the_day_shows_the_letters_of_every_paper(site):
    seen = letters_of(judge_html(site.client.get(f"/archive/{DAY}").text, HOME))

    for text in HOSTILE.values():
        assert letters(text)[:8] in seen


@pytest.mark.parametrize("path", ["/archive/feed.atom", "/topics/efficient-inference/feed.atom"])
def test_atom_feeds_are_whole_and_hold_papers_as_text(site, path):
    answer = site.client.get(path)

    tree = ElementTree.fromstring(answer.content)
    assert "text/html" not in answer.headers["content-type"]
    for element in tree.iter():
        judge_text(element.text or "")
        if element.get("type") == "html":
            judge_html(element.text or "", HOME)
        assert not (element.get("href") or "").startswith("javascript:")


@pytest.mark.parametrize(
    "path",
    ["/archive/feed.json", "/topics/efficient-inference/feed.json", f"/api/v1/archive/{DAY}"],
)
def test_json_of_papers_holds_text_and_safe_addresses(site, path):
    answer = site.client.get(path)

    judge_json(answer.json())
    assert "json" in answer.headers["content-type"]


def test_the_site_map_is_whole(site):
    ElementTree.fromstring(site.client.get("/sitemap.xml").content)


def test_the_pages_behind_a_mail_show_papers_as_text(site, reader):
    digest = digest_of(site, reader)
    with site.app.store.register() as register:
        picks = register.digests.get(digest).picks
    paths = [site.path(Way.VIEW, digest)]
    paths += [site.path(Way.TUNE, digest, pick.paper.id) for pick in picks]
    paths += [site.path(Way.MORE, digest, pick.paper.id) for pick in picks[:3]]
    for path in paths:
        answer = site.client.get(path)

        assert answer.status_code == 200
        judge_html(answer.text, HOME)


# -- mails


@every_text
@pytest.mark.parametrize("kind", list(Format))
def test_a_digest_full_of_it_passes_every_check_and_is_text(site, text, kind):
    paper = hostile_paper(0, text)
    reasons = tuple(Reason(why=why, detail=text) for why in Why)
    subscriber = Subscriber(
        id="s1",
        email="ines@reader.example",
        name=one_line(text)[:80],
        profile=hostile_profile(text),
        format=kind,
        since=DAY,
    )
    digest = make_digest(
        subscriber=subscriber,
        picks=(Pick(paper=paper, score=0.5, reasons=reasons, upvotes=3),),
        considered=12,
        edition="2026-04-03",
        now=NOON,
    )

    mail = finish(replace(digest, notes=(text,)), subscriber, site.app.live_post)

    assert not [check for check in mail.checks if not check.holds]
    judge_text(mail.rendered.text)
    if kind is Format.HTML:
        seen = judge_html(mail.rendered.html, HOME)
        assert letters(text)[:8] in letters_of(seen)
    assert letters(text)[:8] in letters_of(mail.rendered.text)
    head = mail.raw.partition(b"\r\n\r\n")[0].lower()
    assert b"\nx-evil" not in head
    assert b"\nbcc" not in head


def test_a_confirmation_holds_nothing_that_a_form_said(site):
    for number, text in enumerate(HOSTILE.values()):
        body = {"email": f"c{number}@reader.example", "consent": True, "stamp": asked(site)}
        wishes = {"name": one_line(text)[:80], "topics": [text[:300]]}
        site.client.post("/api/v1/subscriptions", json={**body, "wishes": wishes})
    relay = Octets()
    deliver_due(site.app.store, site.app.live_post, relay, now=lambda: site.at, most=200)

    sent = [(to, raw) for to, raw in relay.mails if to.startswith("c")]
    assert len(sent) > len(HOSTILE) // 2
    said = set()
    for to, raw in sent:
        assert not [check for check in check_letter(raw) if not check.holds]
        mail = message_from_bytes(raw, policy=default)
        (link,) = [link for link in links_in(mail) if link.startswith("/confirm/")]
        parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
        said.add("".join(parts).replace(to, "").replace(link, ""))
    assert len(said) == 1


# -- the operator's side


def test_the_terminal_shows_it_as_text(site, reader, capsys, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_CONFIG", str(site.folder / "settings.toml"))
    for words in (
        ["list"],
        ["show", "ines@reader.example"],
        ["show", "ines@reader.example", "--json"],
    ):
        desk_cli.cli(words, standalone_mode=False)
        said = capsys.readouterr()
        judge_text(said.out + said.err)
        assert "ines@reader.example" in said.out


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_an_export_holds_it_as_text_and_no_formula(site, reader, kind, tmp_path, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_CONFIG", str(site.folder / "settings.toml"))
    file = tmp_path / f"out.{kind}"
    desk_cli.cli(["export", str(file)], standalone_mode=False)
    text = file.read_text(encoding="utf-8")

    judge_text(text)
    if kind == "json":
        assert "ines@reader.example" in {row["email"] for row in json.loads(text)}
    else:
        rows = list(csv.reader(io.StringIO(text)))
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@", "\t"))]
