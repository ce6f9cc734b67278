"""Several connections at once: each mail once, and never more at one domain than it allows."""

from __future__ import annotations

from collections import Counter
from threading import Barrier, Lock, Thread
from time import monotonic

import pytest
from carrying_world import TAKEN, World

from newsletter.app import utc_now
from newsletter.carrying import Carrier
from newsletter.delivery import DeliveryState, Outcome
from newsletter.mail.pace import Limits, Pace

CONNECTIONS = 4


class Crowd:
    """Counts how many connections are at one domain at once; everybody stays until others came."""

    def __init__(self) -> None:
        self.most: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self._present: Counter[str] = Counter()
        self._lock = Lock()

    def relay(self) -> _CrowdedRelay:
        return _CrowdedRelay(self)

    def comes(self, recipient: str) -> None:
        domain = recipient.rpartition("@")[2]
        with self._lock:
            self.taken[recipient] += 1
            self._present[domain] += 1
            self.most[domain] = max(self.most[domain], self._present[domain])

    def goes(self, recipient: str) -> None:
        with self._lock:
            self._present[recipient.rpartition("@")[2]] -= 1


class _CrowdedRelay:
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def carry(self, mails):
        for mail in mails:
            self._crowd.comes(mail.recipient)
            outcome = self._answer()
            self._crowd.goes(mail.recipient)
            yield outcome

    def close(self) -> None:
        """Nothing is held open."""

    def _answer(self) -> Outcome:
        for _ in range(2000):  # others may run meanwhile
            pass
        return TAKEN


def waiting(world: World) -> int:
    with world.store.register() as register:
        return register.outbox.waiting()


def work_together(world: World, crowd: Crowd) -> list[Exception]:
    """All connections carry until nothing waits any more."""
    notebook = world.notebook()
    office = world.office(notebook)
    together = Barrier(CONNECTIONS)
    troubles: list[Exception] = []
    end = monotonic() + 60

    def work() -> None:
        carrier = Carrier(office, crowd.relay())
        together.wait(30)
        try:
            while waiting(world) and monotonic() < end:
                carrier.round(most=7)
        except Exception as error:  # noqa: BLE001 - told by the test
            troubles.append(error)

    threads = [Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    notebook.close()
    return troubles


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_connections_are_at_a_domain_than_it_allows_and_each_mail_leaves_once(world, most):
    world.clock = utc_now
    ids = world.readers(40, "slow.example") + world.readers(20, "b.example")
    world.pace = Pace(domains={"slow.example": Limits(connections=most)})
    crowd = Crowd()

    assert work_together(world, crowd) == []

    assert crowd.most["slow.example"] <= most
    assert set(crowd.taken.values()) == {1}
    assert len(crowd.taken) == 60
    assert world.states(ids) == {DeliveryState.SENT}


def test_a_rate_holds_for_all_connections_together(world):
    world.clock = utc_now
    ids = world.readers(30)
    world.pace = Pace(rate=200)
    crowd = Crowd()
    begun = utc_now()

    assert work_together(world, crowd) == []

    seconds = (utc_now() - begun).total_seconds()
    assert len(crowd.taken) == 30 <= 200 * (seconds + 0.1) + 1
    assert set(crowd.taken.values()) == {1}
    assert world.states(ids) == {DeliveryState.SENT}
