"""Why somebody did or did not get a paper: every answer there is, from a store with a history."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from explain_world import MONDAY, START, World, morning, paper_called

from newsletter.delivery import Outcome, Result
from newsletter.explain import Answer
from newsletter.membership import wishes_of
from newsletter.model import Cadence, Entry, Listing, Profile, Tier, Verdict
from newsletter.store import Suppressed

FITS, ALSO_FITS, ROBOTS = "2603.30001", "2603.30005", "2603.30002"


def said(told) -> str:
    return " ".join(told.sentences)


def test_a_paper_that_was_sent_is_named_with_digest_place_and_hour(world: World):
    reader = world.reader(timezone="Europe/Berlin")
    world.compose(morning(30))
    world.deliver()
    digest = world.digests(reader)[0]

    told = world.explain(reader, FITS)

    assert told.answer is Answer.SENT
    assert f"of 2 in their digest of Monday, 30 March 2026 ({digest.id})" in said(told)
    assert "The relay took the mail on Monday, 30 March 2026 at 10:00 (Europe/Berlin)." in said(
        told
    )
    assert str(told.reasons[0]) == "your topic “sparse attention”"


@pytest.mark.parametrize(
    ("outcome", "answer", "words"),
    [
        (Outcome(result=Result.REJECTED, reply=550), Answer.NOT_DELIVERED, "given up (550)"),
        (
            Outcome(result=Result.DEFERRED, reply=451),
            Answer.ON_ITS_WAY,
            "deferred, attempts so far: 1",
        ),
    ],
)
def test_what_became_of_the_mail_is_said(world: World, outcome, answer, words):
    reader = world.reader()
    world.compose(morning(30))
    world.deliver(outcome)

    told = world.explain(reader, FITS)

    assert told.answer is answer
    assert words in said(told)


def test_a_paper_whose_mail_was_given_up_may_come_again(world: World):
    reader = world.reader()
    world.compose(morning(30))
    world.deliver(Outcome(result=Result.REJECTED, reply=552))

    assert "it is going to be in it" in said(world.explain(reader, FITS))


def test_a_mail_that_nobody_tried_to_send_yet_is_on_its_way(world: World):
    reader = world.reader()
    world.compose(morning(30))

    assert "Its mail is queued, not tried yet." in said(world.explain(reader, FITS))


def test_a_mail_cancelled_because_they_left_is_no_mail(world: World):
    reader = world.reader()
    world.compose(morning(30))
    world.app.subscriptions.unsubscribe(reader.id, now=world.now)
    world.deliver()

    told = world.explain(reader, FITS)

    assert told.answer is Answer.NOT_DELIVERED
    assert "cancelled before it left (the subscriber is unsubscribed)" in said(told)


def test_a_muted_word_is_named(world: World):
    profile = Profile(topics=("sparse attention", "robot hands"), muted=("robot",), surprise=False)
    reader = world.reader(profile=profile)
    world.compose(morning(30))

    told = world.explain(reader, ROBOTS)

    assert told.answer is Answer.MUTED
    assert "digest of Monday, 30 March 2026 left it out: they muted “robot”." in said(told)


def test_below_the_cut_comes_with_the_figures(world: World):
    reader = world.reader()
    world.compose(morning(30))

    told = world.explain(reader, ROBOTS)

    assert told.answer is Answer.BELOW_CUT
    assert "left it out: none of their interests fits it well enough." in said(told)
    figures = told.figures
    assert figures
    assert figures.score < figures.least_picked
    assert (figures.place, figures.fitting, figures.places, figures.candidates) == (0, 2, 20, 8)


def test_their_own_least_score_is_a_cut_too(world: World):
    profile = Profile(topics=("sparse attention",), min_score=0.99, surprise=False)
    reader = world.reader(profile=profile)
    world.compose(morning(30))

    told = world.explain(reader, FITS)

    assert told.answer is Answer.BELOW_CUT
    assert "is below their least score 0.99" in said(told)
    assert "edition of Monday, 30 March 2026, which brought no mail, left it out" in said(told)


def test_no_place_left_says_how_far_it_came(world: World):
    profile = Profile(topics=("sparse attention", "robot hands"), max_papers=1, surprise=False)
    reader = world.reader(profile=profile)
    world.compose(morning(30))
    sent = world.digests(reader)[0].picks[0].paper.id
    left = ROBOTS if sent in (FITS, ALSO_FITS) else FITS

    told = world.explain(reader, left)

    assert told.answer is Answer.NO_PLACE
    assert re.search(
        r"no place was left; by score it was number [234] of the 4 papers that fit \(places: 1\)",
        said(told),
    )
    assert told.figures.places == 1


def test_much_the_same_paper_is_named(world: World):
    reader = world.reader()
    same = "sparse attention for very long documents with moving windows and sinks"
    world.record(MONDAY, ("2603.40001", same), ("2603.40002", f"{same} revisited"))
    world.compose(morning(30))
    picked = {pick.paper.id for pick in world.digests(reader)[0].picks}
    left = ({"2603.40001", "2603.40002"} - picked).pop()

    told = world.explain(reader, left)

    assert told.answer is Answer.SIMILAR
    assert "much the same as “sparse attention for very long documents" in said(told)


def test_a_paper_that_the_profile_names_is_known(world: World):
    profile = Profile(topics=("sparse attention",), liked=(FITS,), surprise=False)
    reader = world.reader(profile=profile)
    world.compose(morning(30))

    told = world.explain(reader, FITS)

    assert told.answer is Answer.KNOWN
    assert "they know it: their profile names it" in said(told)


def test_a_decision_is_explained_by_the_profile_of_that_day(world: World):
    """The mute came after the digest, so it is not why."""
    reader = world.reader()
    world.compose(morning(30))
    later = replace(reader.profile, muted=("robot",), topics=("robot hands",))
    world.app.subscriptions.change(
        reader.id, replace(wishes_of(reader), profile=later), now=morning(30, 9)
    )
    world.app.subscriptions.rate(reader.id, ROBOTS, Verdict.MORE, now=morning(30, 9))
    world.now = morning(30, 10)

    assert world.explain(reader, ROBOTS).answer is Answer.BELOW_CUT


def test_what_may_still_come_is_said_beside_the_past(world: World):
    reader = world.reader()
    world.compose(morning(30))
    other = replace(reader.profile, topics=("robot hands",))
    world.app.subscriptions.change(
        reader.id, replace(wishes_of(reader), profile=other), now=morning(30, 9)
    )
    world.now = morning(30, 10)

    told = world.explain(reader, ROBOTS)

    assert told.answer is Answer.BELOW_CUT
    assert "next digest is due on Tuesday, 31 March 2026 at 08:00 (UTC)" in said(told)
    assert "it is going to be in it" in said(told)


def test_an_edition_with_too_few_papers_for_a_mail_is_said(world: World):
    reader = world.reader()
    world.min_papers = 4
    world.compose(morning(30))

    told = world.explain(reader, FITS)

    assert told.answer is Answer.QUIET
    assert "papers that fitted: 2, needed: 4 (digest.min_papers)" in said(told)


def test_a_digest_to_come_is_told_with_its_hour_and_what_is_likely(world: World):
    reader = world.reader(timezone="Asia/Tokyo")

    told = world.explain(reader, FITS)

    assert told.answer is Answer.NOT_DUE
    assert told.sentences == (
        "Their next digest is due on Monday, 30 March 2026 at 08:00 (Asia/Tokyo).",
        "As things are, it is going to be in it.",
    )
    assert world.explain(reader, ROBOTS).answer is Answer.BELOW_CUT
    assert "As things are, it is left out of it" in said(world.explain(reader, ROBOTS))


def test_a_digest_that_is_overdue_names_what_makes_it(world: World):
    reader = world.reader()
    world.now = morning(30, 11)

    told = said(world.explain(reader, FITS))

    assert "due since Monday, 30 March 2026 at 08:00 (UTC) and not made yet" in told
    assert "`newsletter run` makes it" in told


def test_a_paper_of_a_day_that_no_digest_looks_at_is_said_to_be_so(world: World):
    world.now = START + timedelta(days=40)
    world.lists(date(2026, 5, 8))
    reader = world.reader()

    told = world.explain(reader, FITS)

    assert told.answer is Answer.NOT_LISTED
    assert "It was listed on 30 March 2026" in said(told)
    assert "the newest 3 list days" in said(told)
    assert "none was made yet" in said(told)


def test_a_weekly_digest_looks_at_its_week(world: World):
    reader = world.reader(cadence=Cadence.WEEKLY, weekday=6)
    for day in range(1, 7):
        world.lists(MONDAY + timedelta(days=day))

    assert world.explain(reader, FITS).answer is Answer.NOT_DUE


def test_a_late_arrival_is_explained_by_the_digest_after_it(world: World):
    reader = world.reader()
    world.compose(morning(30))
    world.now = morning(30, 9)
    world.record(MONDAY, ("2603.66666", "sparse attention arrives late"))

    told = world.explain(reader, "2603.66666")

    assert told.answer is Answer.NOT_DUE


@pytest.mark.parametrize("event", ["pause", "unsubscribe", "bounce", "complain"])
def test_who_gets_no_digests_is_told_so(world: World, event):
    reader = world.reader()
    desk = world.app.subscriptions
    if event == "pause":
        desk.pause(reader.id, date(2026, 5, 1), now=START)
    else:
        getattr(desk, event)(reader.id, now=START)

    told = world.explain(reader, FITS)

    expected = {
        "pause": (Answer.NOT_ACTIVE, "They are paused until 1 May 2026, since Sunday"),
        "unsubscribe": (Answer.NOT_ACTIVE, "They are unsubscribed, since Sunday, 29 March 2026"),
        "bounce": (Answer.SUPPRESSED, "the address is suppressed (bounced)"),
        "complain": (Answer.SUPPRESSED, "the address is suppressed (complained)"),
    }[event]
    assert told.answer is expected[0]
    assert expected[1] in said(told)


def test_who_did_not_confirm_is_pending(world: World):
    asked = world.app.subscriptions.enrol("new@reader.example", None, None, now=START)

    told = world.explain(asked, FITS)

    assert told.answer is Answer.NOT_ACTIVE
    assert "They are pending" in said(told)


def test_an_active_reader_whose_address_is_suppressed_gets_nothing(world: World):
    reader = world.reader()
    with world.app.store.changing_register() as register:
        register.addresses.suppress("ines@reader.example", Suppressed.BOUNCED, START)

    assert world.explain(reader, FITS).answer is Answer.SUPPRESSED


def test_who_left_after_the_decision_is_told_both(world: World):
    reader = world.reader()
    world.compose(morning(30))
    world.app.subscriptions.unsubscribe(reader.id, now=world.now, reason="too much")

    told = world.explain(reader, ROBOTS)

    assert told.answer is Answer.BELOW_CUT
    assert "They are unsubscribed" in said(told)
    assert "(too much)" in said(told)


def test_a_paper_completed_since_does_not_make_up_a_wrong_reason(world: World):
    """What was known then had no abstract that fits; what is known now has."""
    reader = world.reader()
    world.compose(morning(30))
    world.now = morning(30, 9)
    paper = replace(
        paper_called(ROBOTS, "sparse attention inside robot hands", MONDAY),
        abstract="Sparse attention, all about sparse attention.",
    )
    completed = Listing(source="api", tier=Tier.API, entries=(Entry(paper=paper, rank=1),))
    world.app.store.record(completed, world.now)

    told = world.explain(reader, ROBOTS)

    assert told.answer is Answer.CHANGED
    assert "papers were completed or read since" in said(told)
