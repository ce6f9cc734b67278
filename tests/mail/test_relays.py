"""Several relays: the first that serves is asked, and one that does not is left alone for a while."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from newsletter.delivery import Outcome, Result
from newsletter.mail.relays import Failover, Relays
from newsletter.mail.transport import Envelope
from newsletter.watch import Proof

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TAKEN = Outcome(result=Result.ACCEPTED, reply=250)
DOWN = Outcome(result=Result.DEFERRED, detail="connecting: refused", unserved=True)
GREY = Outcome(result=Result.DEFERRED, reply=451, detail="RCPT TO: greylisted")
UNSURE = Outcome(result=Result.DEFERRED, detail="DATA: connection lost")


class Way:
    """A connection to a relay that answers what it is told to; takes `ahead` mails at once."""

    def __init__(self, *outcomes: Outcome, usual: Outcome = TAKEN, ahead: int = 1) -> None:
        self.outcomes = deque(outcomes)
        self.usual = usual
        self.ahead = ahead
        self.asked: list[str] = []
        self.is_closed = False

    def carry(self, mails):
        flight = 0
        for mail in mails:
            self.asked.append(mail.recipient)
            flight += 1
            if flight == self.ahead:
                yield self._next()
                flight -= 1
        for _ in range(flight):
            yield self._next()

    def close(self) -> None:
        self.is_closed = True

    def _next(self) -> Outcome:
        return self.outcomes.popleft() if self.outcomes else self.usual


class Clock:
    """The present instant, moved by hand."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


def mails(*names: str):
    return [Envelope(raw=b"x", sender="d@x.org", recipient=name) for name in names]


def several(clock, *ways: Way, connections: int = 1) -> tuple[Failover, Relays]:
    relays = Relays([f"r{n}" for n in range(len(ways))], now=clock, connections=connections)
    return Failover(ways, relays, now=clock), relays


@pytest.mark.parametrize("ahead", [1, 3])
def test_a_mail_that_one_relay_does_not_serve_goes_to_the_next_at_once(clock, ahead):
    first, second = Way(usual=DOWN, ahead=ahead), Way(ahead=ahead)
    failover, relays = several(clock, first, second)

    outcomes = list(failover.carry(mails("a", "b", "c")))

    assert outcomes == [TAKEN] * 3
    assert len(first.asked) == ahead, "what was in flight, and no more"
    assert second.asked == ["a", "b", "c"]
    assert [standing.rests for standing in relays.standings] == [1, 0]


def test_a_relay_is_known_to_serve_only_once_it_was_asked(clock):
    failover, relays = several(clock, Way(DOWN, TAKEN), Way())
    assert [standing.works for standing in relays.standings] == [None, None]

    list(failover.carry(mails("a")))
    assert [standing.works is not None for standing in relays.standings] == [False, True]
    assert relays.standings[0].at == clock.at

    clock.at += MINUTE
    list(failover.carry(mails("b")))
    assert relays.standings[0].works == Proof(last=clock.at, since=clock.at)


@pytest.mark.parametrize("outcome", [GREY, UNSURE, TAKEN])
def test_a_mail_that_a_relay_spoke_of_or_may_have_taken_never_goes_to_a_second_one(clock, outcome):
    first, second = Way(usual=outcome), Way()
    failover, relays = several(clock, first, second)

    assert list(failover.carry(mails("a", "b"))) == [outcome] * 2
    assert second.asked == []
    assert relays.standings[0].rests == 0


@pytest.mark.parametrize("ahead", [2, 8])
def test_outcomes_stay_in_order_when_a_relay_is_lost_with_several_mails_in_flight(clock, ahead):
    first = Way(TAKEN, DOWN, DOWN, DOWN, DOWN, DOWN, DOWN, DOWN, DOWN, ahead=ahead)
    second = Way(ahead=ahead)
    failover, _ = several(clock, first, second)
    names = [f"m{n}" for n in range(9)]

    assert list(failover.carry(mails(*names))) == [TAKEN] * 9
    assert sorted({"m0", *second.asked}) == names
    assert second.asked.count("m1") == 1


