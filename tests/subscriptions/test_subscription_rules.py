"""What may follow what, and when a mail may leave: the pure decisions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.membership import Purpose, Token
from newsletter.model import Feedback, Profile, Status, Subscriber, Verdict
from newsletter.selection.learn import with_votes
from newsletter.subscriptions.cells import COLUMNS
from newsletter.subscriptions.rules import (
    TRANSITIONS,
    Event,
    mail_for,
    may_issue,
    next_status,
    pause_is_over,
    refusal,
)

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def token(hours_ago: float = 0, *, used: float | None = None, purpose=Purpose.CONFIRM) -> Token:
    issued = NOON - hours_ago * HOUR
    return Token(
        id="h",
        purpose=purpose,
        subscriber_id="s1",
        issued_at=issued,
        expires_at=issued + 48 * HOUR,
        used_at=None if used is None else NOON - used * HOUR,
    )


def test_the_table_of_the_document_is_the_table_of_the_code(root):
    text = (root / "docs" / "subscriptions.md").read_text(encoding="utf-8")
    lines = text[text.index("| from") :].split("\n\n", 1)[0].splitlines()
    events = [Event(cell.strip()) for cell in lines[0].strip("|").split("|")[1:]]
    shown = {}
    for line in lines[2:]:
        first, *cells = [cell.strip(" *") for cell in line.strip("|").split("|")]
        shown |= {(Status(first), e): c for e, c in zip(events, cells, strict=True) if c != "-"}

    assert shown == TRANSITIONS
    assert set(events) == set(Event)


def test_only_their_own_yes_or_the_end_of_a_pause_makes_somebody_active():
    ways = {event for (_, event), to in TRANSITIONS.items() if to is Status.ACTIVE}

    assert ways == {Event.CONFIRM, Event.COME_BACK, Event.RESUME, Event.SUBSCRIBE}
    for status in Status:
        if status is not Status.ACTIVE:
            assert next_status(status, Event.SUBSCRIBE) is status
            assert next_status(status, Event.RESUME) in (None, Status.ACTIVE)
    assert next_status(Status.UNSUBSCRIBED, Event.RESUME) is None


@pytest.mark.parametrize("status", Status)
def test_leaving_bouncing_and_complaining_are_possible_everywhere_and_twice(status):
    for event in (Event.UNSUBSCRIBE, Event.BOUNCE, Event.COMPLAIN):
        once = next_status(status, event)
        assert once not in (None, Status.ACTIVE, Status.PAUSED, Status.PENDING)
        assert next_status(once, event) is once


@pytest.mark.parametrize(
    ("status", "mail"),
    [
        (None, Purpose.CONFIRM),
        (Status.PENDING, Purpose.CONFIRM),
        (Status.UNSUBSCRIBED, Purpose.CONFIRM),
        (Status.ACTIVE, Purpose.SETTINGS),
        (Status.PAUSED, Purpose.SETTINGS),
        (Status.BOUNCED, None),
        (Status.COMPLAINED, None),
    ],
)
def test_the_form_makes_us_mail_by_standing_and_never_a_suppressed_address(status, mail):
    assert mail_for(status, suppressed=False) is mail
    assert mail_for(status, suppressed=True) is None


@pytest.mark.parametrize(
    ("history", "allowed"),
    [
        ([], True),
        ([token(23.9)], False),
        ([token(24)], True),
        ([token(30), token(60)], True),
        ([token(30), token(60), token(9000)], False),
        ([token(30), token(60), token(90, used=80), token(120)], True),
        ([token(30), token(60), token(70), token(90, used=80)], False),
        ([token(2, used=1)], False),
        ([token(2, purpose=Purpose.SETTINGS)], False),
        ([token(30, purpose=Purpose.SETTINGS)] * 9, True),
    ],
)
def test_one_mail_a_day_and_three_unanswered_confirmations_in_all(history, allowed):
    assert may_issue(history, Purpose.CONFIRM, NOON) is allowed


def test_the_way_to_the_settings_may_be_mailed_every_day():
    assert may_issue([token(24 * n) for n in range(1, 9)], Purpose.SETTINGS, NOON)
    assert not may_issue([token(5)], Purpose.SETTINGS, NOON)


@given(st.lists(st.integers(0, 400), max_size=300))
def test_whoever_asks_whenever_no_address_gets_more_than_three_confirmations(gaps):
    history: list[Token] = []
    now = NOON
    for gap in gaps:
        now += gap * HOUR
        if may_issue(history, Purpose.CONFIRM, now):
            issued = Token(
                id="h",
                purpose=Purpose.CONFIRM,
                subscriber_id="",
                issued_at=now,
                expires_at=now + 48 * HOUR,
            )
            history.append(issued)

    assert len(history) <= 3


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        (None, "not one of ours"),
        (token(1, purpose=Purpose.SETTINGS), "not one of ours"),
        (token(2, used=1), "used already"),
        (token(48), "too old"),
        (token(47.9), ""),
    ],
)
def test_a_link_counts_once_within_48_hours_for_its_purpose(shown, sentence):
    refused = refusal(shown, Purpose.CONFIRM, NOON)

    assert sentence in refused
    assert bool(refused) is bool(sentence)


def test_a_pause_ends_with_the_day_where_the_reader_lives():
    until = NOON.date() + timedelta(days=1)
    reader = Subscriber(id="s", email="a@b.org", paused_until=until, timezone="Asia/Tokyo")

    assert not pause_is_over(reader, NOON.replace(hour=14))
    assert pause_is_over(reader, NOON.replace(hour=15))


def test_votes_become_likes_and_dislikes_and_win_over_what_the_profile_said():
    def vote(paper: str, verdict: Verdict) -> Feedback:
        return Feedback(subscriber_id="s", paper_id=paper, verdict=verdict, at=NOON)

    before = Profile(liked=("1", "2"), disliked=("3",))
    after = with_votes(
        before,
        [vote("2", Verdict.LESS), vote("3", Verdict.MORE), vote("4", Verdict.MORE)],
        now=NOON,
    )

    assert (after.liked, after.disliked) == (("1", "3", "4"), ("2",))
    assert with_votes(before, [], now=NOON) == before


def test_the_document_names_every_column_of_a_file(root):
    text = (root / "docs" / "subscriptions.md").read_text(encoding="utf-8")

    assert set(COLUMNS) <= set(re.findall(r"`(\w+)`", text))
