"""The pace: no window of time sees more than the rate, everybody has their turn, nobody circles."""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery import Outcome, Result
from newsletter.mail.pace import Leaving, Limits, Pace, WarmUp, asks_for_patience

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
TAKEN = Outcome(result=Result.ACCEPTED, reply=250)
TOO_FAST = Outcome(result=Result.DEFERRED, reply=421, status="4.7.28", detail="DATA: unusual rate")
RATES = st.sampled_from([0.2, 1.0, 3.0, 30.0, 250.0])


def mail(domain="a.example", connection=1, **more) -> Leaving:
    return Leaving(domain=domain, connection=connection, **more)


def leaves(pace: Pace, one: Leaving, now: datetime, outcome: Outcome = TAKEN) -> bool:
    """It leaves at this instant and is answered at once, or may not."""
    if pace.begin(one, now):
        return False
    pace.end(one, outcome, now, begun_at=now)
    return True


def carried(pace: Pace, domains: list[str], until: timedelta) -> list[tuple[datetime, str]]:
    """All want to leave at noon; each is asked again exactly when it was promised."""
    queue = [(NOON, number, domain) for number, domain in enumerate(domains)]
    left = []
    while queue:
        now, number, domain = heapq.heappop(queue)
        assert now < NOON + until, "somebody waits for ever"
        one = mail(domain, promised=now > NOON)
        at = pace.begin(one, now)
        if at:
            assert at > now
            heapq.heappush(queue, (at, number, domain))
        else:
            pace.end(one, TAKEN, now, begun_at=now)
            left.append((now, domain))
    return left


def busiest(times: list[datetime], window: timedelta) -> int:
    """The most of them in any window of this length."""
    return max(sum(begin <= at < begin + window for at in times) for begin in times)


@given(rate=RATES, seconds=st.lists(st.floats(0, 3), min_size=1, max_size=120))
def test_no_window_sees_more_than_the_rate_whoever_asks_when(rate, seconds):
    pace, now, left = Pace(rate=rate), NOON, []
    for number, passed in enumerate(seconds):
        now += timedelta(seconds=passed * passed / 9)
        urgent, promised = number % 5 == 0, number % 3 == 0
        if leaves(pace, mail(f"d{number % 4}", urgent=urgent, promised=promised), now):
            left.append(now)

    for window in (0.05, 1.0, 7.0):
        most = rate * (window + 0.1) + 1
        assert busiest(left, timedelta(seconds=window)) <= most


@given(
    rate=RATES,
    domain_rate=RATES,
    domains=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=60),
)
def test_all_that_are_asked_again_when_promised_leave_in_time_within_both_rates(
    rate, domain_rate, domains
):
    pace = Pace(rate=rate, usual=Limits(rate=domain_rate))
    counts = Counter(domains)
    longest = len(domains) / rate + max(counts.values()) / domain_rate

    left = carried(pace, domains, timedelta(seconds=2 * longest + 5))

    assert len(left) == len(domains)
    assert busiest([at for at, _ in left], SECOND) <= rate * 1.1 + 1
    for name in counts:
        assert busiest([at for at, domain in left if domain == name], SECOND) <= (
            domain_rate * 1.1 + 1
        )


def test_a_hundred_thousand_mails_for_one_slow_domain_are_promised_a_time_once_each():
    pace = Pace(domains={"slow.example": Limits(rate=10)})
    one = mail("slow.example")
    promised = [at for _ in range(100_000) if (at := pace.begin(one, NOON))]

    assert len(promised) == 99_999
    assert promised == sorted(set(promised)), "no two at one time"
    assert promised[-1] - NOON <= timedelta(seconds=10_000)
    assert leaves(pace, mail("quick.example"), NOON), "others go ahead"
    for at in promised[:500]:
        assert leaves(pace, mail("slow.example", promised=True), at)


def test_a_newcomer_does_not_take_the_time_that_others_were_promised():
    pace = Pace(usual=Limits(rate=1))
    assert leaves(pace, mail(), NOON)
    promised = pace.begin(mail(), NOON)

    assert pace.begin(mail(), promised - SECOND / 2) > promised
    assert leaves(pace, mail(promised=True), promised)


def test_a_letter_goes_before_all_who_were_promised_a_time_and_counts():
    pace = Pace(usual=Limits(rate=1))
    leaves(pace, mail(), NOON)
    first = pace.begin(mail(), NOON)
    pace.begin(mail(), NOON)

    assert pace.begin(mail(urgent=True), NOON) <= first
    assert leaves(pace, mail(urgent=True), NOON + SECOND)
    assert not leaves(pace, mail(promised=True), NOON + SECOND)


