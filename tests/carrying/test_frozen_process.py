"""A process that stands still for longer than its lease, as by SIGSTOP or a suspended machine."""

from __future__ import annotations

import pytest
from carrying_world import TAKEN, Relay

from newsletter.mail.outbox import LEASE


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
