"""`newsletter keys`: what is rotated keeps older links alive, what is dropped ends them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.app import App, utc_now
from newsletter.config import load_settings
from newsletter.links import Way

WEEKS_LATER = timedelta(weeks=5)


@pytest.fixture
def desk(newsletter, installation) -> App:
    """The installation of the command line, as its pages would see it."""
    newsletter("keys", "list")
    app = App(load_settings())
    yield app
    app.store.close()


def secrets_of(app: App) -> list[str]:
    return [key.secret for key in app.store.link_keys(utc_now())]


def versions(app: App) -> list[int]:
    return [key.version for key in app.store.link_keys(utc_now())]


def test_the_first_key_is_made_when_it_is_asked_for(newsletter, installation):
    ran = newsletter("keys", "list")

    assert ran.code == 0
    assert "  1  made 20" in ran.out
    assert "signs and is read" in ran.out


def test_a_rotated_key_signs_and_the_older_links_stay_valid(newsletter, desk):
    old = desk.links.token(Way.UNSUBSCRIBE, "somebody")

    ran = newsletter("keys", "rotate")

    assert (ran.code, ran.out) == (0, "key 2 signs from now on\n")
    assert "signs with it in some seconds, without a restart" in ran.err
    assert "stay valid until `newsletter keys drop VERSION`" in ran.err
    links = App(load_settings()).links
    assert links.token(Way.UNSUBSCRIBE, "somebody").startswith("2-")
    assert links.read(Way.UNSUBSCRIBE, old) == ("somebody",)


def test_the_list_says_how_long_mails_need_a_key(newsletter, desk):
    newsletter("keys", "rotate")
    until = (utc_now() + timedelta(days=30)).date()

    first, second = newsletter("keys", "list").out.splitlines()

    assert f"is read; links in mails need it until {until}" in first
    assert "signs and is read" in second


def test_a_key_that_no_mail_needs_any_more_may_be_dropped(newsletter, desk):
    desk.store.add_link_key(utc_now() - WEEKS_LATER)

    assert "is read; may be dropped" in newsletter("keys", "list").out
    ran = newsletter("keys", "drop", "1", "--yes")

    assert (ran.code, ran.out) == (0, "key 1 is dropped\n")
    assert "By law" not in ran.err
    assert versions(desk) == [2]


def test_dropping_a_key_warns_of_the_law_while_its_mails_are_young(newsletter, desk):
    newsletter("keys", "rotate")

    ran = newsletter("keys", "drop", "1", "--yes")

    assert ran.code == 0
    assert "unsubscribe links work at least 30 days" in ran.err


def test_links_of_a_dropped_key_are_not_ours_any_more(newsletter, desk):
    old = desk.links.token(Way.UNSUBSCRIBE, "somebody")
    newsletter("keys", "rotate")
    newsletter("keys", "drop", "1", "--yes")

    assert App(load_settings()).links.read(Way.UNSUBSCRIBE, old) is None


def test_nothing_is_dropped_without_a_terminal_or_yes(newsletter, desk):
    newsletter("keys", "rotate")

    ran = newsletter("keys", "drop", "1")

    assert ran.code == 2
    assert "Add --yes if you mean it" in ran.err
    assert versions(desk) == [1, 2]


def test_who_is_asked_may_say_no(newsletter, desk, monkeypatch):
    newsletter("keys", "rotate")
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))

    ran = newsletter("keys", "drop", "1")

    assert ran.code == 1
    assert "Drop key 1?" in ran.out + ran.err
    assert versions(desk) == [1, 2]


class Terminal:
    """A person who types one line."""

    def __init__(self, line: str) -> None:
        self._line = line

    def isatty(self) -> bool:
        return True

    def readline(self, *_: int) -> str:
        line, self._line = self._line, ""
        return line


@pytest.mark.parametrize(
    ("version", "sentence"),
    [("1", "key 1 is the one that signs"), ("7", "there is no key 7"), ("0", "")],
)
def test_the_key_that_signs_and_unknown_ones_cannot_be_dropped(newsletter, desk, version, sentence):
    ran = newsletter("keys", "drop", version, "--yes")

    assert ran.code == 2
    assert sentence in ran.err
    assert versions(desk) == [1]


def test_the_store_itself_keeps_the_newest_key(desk):
    desk.store.add_link_key(utc_now())

    assert not desk.store.drop_link_key(2)
    assert desk.store.drop_link_key(1)
    assert desk.store.add_link_key(utc_now()).version == 3


def test_no_command_and_no_repr_ever_shows_a_secret(newsletter, desk):
    said = [newsletter("keys", *words) for words in (["list"], ["rotate"], ["drop", "1", "--yes"])]
    kept = desk.store.link_keys(utc_now())

    shown = "".join(ran.out + ran.err for ran in said) + repr(kept) + str(kept[0])
    assert not any(secret in shown for secret in secrets_of(desk))
    assert repr(kept) == "(Key(version=2),)"