def test_rests_grow_from_one_minute_to_fifteen_and_one_mail_tries_each_time(clock):
    way = Way(usual=DOWN)
    failover, relays = several(clock, way)
    waits = []
    for _ in range(7):
        assert list(failover.carry(mails("a", "b"))) == [DOWN]
        assert list(failover.carry(mails("c"))) == [], "nobody is asked while it rests"
        waits.append((failover.silence().until - clock.at) // MINUTE)
        clock.at = failover.silence().until

    assert waits == [1, 2, 4, 8, 15, 15, 15]
    assert len(way.asked) == 7
    assert relays.standings[0].since == NOON


def test_only_one_connection_tries_a_relay_that_has_rested(clock):
    way = Way(DOWN)
    failover, relays = several(clock, way)
    list(failover.carry(mails("a")))
    clock.at += MINUTE

    assert relays.choose({}) == 0
    assert relays.choose({}) is None
    assert relays.silence({}).is_short
    relays.served(0)
    assert relays.choose({}) == 0


def test_who_chose_a_rested_relay_and_had_no_mail_leaves_it_to_others(clock):
    failover, relays = several(clock, Way(DOWN))
    list(failover.carry(mails("a")))
    clock.at += MINUTE

    assert list(failover.carry([])) == []
    assert relays.choose({}) == 0


def test_a_relay_that_serves_again_gets_all_mails_and_its_rests_are_forgotten(clock):
    first, second = Way(DOWN), Way()
    failover, relays = several(clock, first, second)
    list(failover.carry(mails("a")))
    clock.at += MINUTE

    assert list(failover.carry(mails("b", "c"))) == [TAKEN] * 2
    assert first.asked == ["a", "b", "c"]
    assert relays.standings[0].since is None


def test_a_silence_is_short_for_three_minutes_and_says_what_the_first_relay_said(clock):
    login = Outcome(result=Result.DEFERRED, reply=535, detail="AUTH: no", unserved=True)
    failover, _ = several(clock, Way(usual=login), Way(usual=DOWN))
    lengths = []
    for _ in range(3):
        list(failover.carry(mails("a")))
        silence = failover.silence()
        lengths.append(silence.is_short)
        assert silence.outcome == login
        clock.at = silence.until

    assert lengths == [True, True, False]


def test_one_connection_too_many_holds_back_alone(clock):
    relays = Relays(["r0"], now=clock, connections=2)
    served, refused = Way(), Way(usual=DOWN)
    fine, alone = Failover([served], relays, now=clock), Failover([refused], relays, now=clock)

    for name in ("a", "b"):
        assert list(fine.carry(mails(name))) == [TAKEN]
        list(alone.carry(mails(name)))
    assert refused.asked == ["a"]
    assert alone.silence().is_short
    assert fine.silence() is None
    clock.at += MINUTE
    list(fine.carry(mails("c")))
    refused.usual = TAKEN
    assert list(alone.carry(mails("d"))) == [TAKEN]


def test_a_relay_that_refuses_every_connection_rests(clock):
    relays = Relays(["r0"], now=clock, connections=2)
    failovers = [Failover([Way(TAKEN, DOWN)], relays, now=clock) for _ in range(2)]
    for expected in (TAKEN, DOWN):
        for failover in failovers:
            assert list(failover.carry(mails("a"))) == [expected]

    assert relays.standings[0].rests == 1
    assert relays.standings[0].words == "connecting: refused"


def test_a_clock_that_is_put_back_ends_a_rest(clock):
    way = Way(DOWN)
    failover, _ = several(clock, way)
    list(failover.carry(mails("a")))
    clock.at -= timedelta(hours=1)

    assert list(failover.carry(mails("b"))) == [TAKEN]


def test_every_connection_is_closed(clock):
    ways = Way(), Way()
    several(clock, *ways)[0].close()

    assert all(way.is_closed for way in ways)
