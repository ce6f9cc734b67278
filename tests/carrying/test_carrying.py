"""One connection's work: what leaves, in which order, and what becomes of all the rest."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from carrying_world import NOON, SECOND, TAKEN, YES, Relay

from newsletter.carrying import Carrier, Delivered
from newsletter.delivery import DeliveryState, Errand, Outcome, Result
from newsletter.errors import StoreError
from newsletter.mail.pace import Limits, Pace, WarmUp
from newsletter.mail.relays import Failover, Relays

MINUTE = timedelta(minutes=1)
DOWN = Outcome(result=Result.DEFERRED, detail="connecting: refused", unserved=True)


@pytest.mark.parametrize("ahead", [1, 2, 8, 100])
def test_all_mails_leave_in_one_go_however_many_the_transport_takes_ahead(world, ahead):
    ids = world.readers(60)
    relay = Relay(ahead=ahead)

    assert world.carrier(relay).round(most=60) == Delivered(sent=60)
    assert len(set(relay.asked)) == len(relay.asked) == 60
    assert world.states(ids) == {DeliveryState.SENT}
    assert [one for one, _ in world.heard] == ids


def test_letters_that_somebody_waits_for_leave_before_older_digests(world):
    world.readers(3)
    world.clock.at += MINUTE
    world.desk.subscribe("new@b.example", None, YES, now=world.clock.at)
    relay = Relay()

    world.carrier(relay).round(most=2)

    assert relay.asked == ["new@b.example", "r000@a.example"]


def test_each_outcome_reaches_its_own_mail(world):
    ids = world.readers(4)
    said = {
        "r001@a.example": Outcome(
            result=Result.REJECTED, reply=550, status="5.1.1", detail="RCPT TO: no"
        ),
        "r002@a.example": Outcome(result=Result.DEFERRED, reply=451, detail="RCPT TO: later"),
    }
    relay = Relay(lambda recipient: said.get(recipient, TAKEN), ahead=3)

    done = world.carrier(relay).round()

    assert done == Delivered(sent=2, failed=1, deferred=1)
    assert [refused.id for refused in done.refused] == [ids[1]]
    assert [world.get(one).state for one in ids] == [
        DeliveryState.SENT,
        DeliveryState.FAILED,
        DeliveryState.DEFERRED,
        DeliveryState.SENT,
    ]


def test_who_is_suppressed_while_a_batch_is_under_way_gets_nothing(world, monkeypatch):
    monkeypatch.setattr("newsletter.carrying._TOGETHER", 25)
    world.readers(60)

    def leave(recipient: str) -> Outcome:
        if recipient == "r000@a.example":
            world.desk.complain(world.desk.find("r040@a.example").id, now=NOON)
        return TAKEN

    relay = Relay(leave)
    assert world.carrier(relay).round(most=60) == Delivered(sent=59, cancelled=1)
    assert "r040@a.example" not in relay.asked


def test_a_look_at_the_store_that_is_some_seconds_old_is_repeated(world):
    world.readers(3)

    def leave(recipient: str) -> Outcome:
        if recipient == "r000@a.example":
            world.clock.at += 6 * SECOND  # a slow relay
            world.desk.unsubscribe(world.desk.find("r001@a.example").id, now=NOON)
        return TAKEN

    relay = Relay(leave)
    assert world.carrier(relay).round() == Delivered(sent=2, cancelled=1)
    assert relay.asked == ["r000@a.example", "r002@a.example"]


def test_when_the_house_closes_mails_in_hand_are_finished_and_the_others_given_back(world):
    ids = world.readers(5)

    def stops(recipient: str) -> Outcome:
        world.stopping.set()
        return TAKEN

    assert world.carrier(Relay(stops, ahead=2)).round() == Delivered(sent=2)
    assert world.states(ids[2:]) == {DeliveryState.QUEUED}
    assert [world.get(one).attempts for one in ids] == [1, 1, 0, 0, 0]
    assert world.get(ids[4]).next_attempt_at == NOON


def test_what_waits_for_a_slow_relay_is_held_for_as_long_as_it_takes(world):
    world.readers(4)
    others = world.office()
    taken_over = []

    def takes_long(recipient: str) -> Outcome:
        world.clock.at += 6 * MINUTE
        taken_over.extend(others.hands.claim(world.store, world.clock(), 9))
        return TAKEN

    assert world.carrier(Relay(takes_long)).round() == Delivered(sent=4)
    assert taken_over == []


def test_mails_that_were_just_looked_at_are_held_as_long_as_those_that_were_not(world):
    world.readers(4)
    others = world.office()
    taken_over = []
    spent = iter((297, 4, 297, 6))  # held for longer after 301 seconds, four after the last look

    def takes_long(recipient: str) -> Outcome:
        world.clock.at += next(spent) * SECOND
        taken_over.extend(others.hands.claim(world.store, world.clock(), 9))
        return TAKEN

    assert world.carrier(Relay(takes_long)).round() == Delivered(sent=4)
    assert taken_over == []


def test_a_connection_claims_few_mails_at_first_and_more_while_it_is_quick(world):
    carrier = world.carrier(Relay())
    claims = []
    claim = carrier._office.hands.claim

    def counted(store, now, most):
        claims.append(most)
        world.clock.at += pause
        return claim(store, now, most)

    carrier._office.hands.claim = counted
    pause = timedelta()
    for _ in range(6):
        carrier.round()
    pause = 6 * SECOND
    for _ in range(5):
        carrier.round()
    assert claims == [50, 100, 200, 400, 500, 500, 500, 250, 125, 62, 50]


def test_a_mail_that_breaks_the_transport_stays_claimed_and_all_others_are_given_back(world):
    ids = world.readers(3)

    def breaks(recipient: str) -> Outcome:
        raise KeyError("boom")

    with pytest.raises(KeyError):
        world.carrier(Relay(breaks)).round()
    assert [world.get(one).state for one in ids] == [
        DeliveryState.SENDING,
        DeliveryState.QUEUED,
        DeliveryState.QUEUED,
    ]


@pytest.mark.parametrize("trouble", [StoreError("locked"), KeyError("boom")])
def test_mails_in_flight_come_to_their_end_before_trouble_with_the_next_one_is_told(
    world, trouble, monkeypatch
):
    monkeypatch.setattr("newsletter.carrying._TOGETHER", 25)
    ids = world.readers(30)
    looks = []

    def register():
        looks.append(1)
        if len(looks) == 2:  # the second few are looked up while the first are in flight
            raise trouble
        return look()

    look, world.store.register = world.store.register, register
    with pytest.raises(type(trouble)):
        world.carrier(Relay(ahead=8)).round()
    world.store.register = look

    assert world.states(ids[:25]) == {DeliveryState.SENT}


def test_mails_that_the_store_could_not_tell_of_are_free_as_soon_as_it_answers(world):
    ids = world.readers(3)

    def register():
        raise StoreError("the server is restarted")

    look, world.store.register = world.store.register, register
    with pytest.raises(StoreError):
        world.carrier(Relay()).round()
    world.store.register = look

    assert world.states(ids) == {DeliveryState.QUEUED}


def test_trouble_with_making_a_mail_holds_up_no_other(world):
    ids = world.readers(60)
    renderer = world.post.renderer

    class Stumbling:
        def render(self, digest, *rest):
            if digest.id == ids[40]:
                raise KeyError("boom")
            return renderer.render(digest, *rest)

    world.post = replace(world.post, renderer=Stumbling())
    world.carrier(Relay()).round(most=60)

    assert world.states(ids[:40] + ids[41:]) == {DeliveryState.SENT}
    assert world.states(ids[40:41]) == {DeliveryState.DEFERRED}


def test_when_the_store_takes_nothing_more_no_further_mail_is_begun(world):
    ids = world.readers(9)
    relay = Relay(ahead=3)
    notebook = world.notebook()
    world.clock.step = SECOND
    with ExitStack() as trouble:

        def fills(recipient: str) -> Outcome:
            trouble.enter_context(world.without_store())
            return TAKEN

        relay.says = fills
        with pytest.raises(StoreError):
            world.carrier(relay, notebook).round()
    notebook.hand_over()

    assert len(relay.asked) == 3
    assert world.states(ids[:3]) == {DeliveryState.SENT}
    assert world.states(ids[3:]) == {DeliveryState.QUEUED}


def test_the_places_of_mails_that_broke_on_the_way_are_free_again(world):
    world.pace = Pace(usual=Limits(connections=1))
    world.readers(2)

    def breaks(recipient: str) -> Outcome:
        raise KeyError("boom")

    with pytest.raises(KeyError):
        world.carrier(Relay(breaks)).round(most=1)
    assert world.carrier(Relay()).round() == Delivered(sent=1)


def test_an_address_that_no_envelope_can_hold_holds_up_nobody_else(world):
    ids = world.readers(2)
    world.change("r000@a.example", email="a b@a.example")

    assert world.carrier(Relay()).round() == Delivered(sent=1, deferred=1)
    assert "cannot be used as a mail address" in world.get(ids[0]).last_error


# -- the pace


def test_mails_for_a_slow_domain_are_given_back_with_a_time_each_and_others_go_ahead(world):
    slow = world.readers(40, "slow.example")
    world.reader("ada@quick.example")
    world.pace = Pace(domains={"slow.example": Limits(rate=0.5)})
    carrier = world.carrier(Relay())

    assert carrier.round() == Delivered(sent=2)
    times = sorted(world.get(one).next_attempt_at for one in slow[1:])
    assert times == [NOON + 2 * n * SECOND for n in range(1, 40)]
    assert {world.get(one).attempts for one in slow[1:]} == {0}
    assert carrier.round() == Delivered(), "nothing circles through the claim"
    assert carrier.free_at() == times[0]
    for at in times:
        world.clock.at = at
        assert carrier.round() == Delivered(sent=1)


def test_a_wait_of_less_than_a_second_is_waited_with_the_mails_in_hand(world):
    ids = world.readers(4)
    world.pace = Pace(rate=200)
    world.clock.step = timedelta(milliseconds=1)

    assert world.carrier(Relay()).round() == Delivered(sent=4)
    assert world.states(ids) == {DeliveryState.SENT}


def test_a_mail_that_had_to_wait_leaves_as_its_reader_is_known_by_then(world):
    world.readers(4, "quick.example")
    for last in ("s0@slow.example", "s1@slow.example"):
        world.reader(last)
    world.pace = Pace(domains={"slow.example": Limits(rate=5)})
    relay = Relay()

    def waits(seconds: float) -> None:
        world.clock.at += timedelta(seconds=seconds)

    world.stopping.wait = waits

    def renames(recipient: str) -> Outcome:
        if recipient == "s0@slow.example":
            world.change("s1@slow.example", name="Grace")
        return TAKEN

    relay.says = renames
    assert world.carrier(relay).round() == Delivered(sent=6)
    assert b'"Grace" <s1@slow.example>' in relay.got["s1@slow.example"]


def test_a_short_wait_ends_when_the_house_closes(world):
    ids = world.readers(9)
    world.pace = Pace(rate=3)
    world.stopping.wait = lambda seconds: world.stopping.set()

    assert world.carrier(Relay()).round() == Delivered(sent=1)
    assert world.states(ids[1:]) == {DeliveryState.QUEUED}


def test_a_mail_for_which_the_pace_leaves_no_room_in_time_is_given_up_with_its_papers(world):
    ids = world.readers(2)
    world.pace = Pace(warm_up=WarmUp([1], NOON.date(), sent_today=(NOON.date(), 1)))
    carrier = world.carrier(Relay())
    assert carrier.round() == Delivered()
    assert world.get(ids[0]).next_attempt_at < NOON + timedelta(days=2)

    world.clock.at = NOON + timedelta(days=3)
    world.pace = Pace(rate=0.001)
    done = world.carrier(Relay()).round()

    assert done == Delivered(sent=1, failed=1)
    assert done.crowded_out == 1
    given_up = next(one for one in map(world.get, ids) if one.state is DeliveryState.FAILED)
    with world.store.register() as register:
        assert register.ledger.sent_to(given_up.subscriber_id) == frozenset()


def test_a_domain_that_asks_for_patience_gets_it_and_the_log_tells_once(world, caplog):
    ids = world.readers(5)
    other = world.reader("ada@b.example")
    fast = Outcome(result=Result.DEFERRED, reply=421, status="4.7.28", detail="RCPT TO: rate")
    relay = Relay(lambda recipient: fast if recipient.endswith("@a.example") else TAKEN)

    assert world.carrier(relay).round() == Delivered(sent=1, deferred=1)
    assert world.get(other).state is DeliveryState.SENT
    assert {world.get(one).next_attempt_at >= NOON + MINUTE for one in ids[1:]} == {True}
    told = [r.getMessage() for r in caplog.records if r.name == "newsletter.carrying"]
    assert told == ["a.example finds us too fast: its mails wait until 12:01"]


# -- the relays


def over(world, *ways: Relay) -> Failover:
    relays = Relays([f"r{n}" for n in range(len(ways))], now=world.clock)
    return Failover(ways, relays, now=world.clock)


def test_while_the_only_relay_is_lost_for_a_moment_mails_are_not_touched(world):
    ids = world.readers(3)
    relay = Relay(lambda _: DOWN)
    carrier = world.carrier(over(world, relay))

    assert carrier.round() == Delivered(deferred=1)
    first = world.get(ids[0])
    assert (first.attempts, first.state) == (0, DeliveryState.DEFERRED)
    assert world.states(ids[1:]) == {DeliveryState.QUEUED}
    assert carrier.round() == Delivered()
    assert carrier.free_at() == NOON + MINUTE
    assert len(relay.asked) == 1


def test_through_a_day_without_relay_a_digest_loses_no_attempt_and_few_are_tried(world):
    ids = world.readers(20)
    relay = Relay(lambda _: DOWN)
    carrier = world.carrier(over(world, relay))
    while world.clock.at < NOON + timedelta(hours=20):
        carrier.round()
        world.clock.at += MINUTE

    assert world.states(ids) == {DeliveryState.DEFERRED}
    assert {world.get(one).attempts for one in ids} == {0}
    assert len(relay.asked) <= 4 * 20 + 5, "one mail each rest"
    relay.says = lambda _: TAKEN
    for _ in range(60):
        world.clock.at += MINUTE
        carrier.round()
    assert world.states(ids) == {DeliveryState.SENT}


def test_a_digest_is_given_up_when_no_relay_serves_until_the_next_one_is_due(world):
    ids = world.readers(2)
    carrier = world.carrier(over(world, Relay(lambda _: DOWN)))
    while world.clock.at < NOON + timedelta(hours=49):
        carrier.round()
        world.clock.at += 5 * MINUTE

    assert world.states(ids) == {DeliveryState.FAILED}


def test_a_silence_is_told_in_the_words_of_the_relay(world):
    ids = world.readers(1)
    login = Outcome(result=Result.DEFERRED, reply=535, detail="AUTH: wrong", unserved=True)
    world.carrier(over(world, Relay(lambda _: login))).round()

    assert world.get(ids[0]).last_error == "535 AUTH: wrong"


# -- the store


def test_nothing_is_claimed_while_what_is_known_cannot_be_written(world):
    world.readers(2)
    notebook = world.notebook()
    carrier = world.carrier(Relay(), notebook)

    def fails(*_: object) -> None:
        raise StoreError("full")

    notebook.hand_over = fails
    with pytest.raises(StoreError):
        carrier.round()
    with world.store.register() as register:
        assert len(register.outbox.claim(NOON, most=9, lease=MINUTE)) == 2


def test_a_letter_and_a_digest_are_looked_up_together(world):
    world.readers(1)
    asked = world.desk.subscribe("new@b.example", None, YES, now=NOON)

    assert world.carrier(Relay()).round() == Delivered(sent=2)
    assert world.get(asked.token_id).errand is Errand.CONFIRM


def test_a_clock_that_jumps_ahead_takes_no_mail_out_of_living_hands(world):
    ids = world.readers(6)
    office = world.office()
    relay, other = Relay(ahead=3), Relay()

    def jumps(_: str) -> Outcome:
        relay.says = lambda _: TAKEN
        world.clock.at += timedelta(hours=1)
        Carrier(office, other).round()
        return TAKEN

    relay.says = jumps
    Carrier(office, relay).round()
    Carrier(office, other).round()

    assert (len(relay.asked), other.asked) == (6, [])
    assert world.states(ids) == {DeliveryState.SENT}


def test_who_comes_late_gives_back_nothing_that_somebody_else_has_in_hand(world):
    ids = world.readers(4)
    others = world.office()

    def pauses(_: str) -> Outcome:
        """Long enough that another process takes over; it is in the middle of sending."""
        world.clock.at += timedelta(hours=1)
        others.hands.claim(world.store, world.clock(), 9)
        return TAKEN

    late = Relay(pauses)
    world.carrier(late).round()

    assert len(late.asked) == 1
    assert {world.get(one).state for one in ids[1:]} == {DeliveryState.SENDING}
