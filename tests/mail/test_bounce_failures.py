"""Only a failure that says the mailbox does not exist is permanent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.failures import is_permanent, status_in


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"])
def test_a_mailbox_that_does_not_exist_is_gone(status):
    assert is_permanent(status)
    assert is_permanent(status, f"550 {status} no such user")


@pytest.mark.parametrize(
    "status",
    [
        *("4.1.1", "4.2.2", "4.4.1", "4.4.7", "4.7.1", "2.0.0"),
        *("5.0.0", "5.1.0", "5.1.4", "5.1.7", "5.1.8", "5.1.9", "5.2.0", "5.2.2", "5.2.3"),
        *("5.3.0", "5.3.4", "5.4.1", "5.4.4", "5.4.7", "5.5.0", "5.5.2", "5.6.0", "5.6.1"),
        *("5.7.0", "5.7.1", "5.7.26", "5.7.515", "5.1.11", "5.1.100", "", "5", "5.1", "x"),
    ],
)
def test_all_else_is_about_us_or_about_today(status):
    assert not is_permanent(status)


@pytest.mark.parametrize(
    "words",
    [
        "550 5.1.1 unknown",
        "smtp; 550-5.1.1 The email account that you tried to reach does not exist",
        "550 No such user here",
        "550 Requested action not taken: mailbox unavailable",
        "553 sorry, that recipient does not exist",
        "550 Invalid recipient",
        "551 user unknown",
    ],
)
@pytest.mark.parametrize("status", ["", "5.0.0", "5.1.0"])
def test_a_vague_status_is_told_by_clear_words(words, status):
    assert is_permanent(status, words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "no such user",
        "550 sorry",
        "554 no such user",
        "550 5.7.1 no such user",
        "550 no such user, or listed by our blocklist",
        "550 mailbox unavailable: sender rejected",
        "550 mailbox unavailable, over quota",
        "552 mailbox unavailable",
        "450 4.1.1 no such user",
        "451 no such user",
    ],
)
@pytest.mark.parametrize("status", ["", "5.0.0", "5.1.0"])
def test_a_vague_status_with_vague_words_is_not(words, status):
    assert not is_permanent(status, words)


def test_a_reply_that_was_never_a_refusal_counts_for_now_only():
    assert not is_permanent("5.1.1", "smtp; 450 4.1.1 greylisted")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("5.1.1", "5.1.1"),
        ("no mailbox here (#5.1.1).", "5.1.1"),
        ("see 5.1.1.", "5.1.1"),
        ("05.1.1", ""),
        ("5.01.001", "5.1.1"),
        ("192.5.1.1", ""),
        ("5.1.1.7", ""),
        ("3.1.1", ""),
        ("5.1.1000", ""),
        ("٥.١.١", ""),
    ],
)
def test_a_status_is_found_among_words(text, status):
    assert status_in(text) == status


@given(st.text(), st.text())
def test_any_text_gives_an_answer(status, words):
    assert is_permanent(status, words) in (True, False)