def test_connections_to_one_domain_are_counted_and_one_connection_counts_once():
    pace = Pace(usual=Limits(connections=2))
    assert pace.begin(mail(connection=1), NOON) is None
    assert pace.begin(mail(connection=1), NOON) is None
    assert pace.begin(mail(connection=2), NOON) is None

    later = pace.begin(mail(connection=3), NOON)
    assert NOON < later < NOON + SECOND
    assert pace.begin(mail("b.example", connection=3), NOON) is None
    pace.end(mail(connection=1), TAKEN, NOON, begun_at=NOON)
    assert pace.begin(mail(connection=3), NOON), "its second mail is still in flight"
    pace.end(mail(connection=1), TAKEN, NOON, begun_at=NOON)
    assert pace.begin(mail(connection=3), NOON) is None


def test_a_domain_that_asks_for_patience_is_left_in_peace_for_longer_and_longer():
    pace, now, pauses = Pace(), NOON, []
    for _ in range(9):
        assert pace.begin(mail(), now) is None
        until = pace.end(mail(), TOO_FAST, now, begun_at=now)
        pauses.append((until - now) // timedelta(minutes=1))
        assert pace.begin(mail(urgent=True), until - SECOND) == until
        assert leaves(pace, mail("b.example"), now)
        now = until

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_several_connections_that_hear_of_it_at_once_begin_one_pause():
    pace = Pace()
    for connection in (1, 2):
        pace.begin(mail(connection=connection), NOON)

    assert pace.end(mail(connection=1), TOO_FAST, NOON, begun_at=NOON)
    assert pace.end(mail(connection=2), TOO_FAST, NOON, begun_at=NOON) is None


def test_a_pause_is_forgotten_when_all_went_well_for_as_long_as_it_lasted():
    pace = Pace()
    leaves(pace, mail(), NOON, TOO_FAST)
    leaves(pace, mail(), NOON + timedelta(minutes=2))
    leaves(pace, mail(), NOON + timedelta(minutes=3), TOO_FAST)

    assert pace.begin(mail(urgent=True), NOON + timedelta(minutes=3)) == NOON + timedelta(minutes=4)


@pytest.mark.parametrize(
    ("reply", "status", "detail", "asks"),
    [
        (421, "4.7.28", "DATA: 8.8.8.8 our system has detected unsolicited mail", True),
        (421, "4.7.0", "RCPT TO: deferred due to unexpected volume", True),
        (451, "4.7.650", "DATA: the mail server has been temporarily rate limited", True),
        (450, "4.7.1", "RCPT TO: too many connections from your host", True),
        (452, "4.5.3", "MAIL FROM: too many messages sent", False),
        (450, "4.2.1", "RCPT TO: the user is receiving mail at a rate that", False),
        (452, "4.2.2", "RCPT TO: quota limit exceeded", False),
        (451, "4.7.1", "RCPT TO: greylisted, try again later", False),
        (550, "5.7.1", "DATA: too many spam", False),
        (451, "4.3.0", "DATA: accurate generation failed", False),
    ],
)
def test_only_words_about_our_speed_ask_for_patience(reply, status, detail, asks):
    result = Result.REJECTED if reply >= 500 else Result.DEFERRED
    said = Outcome(result=result, reply=reply, status=status, detail=detail)

    assert asks_for_patience(said) is asks


def test_a_relay_that_closes_before_the_mail_says_nothing_about_its_domain():
    said = Outcome(result=Result.DEFERRED, reply=421, detail="EHLO: too many", unserved=True)

    assert not asks_for_patience(said)


def test_a_clock_that_is_put_back_holds_no_mail_up():
    pace = Pace(rate=1, usual=Limits(rate=0.5))
    leaves(pace, mail(), NOON, TOO_FAST)

    assert leaves(pace, mail(promised=True), NOON - timedelta(hours=3))


def test_promises_of_an_hour_that_never_came_hold_no_newcomer_up():
    pace = Pace(rate=1)
    ahead = NOON + timedelta(days=1)
    for _ in range(5):
        pace.begin(mail(), ahead)

    assert pace.begin(mail(), NOON) <= NOON + timedelta(seconds=6)
    assert pace.begin(mail(), NOON + timedelta(seconds=30)) is None


def test_a_warm_up_lets_as_many_leave_each_day_as_it_says_and_spreads_the_rest():
    pace = Pace(warm_up=WarmUp([3, 5], NOON.date(), sent_today=(NOON.date(), 1)))
    promised = [at for _ in range(9) if (at := pace.begin(mail(), NOON))]

    midnight = datetime(2026, 4, 4, tzinfo=UTC)
    tomorrow = [at for at in promised if at < midnight + DAY]
    assert (len(promised), len(tomorrow)) == (7, 5)
    assert tomorrow == [midnight + n * DAY / 5 for n in range(5)]
    assert promised[5:] == [midnight + DAY] * 2, "then there is no limit any more"
    assert pace.begin(mail(urgent=True), NOON) > NOON


def test_who_was_promised_a_day_of_the_warm_up_goes_before_newcomers_of_that_day():
    pace = Pace(warm_up=WarmUp([1, 2], NOON.date()))
    leaves(pace, mail(), NOON)
    promised = [pace.begin(mail(), NOON) for _ in range(2)]

    assert pace.begin(mail(), NOON + DAY) > NOON + DAY
    for at in promised:
        assert leaves(pace, mail(promised=True), max(at, NOON + DAY))
    assert not leaves(pace, mail(promised=True), NOON + DAY)


def test_a_mail_that_no_relay_spoke_of_does_not_count_for_the_warm_up():
    pace = Pace(warm_up=WarmUp([1], NOON.date()))
    unserved = Outcome(result=Result.DEFERRED, unserved=True)
    let_go = Outcome(result=Result.DEFERRED, let_go=True)

    for outcome in (unserved, unserved, let_go, TAKEN):
        assert leaves(pace, mail(), NOON, outcome)
    assert not leaves(pace, mail(), NOON)


def test_a_clock_that_was_a_day_ahead_does_not_make_the_warm_up_forget_what_has_left_today():
    pace = Pace(warm_up=WarmUp([1, 1, 1], NOON.date()))
    assert leaves(pace, mail(), NOON)
    assert leaves(pace, mail(), NOON + DAY)
    assert not leaves(pace, mail(), NOON + DAY)

    assert not leaves(pace, mail(), NOON)


def test_before_its_first_day_a_warm_up_allows_what_it_allows_on_it():
    pace = Pace(warm_up=WarmUp([1], date(2026, 4, 10)))

    assert leaves(pace, mail(), NOON)
    assert not leaves(pace, mail(), NOON)


def test_domains_of_which_nothing_is_known_any_more_are_forgotten():
    pace = Pace(usual=Limits(rate=100))
    for number in range(20_000):
        leaves(pace, mail(f"d{number}.example"), NOON + number * SECOND)

    assert len(pace._streams) <= 1000


@given(rate=st.sampled_from([3.0, 30.0]), workers=st.integers(2, 5))
def test_processes_that_share_a_rate_keep_it_together(rate, workers):
    paces = [Pace(rate=rate) for _ in range(workers)]
    for pace in paces:
        pace.take_part(1 / workers)
    left = sorted(
        at for pace in paces for at, _ in carried(pace, ["a.example"] * 20, timedelta(hours=1))
    )

    # Each may begin with what a tenth of a second allows, one mail at least.
    most = workers * (1 + 0.1 * rate / workers) + 5 * rate
    assert busiest(left, 5 * SECOND) <= most + 1e-9


def test_without_a_part_nothing_leaves_and_with_one_again():
    pace = Pace()
    pace.take_part(0.0)
    assert not pace.has_part(NOON)
    assert pace.begin(mail(), NOON) == NOON + SECOND

    pace.take_part(0.5, until=NOON + 15 * SECOND)

    assert leaves(pace, mail(), NOON)
    assert not leaves(pace, mail(), NOON + 15 * SECOND)


def test_a_part_counts_for_domains_that_are_known_already_and_leaves_one_connection_at_least():
    pace = Pace(usual=Limits(rate=10, connections=4), domains={"b.example": Limits(connections=1)})
    assert leaves(pace, mail(), NOON)

    pace.take_part(0.25)

    assert pace._stream("a.example", NOON).limits == Limits(rate=2.5, connections=1)
    assert pace._stream("b.example", NOON).limits == Limits(connections=1)
    pace.take_part(0.5)
    assert pace._stream("a.example", NOON).limits == Limits(rate=5, connections=2)


def test_who_takes_a_warm_up_over_counts_what_others_have_sent():
    pace = Pace(warm_up=WarmUp([2], NOON.date()))
    assert leaves(pace, mail(), NOON)
    pace.take_part(0.0)

    pace.take_part(1.0, warm_up=WarmUp([2], NOON.date(), sent_today=(NOON.date(), 2)))

    assert not leaves(pace, mail(), NOON)
    assert pace.warms_up(NOON)
    assert not pace.warms_up(NOON + DAY)


@pytest.mark.parametrize(
    ("pace", "limited"),
    [
        (Pace(), False),
        (Pace(rate=1), True),
        (Pace(usual=Limits(connections=1)), True),
        (Pace(domains={"a.example": Limits(rate=1)}), True),
        (Pace(warm_up=WarmUp([5], NOON.date())), True),
    ],
)
def test_only_what_is_limited_need_be_shared(pace, limited):
    assert pace.limits(NOON) is limited
