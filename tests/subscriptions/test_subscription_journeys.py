"""How readers come, change, leave and come back, over a real SQLite store."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from newsletter.delivery import Errand
from newsletter.errors import AddressError, SubscriptionError, TokenError
from newsletter.membership import Purpose, Wishes
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Status, Tier, Verdict
from newsletter.subscriptions import Asked

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def active(desk, wishes, consent, now):
    """Ines, subscribed."""
    return desk.enrol("Ines@reader.example", wishes, consent, now=now)


@pytest.fixture
def paper(store, now):
    """A paper that can be voted on."""
    listed = Paper(id="2604.00001", title="Sparse attention")
    store.record(
        Listing(source="daily", tier=Tier.API, entries=(Entry(paper=listed, rank=1),)), now
    )
    return listed


def suppressed(store, email):
    with store.register() as register:
        return register.addresses.suppressed(email)


def test_a_form_makes_somebody_pending_and_their_confirmation_makes_them_active(
    desk, wishes, consent, now
):
    asked = desk.subscribe("Ines@Reader.example", wishes, consent, now=now)

    assert asked.mail is Purpose.CONFIRM
    assert desk.find("ines@reader.example").status is Status.PENDING

    confirmed = desk.confirm(asked.token_id, consent, now=now + HOUR)

    assert confirmed.status is Status.ACTIVE
    assert confirmed.email == "Ines@reader.example"
    assert (confirmed.name, confirmed.profile) == ("Ines", wishes.profile)
    assert confirmed.since == date(2026, 4, 3)
    assert desk.get(confirmed.id) == confirmed


def test_a_confirmation_works_once_and_for_48_hours(desk, wishes, consent, now):
    first = desk.subscribe("a@x.org", wishes, consent, now=now)
    late = desk.subscribe("b@x.org", wishes, consent, now=now)
    desk.confirm(first.token_id, consent, now=now)

    with pytest.raises(TokenError, match="used already"):
        desk.confirm(first.token_id, consent, now=now)
    with pytest.raises(TokenError, match="too old"):
        desk.confirm(late.token_id, consent, now=now + 48 * HOUR)
    with pytest.raises(TokenError, match="not one of ours"):
        desk.confirm("forged", consent, now=now)

    assert desk.find("b@x.org").status is Status.PENDING


def test_the_mail_is_queued_with_the_token_in_one_transaction(desk, store, consent, now):
    asked = desk.subscribe("a@x.org", None, consent, now=now)

    with store.register() as register:
        queued = register.outbox.get(asked.token_id)
    assert (queued.errand, queued.subscriber_id) == (Errand.CONFIRM, asked.subscriber.id)
    assert queued.next_attempt_at == now


def test_a_lost_link_is_mailed_again_within_the_same_limits(desk, active, consent, now):
    desk.subscribe("new@x.org", None, consent, now=now)

    assert desk.remind("Ines@Reader.example", now=now).mail is Purpose.SETTINGS
    assert desk.remind("ines@reader.example", now=now + HOUR).mail is None
    assert desk.remind("nobody@reader.example", now=now).mail is None
    assert desk.remind("new@x.org", now=now + HOUR).mail is None
    assert desk.remind("new@x.org", now=now + 25 * HOUR).mail is Purpose.CONFIRM


def test_who_left_is_reminded_of_what_is_kept_and_who_bounced_is_not(desk, active, now):
    desk.unsubscribe(active.id, now=now)
    assert desk.remind(active.email, now=now).mail is Purpose.SETTINGS
    desk.bounce(active.id, now=now)
    assert desk.remind(active.email, now=now + 25 * HOUR).mail is None


def test_a_reminded_newcomer_keeps_what_the_form_said(desk, wishes, consent, now):
    desk.subscribe("new@x.org", wishes, consent, now=now)
    again = desk.remind("new@x.org", now=now + 25 * HOUR)

    assert desk.confirm(again.token_id, consent, now=now + 26 * HOUR).profile == wishes.profile


def test_an_author_is_followed_once_and_can_be_left(desk, active, now):
    for name in ("Tri Dao", "tri dao", "Tri\nDao "):
        desk.follow(active.id, name, now=now)
    assert desk.get(active.id).profile.authors.count("Tri Dao") == 1

    desk.follow(active.id, "TRI DAO", now=now, stop=True)
    assert "Tri Dao" not in desk.get(active.id).profile.authors


def test_a_form_that_was_open_for_long_keeps_what_happened_elsewhere(desk, active, now):
    seen = desk.version(active.id)
    desk.follow(active.id, "Ada Byron", now=now)
    desk.mute(active.id, "robots", now=now)
    typed = replace(active.profile, topics=(*active.profile.topics, "sparse attention"))

    desk.change(active.id, Wishes(profile=typed), now=now, seen=seen)

    profile = desk.get(active.id).profile
    assert "sparse attention" in profile.topics
    assert "Ada Byron" in profile.authors
    assert "robots" in profile.muted


def test_what_the_form_itself_drops_is_dropped(desk, active, now):
    desk.mute(active.id, "robots", now=now)
    seen = desk.version(active.id)
    desk.follow(active.id, "Ada Byron", now=now)

    desk.change(active.id, Wishes(profile=active.profile), now=now, seen=seen)

    profile = desk.get(active.id).profile
    assert "robots" not in profile.muted
    assert "Ada Byron" in profile.authors


def test_a_word_is_muted_and_heard_again(desk, active, now):
    assert "robots" in desk.mute(active.id, "robots", now=now).profile.muted
    assert "robots" not in desk.mute(active.id, "Robots", now=now, stop=True).profile.muted
    assert desk.mute(active.id, "  ", now=now) == desk.get(active.id)


def test_a_form_about_somebody_else_changes_nothing_about_them(desk, active, consent, now):
    hostile = Wishes(name="Spam", profile=Profile(topics=("casino",)))

    asked = desk.subscribe("INES@reader.example", hostile, consent, now=now)

    assert asked.mail is Purpose.SETTINGS
    assert desk.get(active.id) == active


def test_three_forms_a_day_make_one_mail_and_ten_days_make_three(desk, wishes, consent, now):
    mails = []
    for hour in range(0, 240, 8):
        mails.append(desk.subscribe("a@x.org", wishes, consent, now=now + hour * HOUR).mail)
        desk.purge_unconfirmed(now=now + hour * HOUR)

    assert [m for m in mails if m] == [Purpose.CONFIRM] * 3
    assert desk.all() == ()


def test_a_form_that_may_not_cause_a_mail_keeps_no_row(desk, wishes, consent, now):
    for day in range(0, 9, 3):
        desk.subscribe("a@x.org", wishes, consent, now=now + day * DAY)
        desk.purge_unconfirmed(now=now + (day + 2.5) * DAY)

    assert desk.subscribe("a@x.org", wishes, consent, now=now + 30 * DAY) == Asked()
    assert not desk.knows("a@x.org")


def test_the_unconfirmed_are_purged_after_48_hours_and_others_are_not(
    desk, store, active, wishes, consent, now
):
    desk.subscribe("a@x.org", wishes, consent, now=now)
    again = desk.subscribe("a@x.org", wishes, consent, now=now + 40 * HOUR)

    assert desk.purge_unconfirmed(now=now + 50 * HOUR) == 0
    assert desk.purge_unconfirmed(now=now + 89 * HOUR) == 1
    assert desk.purge_unconfirmed(now=now + 89 * HOUR) == 0

    assert desk.all() == (active,)
    with store.register() as register:
        kept = register.addresses.tokens_of("a@x.org")
        assert len(kept) == 2
        assert {(t.subscriber_id, t.wishes) for t in kept} == {("", None)}
    with pytest.raises(TokenError):
        desk.confirm(again.token_id, consent, now=now + 87 * HOUR)


def test_who_left_comes_back_to_the_very_profile(desk, active, consent, now):
    gone = desk.unsubscribe(active.id, now=now, reason="too many\r\nmails")
    assert gone.status is Status.UNSUBSCRIBED
    assert desk.export(active.id)["status_reason"] == "too many mails"

    asked = desk.subscribe(active.email, Wishes(cadence=Cadence.WEEKLY), consent, now=now)
    assert desk.get(active.id) == gone
    back = desk.confirm(asked.token_id, consent, now=now + HOUR)

    assert back.id == active.id
    assert back.profile == active.profile
    assert back.cadence is Cadence.WEEKLY
    assert len(desk.export(active.id)["consents"]) == 2


def test_coming_back_by_ones_own_link_needs_no_form(desk, active, consent, now):
    desk.unsubscribe(active.id, now=now)

    assert desk.come_back(active.id, consent, now=now).profile == active.profile
    assert desk.come_back(active.id, consent, now=now).status is Status.ACTIVE


def test_unsubscribing_twice_succeeds_and_a_reason_may_follow(desk, active, now):
    first = desk.unsubscribe(active.id, now=now)
    second = desk.unsubscribe(active.id, now=now + HOUR, reason="no time")

    assert first == second
    held = desk.export(active.id)
    assert held["status_reason"] == "no time"
    assert held["status_at"] == now.isoformat()


def test_a_link_mailed_before_somebody_left_does_not_bring_them_back(
    desk, active, wishes, consent, now
):
    desk.unsubscribe(active.id, now=now)
    asked = desk.subscribe(active.email, wishes, consent, now=now)
    desk.unsubscribe(active.id, now=now)

    with pytest.raises(TokenError, match="too old"):
        desk.confirm(asked.token_id, consent, now=now + HOUR)
    assert desk.get(active.id).status is Status.UNSUBSCRIBED


@pytest.mark.parametrize("what", ["bounce", "complain"])
def test_a_suppressed_address_gets_no_mail_by_form_and_returns_by_its_own_act(
    desk, store, active, wishes, consent, now, what
):
    getattr(desk, what)(active.id, now=now, detail="550 5.1.1 no such user")
    assert suppressed(store, "ines@reader.example") is not None

    assert desk.subscribe(active.email, wishes, consent, now=now + 9 * DAY) == Asked()
    with pytest.raises(SubscriptionError, match="must not be mailed"):
        desk.enrol(active.email, wishes, consent, now=now)
    desk.come_back(active.id, consent, now=now)

    assert suppressed(store, "ines@reader.example") is None
    assert desk.get(active.id).status is Status.ACTIVE


def test_the_operator_can_lift_a_suppression_with_a_consent_only(desk, active, consent, now):
    desk.complain(active.id, now=now)

    with pytest.raises(SubscriptionError, match="must not be mailed"):
        desk.enrol(active.email, None, None, now=now, lift=True)

    assert desk.enrol(active.email, None, consent, now=now, lift=True).profile == active.profile


def test_every_change_keeps_the_former_profile(desk, active, now):
    other = Wishes(profile=Profile(topics=("robots",)), cadence=Cadence.DAILY)

    after = desk.change(active.id, other, now=now + HOUR)
    desk.change(active.id, other, now=now + 2 * HOUR)

    assert (after.profile, after.cadence, after.name) == (other.profile, Cadence.DAILY, "")
    versions = desk.export(active.id)["profiles"]
    assert [v["version"] for v in versions] == [1, 2]
    assert versions[0]["profile"]["topics"] == ["vision"]
    assert desk.get(active.id) == after


def test_a_pause_lasts_until_its_day_where_the_reader_lives(desk, active, now):
    paused = desk.pause(active.id, date(2026, 4, 10), now=now)
    assert (paused.status, paused.paused_until) == (Status.PAUSED, date(2026, 4, 10))

    assert desk.resume_due(now=now + 6 * DAY) == ()
    # 22:00 UTC is midnight in Berlin.
    (back,) = desk.resume_due(now=now + 6 * DAY + 10 * HOUR)

    assert (back.status, back.paused_until) == (Status.ACTIVE, None)
    assert desk.resume_due(now=now + 7 * DAY) == ()


def test_a_pause_can_be_moved_and_ended_but_not_lie_in_the_past(desk, active, now):
    desk.pause(active.id, date(2026, 4, 10), now=now)
    assert desk.pause(active.id, date(2026, 4, 20), now=now).paused_until == date(2026, 4, 20)

    with pytest.raises(SubscriptionError, match="must end after today, 2026-04-03"):
        desk.pause(active.id, date(2026, 4, 3), now=now)

    assert desk.resume(active.id, now=now) == active
    assert desk.resume(active.id, now=now) == active


def test_what_the_standing_does_not_allow_is_said_and_changes_nothing(desk, consent, now):
    pending = desk.subscribe("a@x.org", None, consent, now=now).subscriber

    with pytest.raises(SubscriptionError, match="is pending: cannot pause"):
        desk.pause(pending.id, date(2027, 1, 1), now=now)
    with pytest.raises(SubscriptionError, match="cannot come back"):
        desk.come_back(pending.id, consent, now=now)

    assert desk.get(pending.id) == pending
    assert len(desk.export(pending.id)["consents"]) == 1


def test_a_vote_can_be_given_changed_and_taken_back(desk, active, paper, now):
    desk.rate(active.id, paper.id, Verdict.MORE, now=now)
    assert desk.taste(active.id, now=now).liked == (paper.id,)

    desk.rate(active.id, paper.id, Verdict.LESS, now=now + HOUR)
    assert [vote.verdict for vote in desk.votes(active.id)] == [Verdict.LESS]
    assert desk.taste(active.id, now=now).disliked == (paper.id,)

    assert desk.undo(active.id, paper.id)
    assert not desk.undo(active.id, paper.id)
    assert desk.taste(active.id, now=now) == active.profile


def test_nobody_votes_on_a_paper_that_is_not_there(desk, active, now):
    with pytest.raises(SubscriptionError, match="no such paper"):
        desk.rate(active.id, "9999.99999", Verdict.MORE, now=now)


def test_the_forgotten_leave_nothing_but_a_hash(
    desk, store, database, active, paper, wishes, consent, now
):
    desk.rate(active.id, paper.id, Verdict.MORE, now=now)
    desk.subscribe(active.email, wishes, consent, now=now)
    desk.forget(active.id, now=now)

    with pytest.raises(SubscriptionError, match="not subscribed"):
        desk.find(active.email)
    with pytest.raises(SubscriptionError, match="no such subscriber"):
        desk.get(active.id)
    assert desk.subscribe(active.email, wishes, consent, now=now + 9 * DAY) == Asked()
    with pytest.raises(SubscriptionError, match=r"must not be mailed \(forgotten\)"):
        desk.enrol(active.email, wishes, consent, now=now)
    store.close()
    # The schema itself: a table's name and, in one octet, a page that happens to be 49, a "1".
    raw = database.read_bytes().lower().replace(b"subscribers1create index", b"")
    assert b"reader.example" not in raw
    assert active.id.encode() not in raw


def test_the_forgotten_can_be_welcomed_anew_when_they_ask(desk, store, active, consent, now):
    desk.forget(active.id, now=now)

    anew = desk.enrol(active.email, None, consent, now=now, lift=True)

    assert anew.profile == Profile()
    assert suppressed(store, "ines@reader.example") is None


def test_the_operator_enters_somebody_once(desk, active, wishes, consent, now):
    with pytest.raises(SubscriptionError, match="subscribed already"):
        desk.enrol("ines@READER.example", wishes, consent, now=now)

    pending = desk.enrol("b@x.org", wishes, None, now=now)
    assert pending.status is Status.PENDING
    with pytest.raises(SubscriptionError, match="consent is needed"):
        desk.enrol("b@x.org", wishes, None, now=now)
    assert desk.enrol("b@x.org", None, consent, now=now).status is Status.ACTIVE


def test_a_bad_address_is_said_before_anything_is_written(desk, wishes, consent, now):
    with pytest.raises(AddressError):
        desk.subscribe("x\r\nBcc: y@z.org", wishes, consent, now=now)

    assert desk.all() == ()


def test_ones_data_are_plain_json_with_everything_in_it(desk, active, paper, wishes, now):
    desk.change(active.id, Wishes(), now=now)
    desk.rate(active.id, paper.id, Verdict.MORE, now=now)

    held = json.loads(json.dumps(desk.export(active.id)))

    assert held["email"] == "Ines@reader.example"
    assert held["wishes"]["timezone"] == "UTC"
    assert held["profiles"][0]["profile"]["topics"] == ["vision"]
    assert held["votes"] == [{"paper_id": paper.id, "verdict": "more", "at": now.isoformat()}]
    assert held["consents"][0]["wording"] == "Mail me a digest."
