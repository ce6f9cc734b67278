"""A process that stands still for longer than its lease, as by SIGSTOP or a suspended machine."""

from __future__ import annotations

import pytest
from carrying_world import TAKEN, Relay

from newsletter.delivery import DeliveryState, Outcome, Result
from newsletter.mail.outbox import LEASE

LET_GO = Outcome(result=Result.DEFERRED, detail="it was let go", let_go=True)


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_mail_is_ours_until_its_lease_is_over_where_others_carry_too(
    world, monkeypatch, is_shared
):
    monkeypatch.setattr(type(world.store), "is_shared", is_shared)
    world.readers(1)
    answers = []

    class Frozen(Relay):
        def carry(self, mails):
            for mail in mails:
                answers.append(mail.is_ours())
                world.clock.at += LEASE
                answers.append(mail.is_ours())
                yield TAKEN

    world.carrier(Frozen()).round()

    assert answers == [True, not is_shared]


def test_a_mail_that_was_let_go_and_taken_by_nobody_leaves_with_the_next_round(world):
    (mail,) = world.readers(1)
    answers = iter([LET_GO, TAKEN])
    carrier = world.carrier(Relay(says=lambda _: next(answers)))

    carrier.round()
    carrier.round()

    assert (world.get(mail).state, world.get(mail).attempts) == (DeliveryState.SENT, 1)


def test_a_mail_that_was_let_go_stays_with_who_took_it_over(world):
    (mail,) = world.readers(1)

    def says(_: str) -> Outcome:
        world.clock.at += LEASE
        with world.store.changing_register() as register:
            register.outbox.claim(world.clock(), most=1, lease=LEASE)
        return LET_GO

    world.carrier(Relay(says=says)).round()

    assert (world.get(mail).state, world.get(mail).attempts) == (DeliveryState.SENDING, 2)
