"""Access tokens: fetched once, kept while they are good, and never shown."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest
from dripping_server import dripping_headers
from hypothesis import given
from hypothesis import strategies as st
from scripted_relay import scripted_relay
from token_server import provider_running

from newsletter.errors import MailError
from newsletter.mail.servers import oauth
from newsletter.mail.servers.oauth import Grant, TokenSource

SECRETS = ("refresh-me-s3cret", "client-s3cret")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 4, 3, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def provider():
    with provider_running() as running:
        yield running


@pytest.fixture
def grant(provider):
    return Grant(
        token_url=provider.url,
        client_id="client-1",
        client_secret=SECRETS[1],
        refresh_token=SECRETS[0],
        scope="https://mail.example/",
    )


def refusal(tokens: TokenSource) -> str:
    with pytest.raises(MailError) as caught:
        tokens.token()
    return str(caught.value)


def test_a_token_is_asked_for_with_all_that_was_granted(grant, provider, clock):
    assert TokenSource(grant, now=clock).token() == "token-1"
    assert provider.asked == [
        {
            "grant_type": "refresh_token",
            "refresh_token": SECRETS[0],
            "client_id": "client-1",
            "client_secret": SECRETS[1],
            "scope": "https://mail.example/",
        }
    ]


def test_what_is_not_set_is_not_sent(grant, provider, clock):
    TokenSource(replace(grant, client_secret="", scope=""), now=clock).token()
    assert set(provider.asked[0]) == {"grant_type", "refresh_token", "client_id"}


def test_a_token_is_kept_until_a_minute_before_its_end(grant, provider, clock):
    tokens = TokenSource(grant, now=clock)
    assert tokens.token() == tokens.token() == "token-1"
    clock.passes(minutes=58, seconds=59)
    assert tokens.token() == "token-1"
    clock.passes(seconds=1)
    assert tokens.token() == "token-2"
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    ("expires_in", "minutes"),
    [("1800", 29), (None, 59), ("soon", 59), (-5, 59), (10**8, 24 * 60 - 1)],
)
def test_an_answer_may_tell_its_end_as_text_or_not_at_all(
    grant, provider, clock, expires_in, minutes
):
    provider.more = {"expires_in": expires_in} if expires_in is not None else {}
    tokens = TokenSource(grant, now=clock)
    tokens.token()
    clock.passes(minutes=minutes, seconds=-1)
    assert tokens.token() == "token-1"
    clock.passes(seconds=1)
    assert tokens.token() == "token-2"


def test_a_new_refresh_token_takes_the_place_of_the_old_one(grant, provider, clock):
    provider.more["refresh_token"] = "refresh-me-next"
    tokens = TokenSource(grant, now=clock)
    tokens.token()
    clock.passes(hours=1)
    tokens.token()
    assert [form["refresh_token"] for form in provider.asked] == [SECRETS[0], "refresh-me-next"]
    assert "refresh-me-next" in tokens.secrets


def test_a_refused_token_is_followed_by_another_but_not_when_it_is_brand_new(
    grant, provider, clock
):
    tokens = TokenSource(grant, now=clock)
    first = tokens.token()
    assert tokens.another(first) == first
    clock.passes(minutes=2)
    assert tokens.another(first) == tokens.token() == "token-2"
    assert tokens.another(first) == "token-2"
    assert len(provider.asked) == 2


def test_many_threads_share_one_token(grant, provider, clock):
    tokens = TokenSource(grant, now=clock)
    seen = []
    threads = [Thread(target=lambda: seen.append(tokens.token())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == ["token-1"] * 8
    assert len(provider.asked) == 1


def test_a_refusal_is_told_in_the_words_of_the_provider(grant, provider, clock):
    said = {"error": "invalid_grant", "error_description": "Token has been\r\nexpired or revoked."}
    provider.answers.append((400, json.dumps(said).encode()))
    assert refusal(TokenSource(grant, now=clock)) == (
        "no access token from 127.0.0.1: HTTP 400 invalid_grant: Token has been expired or revoked."
    )


def test_who_refused_is_not_asked_again_within_a_minute(grant, provider, clock):
    provider.answers.append((503, b"{}"))
    tokens = TokenSource(grant, now=clock)
    assert refusal(tokens) == refusal(tokens) == "no access token from 127.0.0.1: HTTP 503"
    clock.passes(seconds=59)
    refusal(tokens)
    assert len(provider.asked) == 1
    clock.passes(seconds=1)
    assert tokens.token() == "token-2"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((200, b"<html>"), "HTTP 200"),
        ((200, b"[]"), "HTTP 200"),
        ((502, b""), "HTTP 502"),
        ((200, b'{"error": "bad_verification_code"}'), "HTTP 200 bad_verification_code"),
        ((200, b'{"access_token": "two\\nlines"}'), "HTTP 200"),
        ((200, b'{"access_token": ["list"]}'), "HTTP 200"),
        ((200, b'{"access_token": ""}'), "HTTP 200"),
        ((200, b'{"access_token": "' + b"x" * 100_000 + b'"}'), "HTTP 200"),
    ],
)
def test_an_answer_without_a_usable_token_is_told(grant, provider, clock, answer, says):
    provider.answers.append(answer)
    assert refusal(TokenSource(grant, now=clock)) == f"no access token from 127.0.0.1: {says}"


def test_a_provider_that_repeats_our_secrets_is_not_quoted(grant, provider, clock):
    said = {"error": f"what is {SECRETS[0]}", "error_description": f"and {SECRETS[1]}?"}
    provider.answers.append((401, json.dumps(said).encode()))
    told = refusal(TokenSource(grant, now=clock))
    assert told.endswith("HTTP 401 what is (hidden): and (hidden)?")


def test_nobody_is_followed_elsewhere_with_the_secrets(grant, provider, clock):
    with provider_running() as elsewhere:
        provider.headers["Location"] = elsewhere.url
        provider.answers.append((307, b"{}"))
        assert refusal(TokenSource(grant, now=clock)).endswith("HTTP 307")
    assert elsewhere.asked == []


def test_a_provider_that_is_not_there_is_told_without_what_was_sent(grant, clock):
    with provider_running() as gone:
        url = gone.url
    told = refusal(TokenSource(replace(grant, token_url=url), now=clock))
    assert told == "no access token from 127.0.0.1: no answer (ConnectionError)"


def test_a_provider_that_says_nothing_is_not_waited_for_endlessly(grant, clock, monkeypatch):
    monkeypatch.setattr(oauth, "_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        told = refusal(TokenSource(replace(grant, token_url=url), now=clock))
    assert told.endswith("no answer (ReadTimeout)")


def test_a_provider_whose_answer_drips_is_given_up(grant, clock):
    def hurries() -> datetime:
        clock.passes(seconds=5)
        return clock.now

    with dripping() as port:
        url = f"http://127.0.0.1:{port}/"
        told = refusal(TokenSource(replace(grant, token_url=url), now=hurries))
    assert told.endswith("the answer comes in too slowly")


def test_a_provider_whose_headers_drip_is_given_up(grant, clock, monkeypatch):
    monkeypatch.setattr(oauth, "_LONGEST", timedelta(seconds=0.1))
    with dripping_headers() as url:
        told = refusal(TokenSource(replace(grant, token_url=url), now=clock))
    assert told.endswith("no answer (TimeoutError)")


def test_a_provider_that_hangs_up_in_the_middle_is_told(grant, clock):
    with scripted_relay(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{") as port:
        url = f"http://127.0.0.1:{port}/"
        told = refusal(TokenSource(replace(grant, token_url=url), now=clock))
    assert "no answer (" in told


@contextmanager
def dripping() -> Iterator[int]:
    """The port of a server that says blank after blank, until nobody listens any more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            plug, _ = listener.accept()
            with plug, suppress(OSError):
                plug.recv(65536)
                plug.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n")
                for _ in range(300):
                    plug.sendall(b" ")
                    Event().wait(0.005)

        thread = Thread(target=drip)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"token_url": ""}, "needs a token_url"),
        ({"client_id": ""}, "needs a token_url, a client_id"),
        ({"refresh_token": ""}, "and a refresh_token"),
        ({"token_url": "login.example/token"}, "is no web address"),
        ({"token_url": "https://[::1"}, "is no web address"),
        ({"token_url": "http://login.example/token"}, "to login.example unencrypted"),
        ({"token_url": "ftp://127.0.0.1/token"}, "unencrypted"),
    ],
)
def test_a_grant_that_cannot_be_used_is_refused_at_once(grant, clock, changes, says):
    with pytest.raises(MailError, match=says):
        TokenSource(replace(grant, **changes), now=clock)


def test_secrets_are_not_shown_with_their_grant(grant, clock):
    shown = f"{grant!r} {TokenSource(grant, now=clock)!r}"
    assert not any(secret in shown for secret in SECRETS)


@given(st.binary(max_size=300))
def test_any_answer_ends_in_a_token_or_in_one_line_about_it(body):
    with provider_running() as provider:
        provider.answers.append((200, body))
        source = Grant(token_url=provider.url, client_id="c", refresh_token="r3fresh")
        told = refusal(TokenSource(source, now=Clock()))
    assert told.isprintable()
    assert len(told) < 260
