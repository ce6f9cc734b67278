"""From the first visit to the last click, over a real browser, a real app and a real SMTP server."""

from __future__ import annotations

import pytest
from living import Living
from visitor import ByKeyboard, Visitor, WithoutScripts, visiting

from newsletter.pipeline import compose_due

ADDRESS = "ines@reader.example"

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("kind", [Visitor, WithoutScripts, ByKeyboard])
def test_a_reader_comes_is_served_changes_leaves_and_comes_back(house: Living, chromium, kind):
    with visiting(kind, chromium) as reader:
        _finds_the_page_and_subscribes(house, reader)
        digest = _confirms(house, reader)
        _votes(house, reader, digest)
        _changes_the_hour_and_pauses(house, reader, digest)
        _leaves_by_the_button_of_the_mail_client(house, digest)
        _comes_back(house, reader, digest)

    assert reader.complaints == []


def _finds_the_page_and_subscribes(house: Living, reader: Visitor) -> None:
    reader.goes_to(house.url)
    reader.writes("Topics, in your own words", "robot manipulation")
    reader.sees_in_preview("Robot manipulation with touch")
    reader.writes("E-mail address", ADDRESS)
    reader.ticks("I would like to receive this newsletter")
    house.later(seconds=5)  # nobody fills in a form at once
    reader.presses("Subscribe")
    reader.sees("Look into your mailbox")
    assert house.status(ADDRESS) == "pending"


def _confirms(house: Living, reader: Visitor):
    asked = house.mailbox.next()
    assert asked["To"] == ADDRESS
    assert "robot" not in asked.as_string()

    reader.goes_to(house.link(asked, "confirm"))
    assert house.status(ADDRESS) == "pending"
    reader.presses("Yes, subscribe me")
    reader.sees("Welcome, you are in")
    assert house.status(ADDRESS) == "active"

    digest = house.mailbox.next()
    text = digest.get_body(("plain",)).get_content()
    assert "Welcome!" in text
    assert "Robot manipulation with touch" in text
    assert "your topic “robot manipulation”" in text
    return digest


def _votes(house: Living, reader: Visitor, digest) -> None:
    subscriber = house.app.subscriptions.find(ADDRESS)
    reader.goes_to(house.link(digest, "less"))
    reader.sees("What it would change")
    assert house.app.subscriptions.votes(subscriber.id) == ()

    reader.presses("Yes, less like this")
    reader.sees("Noted.")
    assert len(house.app.subscriptions.votes(subscriber.id)) == 1
    reader.presses("Undo")
    reader.sees("Taken back.")
    assert house.app.subscriptions.votes(subscriber.id) == ()


def _changes_the_hour_and_pauses(house: Living, reader: Visitor, digest) -> None:
    reader.goes_to(house.link(digest, "preferences"))
    reader.chooses("At", "19:00")
    reader.presses("Save")
    reader.sees("Saved")
    assert f"{house.app.subscriptions.find(ADDRESS).send_at:%H:%M}" == "19:00"

    reader.goes_to(house.link(digest, "pause"))
    reader.presses("2 weeks")
    reader.sees("Another day after all?")
    assert house.status(ADDRESS) == "paused"


def _leaves_by_the_button_of_the_mail_client(house: Living, digest) -> None:
    for _ in range(2):
        answer = house.post_one_click(digest)
        assert (answer.status_code, answer.cookies.get_dict()) == (200, {})
        assert "Location" not in answer.headers
        assert house.status(ADDRESS) == "unsubscribed"

    house.later(days=30)
    made = compose_due(house.app.store, house.app.pool(), now=house.app.now(), days=3)
    assert made.due == 0


def _comes_back(house: Living, reader: Visitor, digest) -> None:
    reader.goes_to(house.link(digest, "preferences"))
    assert house.status(ADDRESS) == "unsubscribed"
    reader.presses("Yes, come back")
    reader.sees("Your digest")
    back = house.app.subscriptions.find(ADDRESS)
    assert back.status.value == "active"
    assert back.profile.topics == ("robot manipulation",)
