"""Each alarm is raised by its facts, absent without them, and never names a reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.model import Tier
from newsletter.watch import (
    Disk,
    Facts,
    Figures,
    JobRecord,
    Reading,
    RelayRecord,
    Rules,
    alarms,
    discreet,
    weekday_time,
    why_not_ready,
)

# A Wednesday; the process runs since Monday.
NOW = datetime(2026, 4, 8, 12, tzinfo=UTC)
STARTED = NOW - timedelta(days=2)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
RULES = Rules()
FRESH = Figures(papers=10, last_look_at=NOW - MINUTE, last_new_paper_at=NOW - HOUR)
WELL = Facts(now=NOW, started_at=STARTED, figures=FRESH)
DAILY = Reading(name="daily", at=NOW, tier=Tier.API, best=Tier.API)


def with_figures(**changes: object) -> Facts:
    return replace(WELL, figures=replace(FRESH, **changes))


def names(facts: Facts, rules: Rules = RULES) -> list[str]:
    return [alarm.name for alarm in alarms(facts, rules)]


def sentence(facts: Facts) -> str:
    (alarm,) = alarms(facts, RULES)
    assert alarm.remedy
    return alarm.sentence


def test_a_house_in_order_raises_nothing():
    assert names(WELL) == []
    assert names(replace(WELL, readings=(DAILY,), jobs=(JobRecord(name="ingest", runs=9),))) == []


def test_mails_that_are_held_back_are_told_with_the_rules_they_break():
    held = with_figures(held_back=3, why_held_back="no template leftovers")
    assert sentence(held) == (
        "Mails that would arrive broken are held back: 3. They break: no template leftovers"
    )
    assert names(held) == ["pre-flight"]


# -- lists


def failed(times: int, problem: str = "HTTP 500") -> Reading:
    return Reading(name="daily", at=NOW, best=Tier.API, problem=problem, in_a_row=times)


def test_a_source_that_fails_once_is_only_unlucky_and_twice_is_told():
    assert names(replace(WELL, readings=(failed(1),))) == []

    told = sentence(replace(WELL, readings=(failed(2),)))
    assert told == "The list daily could not be read 2 times in a row: HTTP 500"


def test_a_detour_is_told_when_it_lasts():
    by_page = replace(DAILY, tier=Tier.PAGE_JSON, notes=("Tier api failed: HTTP 503.",), in_a_row=1)
    assert names(replace(WELL, readings=(by_page,))) == []

    lasting = replace(by_page, in_a_row=2)
    assert sentence(replace(WELL, readings=(lasting,))) == (
        "The list daily is read by page-json, a worse way than usual. Tier api failed: HTTP 503."
    )


def test_a_page_that_changed_its_shape_is_told_at_once():
    shape = "Tier api failed: the source has changed its shape: 9 of 10 items have no usable id."
    reading = replace(DAILY, tier=Tier.PAGE_JSON, notes=(shape,), in_a_row=1)

    assert names(replace(WELL, readings=(reading,))) == ["tier daily"]


def test_cards_are_a_detour_of_any_page():
    reading = Reading(name="https://x.example", at=NOW, tier=Tier.PAGE_CARDS, in_a_row=2)

    assert names(replace(WELL, readings=(reading,))) == ["tier https://x.example"]


def test_a_feed_is_no_detour_for_who_asked_for_a_feed():
    feed = Reading(name="arxiv:cs.CL", at=NOW, tier=Tier.RSS, best=Tier.RSS, in_a_row=0)

    assert names(replace(WELL, readings=(feed,))) == []


def test_lists_that_nobody_reads_are_told_after_hours_of_running():
    assert names(with_figures(last_look_at=NOW - 2 * HOUR)) == []
    assert names(with_figures(last_look_at=NOW - 4 * HOUR)) == ["no list"]
    assert names(with_figures(last_look_at=None)) == ["no list"]


def test_a_process_that_just_started_is_given_time_to_read():
    rested = replace(with_figures(last_look_at=NOW - 20 * HOUR), started_at=NOW - MINUTE)

    assert names(rested) == []


def test_no_new_papers_on_weekdays_are_told():
    assert names(with_figures(last_new_paper_at=NOW - 29 * HOUR)) == []
    assert names(with_figures(last_new_paper_at=NOW - 31 * HOUR)) == ["no new papers"]


def test_a_weekend_without_papers_is_right():
    friday_evening = datetime(2026, 4, 3, 20, tzinfo=UTC)
    monday_evening = datetime(2026, 4, 6, 20, tzinfo=UTC)
    figures = replace(FRESH, last_look_at=monday_evening, last_new_paper_at=friday_evening)
    facts = replace(WELL, now=monday_evening, started_at=friday_evening, figures=figures)

    assert names(facts) == []
    later = replace(facts, now=monday_evening + 7 * HOUR)
    read = replace(later, figures=replace(figures, last_look_at=later.now))
    assert names(read) == ["no new papers"]


def test_a_source_that_fails_explains_why_there_is_no_list_and_no_paper():
    facts = with_figures(last_look_at=NOW - 9 * HOUR, last_new_paper_at=NOW - 90 * HOUR)

    assert names(replace(facts, readings=(failed(3),))) == ["source daily"]


def test_who_only_serves_pages_is_not_asked_for_lists_and_digests():
    facts = with_figures(last_look_at=None, undone=3, undone_since=NOW - 5 * HOUR)

    assert names(facts) == ["no list", "digests not made"]
    assert names(replace(facts, whole=False)) == []


# -- digests and mails


def test_a_digest_that_is_due_and_not_made_is_told_when_it_is_late():
    assert names(with_figures(undone=4, undone_since=NOW - 29 * MINUTE)) == []

    late = with_figures(undone=4, undone_since=NOW - 31 * MINUTE)
    assert sentence(late) == (
        "Digests that are due and not made: 4, the first since 2026-04-08 11:29 UTC."
    )


def test_nothing_is_late_while_the_process_catches_up():
    facts = with_figures(undone=4, undone_since=NOW - 9 * HOUR, overdue=2, overdue_since=STARTED)

    assert names(replace(facts, started_at=NOW - MINUTE)) == []


def test_mails_that_nobody_takes_are_told():
    assert names(with_figures(overdue=2, overdue_since=NOW - 31 * MINUTE)) == ["mails not taken"]
    assert names(with_figures(overdue=2, overdue_since=NOW - 29 * MINUTE)) == []


@pytest.mark.parametrize(
    ("made", "unsent", "told"),
    [(100, 2, False), (100, 9, False), (100, 10, True), (4, 2, False), (1, 1, True), (0, 0, False)],
)
def test_digests_that_wait_are_told_unless_they_are_a_few_among_many(made, unsent, told):
    facts = with_figures(made=made, unsent=unsent, trouble="digest.mjml.j2:3: unknown")

    assert names(facts) == (["digests late"] if told else [])


def test_the_words_of_the_trouble_are_told_without_the_address_in_them():
    facts = with_figures(made=1, unsent=1, trouble="“ines@reader.example” cannot be used")

    assert "(hidden)" in sentence(facts)
    assert "ines" not in sentence(facts)


# -- the relay


def relay(put_off: int, words: str) -> Facts:
    return replace(WELL, relay=RelayRecord(put_off=put_off, since=NOW - MINUTE, words=words))


def test_a_refused_login_is_told_at_the_first_mail():
    facts = relay(1, "535 AUTH: wrong password")

    assert names(facts) == ["relay login"]
    assert sentence(facts).endswith("since 2026-04-08 11:59 UTC: 535 AUTH: wrong password")


@pytest.mark.parametrize(
    ("put_off", "words", "told"),
    [
        (2, "connecting: Connection refused", False),
        (3, "connecting: Connection refused", True),
        (3, "550 MAIL FROM: not from here", True),
        (9, "450 RCPT TO: try again later", False),
        (10, "450 RCPT TO: try again later", True),
        (0, "", False),
    ],
)
def test_a_relay_that_takes_nothing_is_told_sooner_when_it_does_not_even_listen(
    put_off, words, told
):
    assert names(relay(put_off, words)) == (["relay"] if told else [])


@pytest.mark.parametrize(("refused", "told"), [(9, []), (10, ["relay refuses"])])
def test_a_relay_that_refuses_everything_for_good_is_told_as_what_it_is(refused, told):
    record = RelayRecord(
        refused=refused, since=NOW - MINUTE, words="554 RCPT TO: Relay access denied"
    )
    facts = replace(WELL, relay=record)

    assert names(facts) == told
    if told:
        assert "refused the last 10 mails for good" in sentence(facts)


# -- reputation


@pytest.mark.parametrize(
    ("bounced", "mailed", "share"),
    [(30, 30, "100 %"), (999, 1000, "100 %"), (150, 1000, "15 %"), (52, 1000, "5.2 %")],
)
def test_a_share_is_told_in_plain_figures(bounced, mailed, share):
    facts = replace(WELL, figures=replace(WELL.figures, bounced=bounced, mailed=mailed))

    assert sentence(facts).startswith(f"{share} of the mails of 30 days came back")


@pytest.mark.parametrize(
    ("mailed", "bounced", "told"),
    [(1000, 49, False), (1000, 50, True), (10, 4, False), (0, 0, False), (0, 7, False)],
)
def test_bounces_are_told_at_five_percent(mailed, bounced, told):
    assert names(with_figures(mailed=mailed, bounced=bounced)) == (["bounces"] if told else [])


@pytest.mark.parametrize(
    ("mailed", "complained", "told"),
    [
        (10_000, 9, []),
        (10_000, 10, ["complaints"]),
        (10_000, 30, ["complaints", "complaints over the limit"]),
        (100, 1, []),
    ],
)
def test_complaints_are_told_at_the_limits_of_the_providers(mailed, complained, told):
    assert names(with_figures(mailed=mailed, complained=complained)) == told


def test_a_share_is_told_in_percent():
    facts = with_figures(mailed=10_000, complained=12)

    assert "0.12 % of the mails of 30 days" in sentence(facts)
    assert "less than 0.1 %" in sentence(facts)


# -- the machine and the jobs


@pytest.mark.parametrize(
    ("free", "total", "told"),
    [
        (150_000_000, 1_000_000_000_000, True),
        (3_000_000_000, 100_000_000_000, True),
        (6_000_000_000, 1_000_000_000_000, False),
        (300_000_000, 1_000_000_000, False),
    ],
)
def test_a_disk_is_told_before_it_is_full(free, total, told):
    facts = replace(WELL, disk=Disk(free=free, total=total))

    assert names(facts) == (["disk"] if told else [])


def test_a_job_that_fails_several_times_in_a_row_is_told():
    job = JobRecord(name="compose", runs=9, failures=5, in_a_row=2, last_error="KeyError")
    assert names(replace(WELL, jobs=(job,))) == []

    stuck = replace(job, in_a_row=3, last_error="no such table of ines@reader.example")
    told = sentence(replace(WELL, jobs=(stuck,)))
    assert told == "The job compose failed 3 times in a row: no such table of (hidden)"


# -- readiness


def test_ready_is_who_reads_lists_and_sends_mails():
    assert why_not_ready(WELL, RULES) == ""
    assert (
        why_not_ready(with_figures(last_look_at=None), RULES) == "No list of papers was read yet."
    )
    assert why_not_ready(with_figures(last_look_at=NOW - 5 * HOUR), RULES) == (
        "No list of papers could be read since 2026-04-08 07:00 UTC."
    )
    assert why_not_ready(with_figures(overdue=7, overdue_since=NOW - HOUR), RULES) == (
        "Mails that should have left since 2026-04-08 11:00 UTC: 7."
    )
    serving = replace(with_figures(last_look_at=None), whole=False)
    assert why_not_ready(serving, RULES) == ""


# -- what holds for all facts

instants = st.none() | st.integers(0, 140_000).map(lambda minutes: NOW - minutes * MINUTE)
counts = st.integers(0, 10**6)
words = st.text(max_size=30) | st.just("to ines@reader.example: 550 no")
readings = st.builds(
    Reading,
    name=st.sampled_from(["daily", "trending"]),
    at=st.just(NOW),
    tier=st.none() | st.sampled_from(Tier),
    best=st.none() | st.sampled_from(Tier),
    notes=st.lists(words, max_size=2).map(tuple),
    problem=words,
    in_a_row=st.integers(0, 5),
)
every_fact = st.builds(
    Facts,
    now=st.just(NOW),
    started_at=instants.map(lambda at: at or STARTED),
    whole=st.booleans(),
    figures=st.builds(
        Figures,
        last_look_at=instants,
        last_new_paper_at=instants,
        overdue=counts,
        overdue_since=instants,
        undone=counts,
        undone_since=instants,
        made=counts,
        unsent=counts,
        trouble=words,
        mailed=counts,
        bounced=counts,
        complained=counts,
    ),
    readings=st.lists(readings, max_size=3).map(tuple),
    jobs=st.lists(
        st.builds(JobRecord, name=st.just("compose"), in_a_row=counts, last_error=words), max_size=2
    ).map(tuple),
    relay=st.builds(RelayRecord, put_off=counts, since=instants, words=words),
    disk=st.none() | st.builds(Disk, free=counts, total=st.integers(1, 10**13)),
)


@given(every_fact)
def test_any_facts_give_sentences_with_a_remedy_each_name_once_and_no_address(facts):
    raised = alarms(facts, RULES)

    assert len({alarm.name for alarm in raised}) == len(raised)
    for alarm in raised:
        assert alarm.sentence
        assert alarm.remedy
        assert "ines@reader.example" not in alarm.sentence
    assert "@" not in why_not_ready(facts, RULES)


@given(every_fact)
def test_stricter_rules_never_silence_an_alarm(facts):
    strict = Rules(
        late=MINUTE, unread=MINUTE, quiet=HOUR, detours=1, failures=1, unheard=1, put_off=1
    )
    loud = set(names(facts))
    # A source told at its first failure stands for the missing list and papers behind it.
    heard = set(names(facts, strict)) | {"no list", "no new papers"}

    assert loud <= heard


@given(
    st.integers(0, 80_000).map(lambda minutes: NOW + minutes * MINUTE),
    st.timedeltas(timedelta(), timedelta(days=40)),
    st.timedeltas(timedelta(), timedelta(days=40)),
)
def test_weekday_time_adds_up_and_a_week_has_five_days(start, first, second):
    middle, end = start + first, start + first + second

    assert weekday_time(start, middle) + weekday_time(middle, end) == weekday_time(start, end)
    assert weekday_time(start, start + timedelta(days=7)) == timedelta(days=5)
    assert weekday_time(end, start) == timedelta()


def test_an_address_is_hidden_wherever_it_stands():
    assert discreet("<ines@reader.example>: 550, cc bo%40x.org") == "<(hidden)>: 550, cc (hidden)"


def test_what_a_server_says_turns_nothing_around_in_an_alarm():
    refused = "\u202emoc.elpmaxe is not among the allowed hosts\x1b[2J\x9b"
    told = sentence(replace(WELL, readings=(failed(2, refused),)))
    assert told.endswith(r"\u202emoc.elpmaxe is not among the allowed hosts\x1b[2J\x9b")
    assert discreet("می\u200cخواهم\ntwo") == "می\u200cخواهم\ntwo"
