"""Settings choose the way out, how it logs in, and how patient it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.delivery import Result
from newsletter.errors import ConfigError, MailError
from newsletter.mail.folder import FolderTransport
from newsletter.mail.maildir import MaildirTransport
from newsletter.mail.relays import Failover
from newsletter.mail.servers.dial import Relay
from newsletter.mail.servers.mailboxes import ImapBox
from newsletter.mail.transport import send as hand_over


@pytest.fixture
def app(tmp_path, monkeypatch):
    """An installation with these settings, given as `SMTP__HOST="..."`."""

    def made(**settings: str) -> App:
        for key, value in {"PATHS__STATE": str(tmp_path / "state"), **settings}.items():
            monkeypatch.setenv(f"NEWSLETTER_{key}", value)
        return App(load_settings())

    return made


def oauth(table: str) -> dict[str, str]:
    given = {
        "HOST": "127.0.0.1",
        "SECURITY": "none",
        "USERNAME": "digest@newsletter.example",
        "AUTH": "xoauth2",
        "TOKEN_URL": "http://127.0.0.1:9/token",
        "CLIENT_ID": "client-1",
        "REFRESH_TOKEN": "refresh-s3cret",
    }
    return {f"{table}__{key}": value for key, value in given.items()}


def sent(app: App):
    return hand_over(
        app.transport(),
        b"Subject: x\r\n\r\n",
        sender="a@newsletter.example",
        recipient="b@reader.example",
    )


def relay_of(app: App) -> Relay:
    way = app.transport()
    assert isinstance(way, Failover)
    return way._transports[0]._relay


def test_without_a_relay_mails_become_files_beside_the_database(app, tmp_path):
    way = app().transport()
    assert isinstance(way, FolderTransport)
    assert (tmp_path / "state" / "outbox").is_dir()


@pytest.mark.parametrize(
    ("kind", "transport", "pattern"),
    [("eml", FolderTransport, "*.eml"), ("maildir", MaildirTransport, "new/*")],
)
def test_an_operator_names_folder_and_kind(app, tmp_path, kind, transport, pattern):
    given = app(SMTP__FOLDER=str(tmp_path / "dry run"), SMTP__FOLDER_FORMAT=kind)
    assert isinstance(given.transport(), transport)
    assert sent(given).result is Result.ACCEPTED
    assert len(list((tmp_path / "dry run").glob(pattern))) == 1


def test_ways_out_to_a_relay_share_one_source_of_tokens(app):
    given = app(**oauth("SMTP"))
    one, other = relay_of(given), relay_of(given)
    assert one.tokens is other.tokens is not None
    assert "refresh-s3cret" not in repr(given.settings)


def test_a_password_is_the_usual_way_in(app):
    assert relay_of(app(SMTP__HOST="127.0.0.1")).tokens is None


def test_the_mailbox_of_reports_takes_tokens_too(app):
    given = app(**oauth("BOUNCES"))
    box = given.report_box()
    assert isinstance(box, ImapBox)
    assert box._account.tokens is not None
    assert given.report_box()._account.tokens is box._account.tokens


def test_settings_of_a_login_by_token_that_cannot_be_used_are_told(app):
    with pytest.raises(MailError, match="unencrypted"):
        app(**(oauth("SMTP") | {"SMTP__TOKEN_URL": "http://login.example/token"})).transport()


def test_mails_per_connection_and_window_are_as_set(app):
    given = app(SMTP__HOST="127.0.0.1", SMTP__MAILS_PER_CONNECTION="7", SMTP__WINDOW="3")
    assert (relay_of(given).mails_per_connection, relay_of(given).window) == (7, 3)


def test_retries_are_as_set(app):
    given = app(
        SCHEDULE__DIGEST_RETRY_MINUTES="[10, 20]",
        SCHEDULE__LETTER_RETRY_MINUTES="[0.5]",
        SCHEDULE__GIVE_UP_HOURS="12",
    )
    retries = given.live_post.retries
    assert retries.digest_waits == (timedelta(minutes=10), timedelta(minutes=20))
    assert retries.letter_waits == (timedelta(seconds=30),)
    assert retries.give_up_after == timedelta(hours=12)
    given.store.close()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SCHEDULE__DIGEST_RETRY_MINUTES", "[]"),
        ("SCHEDULE__LETTER_RETRY_MINUTES", "[0]"),
        ("SCHEDULE__GIVE_UP_HOURS", "0"),
        ("SMTP__MAILS_PER_CONNECTION", "0"),
        ("SMTP__WINDOW", "0"),
        ("SMTP__AUTH", "cram-md5"),
        ("SMTP__FOLDER_FORMAT", "mbox"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(app, key, value):
    with pytest.raises(ConfigError, match=key.lower().replace("__", r"\.")):
        app(**{key: value})
