"""What is typed wrong is told in plain words, with exit code 2; and what could be typed instead."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("keys drop x", "'VERSION': must be a whole number"),
        ("keys drop 0", "'VERSION': must be 1 or more"),
        ("run --port 99999", "'--port': must be 65535 or less"),
        ("preview --port 80.5", "'--port': must be a whole number"),
        ("deliver --once --limit 0", "'--limit': must be 1 or more"),
        ("subscribe a@reader.example --trend-weight half", "'--trend-weight': must be a number"),
        ("subscribers list --status gone", "'--status': 'gone' is not one of 'pending', 'active'"),
    ],
)
def test_a_wrong_number_or_choice_is_told_in_our_words(newsletter, typed, told):
    ran = newsletter(*typed.split())

    assert ran.code == 2
    assert f"Error: Invalid value for {told}" in ran.err


@pytest.mark.parametrize("group", ["", "subscribers", "keys", "fleet"])
def test_the_overview_cuts_no_sentence_on_a_terminal_of_80_columns(newsletter, monkeypatch, group):
    monkeypatch.setenv("COLUMNS", "80")

    ran = newsletter(*group.split(), "--help")

    assert ran.code == 0
    assert "..." not in ran.out.partition("Commands:")[2]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("--at 25:00", "--at: must be a local time such as 08:00 (given: '25:00')"),
        ("--day funday", "--day: must be a day such as mon"),
        ("--max-papers 99 --trend-weight 3", "--max-papers: must be 50 or less (given: 99)"),
        ("--max-papers 99 --trend-weight 3", "; --trend-weight: must be 1 or less"),
        ("--topic x --topic=", "--topic: must not be empty (given: '')"),
        ("--timezone Mars", "--timezone: is no IANA time zone"),
    ],
)
def test_a_wrong_wish_is_told_by_the_option_that_was_typed(newsletter, typed, told):
    ran = newsletter("subscribe", "ines@reader.example", *typed.split())

    assert ran.code == 2
    assert told in ran.err
