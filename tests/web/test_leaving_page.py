"""Ways out: one click of a mail client, the button of the page, coming back, the lost link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_world import CONSENT, Site, links_in

from newsletter.links import Way
from newsletter.membership import Wishes
from newsletter.model import Cadence, Status

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def reader(web):
    return web.reader()


@pytest.fixture
def link(web, reader):
    return web.path(Way.UNSUBSCRIBE, reader.id)


def status(web, reader):
    return web.app.subscriptions.get(reader.id).status


def reason(web, reader) -> str:
    with web.app.store.register() as register:
        return register.by_id(reader.id).status_reason


def test_page_offers_the_button_and_gentler_ways_and_changes_nothing(web, reader, link):
    before = web.dump()
    page = web.client.get(link)
    assert page.status_code == 200
    assert f'<form method="post" action="{link}">' in page.text
    assert web.path(Way.PAUSE, reader.id) in page.text
    assert web.path(Way.PREFERENCES, reader.id) in page.text
    assert web.client.head(link).status_code == 200
    assert web.dump() == before


@pytest.mark.parametrize(("cadence", "offered"), [(Cadence.DAILY, True), (Cadence.WEEKLY, False)])
def test_once_a_week_is_offered_to_whom_it_would_be_less(web, cadence, offered):
    reader = web.reader("bo@reader.example", cadence=cadence)
    page = web.client.get(web.path(Way.UNSUBSCRIBE, reader.id))
    assert ("Once a week" in page.text) is offered


@pytest.mark.parametrize(
    "body",
    [{"data": ONE_CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}],
    ids=["urlencoded", "multipart"],
)
def test_mail_client_unsubscribes_with_one_post(web, reader, link, body):
    for _ in range(2):  # again is a success too
        answer = web.client.post(link, **body)
        assert answer.status_code == 200
        assert "location" not in answer.headers
        assert "set-cookie" not in answer.headers
        assert answer.headers["content-type"].startswith("text/plain")
        assert "You are unsubscribed" in answer.text
        assert status(web, reader) is Status.UNSUBSCRIBED


def test_link_in_the_header_of_the_mail_is_this_very_link(web, reader, link):
    (mail,) = web.deliver()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"https://papers.example{link}>" in mail["List-Unsubscribe"]


def test_nothing_is_sent_any_more_after_one_click(web, reader, link):
    web.client.post(link, data=ONE_CLICK)
    assert web.deliver() == []  # the digest that was queued already stays here


@pytest.mark.parametrize("event", ["bounce", "complain"])
def test_one_click_of_a_bounced_or_complaining_reader_is_a_success(web, reader, link, event):
    getattr(web.app.subscriptions, event)(reader.id, now=web.at)
    assert web.client.post(link, data=ONE_CLICK).status_code == 200
    assert web.client.get(link).status_code == 200
    assert status(web, reader) in (Status.BOUNCED, Status.COMPLAINED)


def test_one_click_of_a_forgotten_reader_is_a_success_and_the_page_is_gone(web, reader, link):
    web.app.subscriptions.forget(reader.id, now=web.at)
    assert web.client.post(link, data=ONE_CLICK).status_code == 200
    assert web.client.post(link).status_code == 200
    answer = web.client.get(link)
    assert answer.status_code == 410
    assert "Nothing is kept about you any more" in answer.text


def test_forged_one_click_is_404_and_changes_nothing(web, reader, link):
    before = web.dump()
    for path in (link[:-1], f"{link}x", "/unsubscribe/1-x.y", "/unsubscribe/x"):
        answer = web.client.post(path, data=ONE_CLICK)
        assert answer.status_code == 404
    assert web.dump() == before


def test_button_answers_a_page_with_a_way_back_and_a_question(web, reader, link):
    answer = web.client.post(link)
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert f'action="{link}/undo"' in answer.text
    assert "May we know why?" in answer.text
    assert status(web, reader) is Status.UNSUBSCRIBED


def test_reason_is_kept_as_one_short_line(web, reader, link):
    web.client.post(link)
    answer = web.client.post(
        link, data={"reason": "too many", "words": "far\r\nBcc: x@y.example " + "z" * 900}
    )
    assert "Noted, thank you" in answer.text
    kept = reason(web, reader)
    assert kept.startswith("Too many mails: far Bcc: x@y.example zzz")
    assert len(kept) == 500


def test_empty_reason_form_changes_nothing(web, reader, link):
    web.client.post(link, data={"reason": "no time"})
    before = web.dump()
    web.client.post(link, data={"words": "  "})
    assert reason(web, reader) == "No time to read them"
    assert web.dump() == before


def test_who_left_by_mistake_comes_back_with_everything(web, reader, link):
    web.client.post(link)
    answer = web.client.post(f"{link}/undo")
    assert answer.status_code == 200
    assert "Good to have you back" in answer.text
    back = web.app.subscriptions.get(reader.id)
    assert back.status is Status.ACTIVE
    assert back.profile == reader.profile
    with web.app.store.register() as register:
        assert register.consents(reader.id)[-1].origin == "unsubscribe page"


def test_undo_by_somebody_subscribed_changes_nothing(web, reader, link):
    before = web.dump()
    assert web.client.post(f"{link}/undo").status_code == 200
    assert web.dump() == before


def test_undo_needs_a_post_and_a_true_link(web, reader, link):
    web.client.post(link)
    before = web.dump()
    assert web.client.get(f"{link}/undo").status_code == 303
    assert web.client.post(f"{link}x/undo").status_code == 404
    assert web.dump() == before


def test_somebody_who_never_confirmed_can_leave_too(web):
    web.app.subscriptions.subscribe("new@reader.example", Wishes(), CONSENT, now=web.at)
    reader = web.app.subscriptions.find("new@reader.example")
    link = web.path(Way.UNSUBSCRIBE, reader.id)
    assert "Leave" in web.client.get(link).text
    assert web.client.post(link, data=ONE_CLICK).status_code == 200
    assert status(web, reader) is Status.UNSUBSCRIBED


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """An installation whose reader has left already: any further POST must be harmless."""
    site = Site(tmp_path_factory.mktemp("left"))
    site.link = site.path(Way.UNSUBSCRIBE, site.reader().id)
    site.client.post(site.link)
    yield site
    site.close()


@given(
    body=st.binary(max_size=300),
    kind=st.sampled_from(
        [
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=x",
            "multipart/form-data; boundary=x; charset=nonsense",
            "application/json",
            "text/plain; charset=?",
            "",
        ]
    ),
)
def test_whatever_is_posted_is_no_error(left, body, kind):
    answer = left.client.post(left.link, content=body, headers={"content-type": kind})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\ncontent-disposition: form-data; name=List-Unsubscribe\r\n\r\nOne-Click\r\n--x--",
        b'--x\r\ncontent-disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click',
    ],
    ids=["bare name", "without an end"],
)
def test_sloppy_multipart_of_a_mail_client_is_understood(web, reader, link, body):
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = web.client.post(link, content=body, headers=kind)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert status(web, reader) is Status.UNSUBSCRIBED


# -- the lost link


def ask(web: Site, address: str, **more: str):
    """Fills in the form like a person who takes a while."""
    stamp = web.site.doorman.stamp()
    web.later(seconds=20)
    return web.client.post("/lost-link", data={"email": address, "stamp": stamp, **more})


def test_form_asks_for_one_thing_and_works_without_script(shown):
    page = shown.client.get("/lost-link")
    assert page.status_code == 200
    assert 'data-proof="/proof"' in page.text
    for name in ("email", "stamp", "proof", "website"):
        assert f'name="{name}"' in page.text


def test_link_is_mailed_to_who_is_known_and_everybody_sees_the_same(web, reader):
    web.deliver()
    web.later(days=2)
    known = ask(web, "ines@reader.example")
    unknown = ask(web, "nobody@reader.example")
    assert known.status_code == unknown.status_code == 200
    assert known.text.replace("ines@", "nobody@") == unknown.text
    (mail,) = web.deliver()
    assert mail["To"] == "ines@reader.example"
    assert web.path(Way.PREFERENCES, reader.id) in links_in(mail)


def test_second_request_of_a_day_mails_nothing_and_looks_the_same(web, reader):
    web.deliver()
    web.later(days=2)
    first, second = ask(web, "ines@reader.example"), ask(web, "ines@reader.example")
    assert first.text == second.text
    assert len(web.deliver()) == 1


@pytest.mark.parametrize("address", ["", "ines", "a@b", "<script>@x.example", "x" * 5000])
def test_mistyped_address_is_shown_again_with_the_reason(shown, address):
    answer = shown.client.post("/lost-link", data={"email": address})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert 'aria-describedby="email-wrong"' in answer.text
    assert "<script>@" not in answer.text


def test_filled_honeypot_is_answered_alike_and_mails_nothing(web, reader):
    web.deliver()
    web.later(days=2)
    answer = ask(web, "ines@reader.example", website="https://spam.example")
    assert "Look into your mailbox" in answer.text
    assert web.deliver() == []


def test_form_sent_too_quickly_is_shown_again_filled_in(web, reader):
    stamp = web.site.doorman.stamp()
    answer = web.client.post("/lost-link", data={"email": "ines@reader.example", "stamp": stamp})
    assert answer.status_code == 422
    assert 'value="ines@reader.example"' in answer.text
    assert 'role="alert"' in answer.text


def test_flood_from_one_network_is_told_to_wait(web):
    answers = [ask(web, f"r{n}@reader.example") for n in range(4)]
    assert answers[-1].status_code == 429
    assert "If JavaScript is switched off" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) > 0
    assert 'value="r3@reader.example"' in answers[-1].text


@given(body=st.binary(max_size=200), kind=st.sampled_from(["multipart/form-data; boundary=x", ""]))
def test_junk_at_the_lost_link_is_no_error(left, body, kind):
    answer = left.client.post("/lost-link", content=body, headers={"content-type": kind})
    assert answer.status_code == 422
