"""Whatever readers type, it is shown as text: pages, API, exports, logs."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from email.utils import getaddresses
from urllib.parse import quote

import pytest
from hostile_texts import HOSTILE, judge_html, judge_text, letters
from hostile_world import (
    LISTS,
    NOON,
    asked,
    calm,
    digest_of,
    hostile_reader,
    hostile_site,
    judge_json,
    letters_of,
    number_of,
)
from web_world import HOME, Site

from newsletter.links import Way
from newsletter.membership import Consent
from newsletter.model import Subscriber

every_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with hostile_site(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture(scope="module")
def reader(site) -> Subscriber:
    return hostile_reader(site)


@pytest.mark.parametrize(
    "page",
    [
        *(f"<p>{HOSTILE[name]}</p>" for name in ("script", "image", "svg")),
        '<a href="javascript:alert(4)">x</a>',
        f"<p>{7391 * 13}</p>",
        "<p>a\x1b[31mb</p>",
        "<p>safe\u202egpj.exe</p>",
    ],
)
def test_the_judge_of_pages_sees_each_of_these(page):
    with pytest.raises(AssertionError):
        judge_html(page, HOME)


# -- what is typed


@every_text
def test_the_api_takes_it_as_text_or_refuses_it_in_every_field(site, text):
    every = {name: [text[:300]] for name in (*LISTS, "disliked")}
    bodies = (every, {"muted": [], "liked_text": text}, {text: [text], "max_papers": text})
    for body in bodies:
        site.later(minutes=1)
        answer = site.client.post("/api/v1/preview", json=body)

        calm(answer)
        assert answer.status_code in (200, 422)
        judge_json(answer.json())


@every_text
def test_a_subscription_by_the_api_takes_it_as_text_in_every_field(site, text):
    sent = {"email": "ana@reader.example", "consent": True, "wishes": {"topics": ["robots"]}}
    for body in (
        {"email": text},
        {"email": f"{text}@reader.example"},
        {"email": f"ana@reader.example{text}"},
        {"wishes": {"name": text}},
        {"wishes": {"timezone": text}},
        {"wishes": {"send_at": text}},
        {"wishes": {"cadence": text}},
        {"stamp": text},
        {"proof": text},
        {"website": text},
        {"consent": text},
    ):
        answer = site.client.post(
            "/api/v1/subscriptions", json={**sent, "stamp": asked(site), **body}
        )

        calm(answer)
        assert answer.status_code in (202, 422)
        judge_json(answer.json())
    for mail in site.deliver():
        ((_, to),) = getaddresses([str(mail["to"])])
        assert re.fullmatch(r"(ana|ines|[chgone]+[0-9]+)@reader\.example", to)


@every_text
def test_request_headers_end_as_one_line_of_text(site, text):
    raw = text.encode("utf-8").translate(None, b"\r\n\x00")[:4000]
    headers = {"origin": raw, "user-agent": raw, "referer": raw, "x-forwarded-for": raw}
    number = number_of(text)
    body = {"email": f"h{number}@reader.example", "consent": True, "stamp": asked(site)}

    answer = site.client.post("/api/v1/subscriptions", json=body, headers=headers)

    calm(answer)
    desk = site.app.subscriptions
    held = desk.export(desk.find(f"h{number}@reader.example").id)
    judge_json(held)
    assert len(held["consents"][0]["origin"]) <= 204


@every_text
def test_the_front_page_shows_it_again_as_text(site, text):
    fields = dict.fromkeys(
        (*LISTS, "name", "timezone", "send_at", "email", "cadence", "max_papers"), text
    )
    for path in ("/preview", "/subscribe"):
        answer = site.client.post(path, data={**fields, "consent": "yes", "stamp": asked(site)})

        calm(answer)
        if answer.status_code != 303:
            judge_html(answer.text, HOME)


@every_text
def test_the_form_of_the_front_page_shows_the_very_letters(site, text):
    answer = site.client.post("/preview", data={"topics": text[:290]})

    assert answer.status_code == 200
    assert letters(text[:290]) in letters_of(judge_html(answer.text, HOME))


@every_text
def test_the_settings_take_and_show_it_as_text(site, reader, text):
    home = site.path(Way.PREFERENCES, reader.id)
    fields = dict.fromkeys(("topics", "keywords", "authors", "muted", "liked"), text[:290])
    for path, sent in (
        (home, {**fields, "name": text, "timezone": text}),
        (home, {"topics": text[:290], "name": text[:60]}),
        (f"{home}/pause", {"for": text, "until": text}),
    ):
        site.later(minutes=1)
        answer = site.client.post(path, data=sent)

        calm(answer)
        judge_html(answer.text, HOME)
    judge_html(site.client.get(home).text, HOME)
    judge_json(site.client.get(f"{home}/export").json())


@every_text
def test_a_lost_link_can_be_asked_for_with_it(site, text):
    for email in (text, f"{text}@reader.example"):
        answer = site.client.post("/lost-link", data={"email": email, "stamp": asked(site)})

        calm(answer)
        judge_html(answer.text, HOME)


@every_text
def test_reasons_to_leave_and_words_to_mute_are_text(site, reader, text):
    paper = site.site.chooser.pool.candidates[0].paper.id
    tune = site.path(Way.TUNE, digest_of(site, reader), paper)
    gone = site.app.subscriptions.enrol(
        f"gone{number_of(text)}@reader.example",
        None,
        Consent(at=NOON, origin="t", wording="w"),
        now=site.at,
    )
    for path, sent in (
        (f"{tune}/mute", {"word": text}),
        (f"{tune}/follow", {"author": text}),
        (site.path(Way.UNSUBSCRIBE, gone.id), {"reason": text, "why": text}),
    ):
        answer = site.client.post(path, data=sent)

        calm(answer)
        judge_html(answer.text, HOME)
    judge_html(site.client.get(tune, params={"word": text[:900]}).text, HOME)
    judge_json(site.app.subscriptions.export(gone.id))


@every_text
def test_no_address_of_a_page_can_smuggle_it(site, text):
    part = quote(text[:500], safe="")
    for path in (
        "/",
        "/view/",
        "/more/",
        "/confirm/",
        "/unsubscribe/",
        "/archive/",
        "/topics/",
        "/assets/x/",
    ):
        answer = site.client.get(f"{path}{part}")

        calm(answer)
        if answer.headers.get("content-type", "").startswith("text/html"):
            judge_html(answer.text, HOME)
    calm(site.client.get(f"/archive?page={part}"))
    calm(site.client.get(f"/api/v1/archive/{part}"))


@every_text
def test_logs_stay_one_line_a_record(site, reader, text, caplog):
    caplog.set_level(logging.DEBUG)
    site.client.post("/subscribe", data={"email": text, "name": text, "stamp": asked(site)})
    site.client.post("/api/v1/subscriptions", json={"email": text, "consent": True, "stamp": text})
    site.client.get("/view/x", params={"q": text[:500]}, headers={"user-agent": "x"})

    ours = [r.getMessage() for r in caplog.records if r.name.startswith(("newsletter", "uvicorn"))]
    for line in ours:
        judge_text(line)
        assert "\n" not in line


def test_after_all_that_every_table_stands_and_nobody_else_was_mailed(site, reader):
    assert site.app.subscriptions.get(reader.id).email == "ines@reader.example"
    assert site.app.store.count() > len(HOSTILE)
    recipients = {to for mail in site.sink.mails for _, to in getaddresses([str(mail["to"])])}
    assert not [to for to in recipients if not to.endswith("@reader.example") or "victim" in to]
    assert not [mail for mail in site.sink.mails if mail["bcc"] or mail["x-evil"]]
