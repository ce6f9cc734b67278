"""Moving windows of one network and of all together, and what counts as one network."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.web.limits import NOWHERE, Gate, Limit, network_of


def gate(*each: Limit, together: int = 1_000, seconds: float = 100) -> Gate:
    return Gate(each=each, together=Limit(most=together, seconds=seconds))


def enter(gate: Gate, network: str, now: float) -> bool:
    if max(gate.wait_of_all(now), gate.wait(network, now)):
        return False
    gate.count(network, now)
    return True


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7 ", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", NOWHERE),
        ("testclient", NOWHERE),
        ("192.0.2.7:4711", NOWHERE),
        ("[2001:db8::1]", NOWHERE),
        ("192.0.2.7, 192.0.2.8", NOWHERE),
    ],
)
def test_network_is_an_ipv4_address_or_an_ipv6_64_or_the_shared_place(client, network):
    assert network_of(client) == network


@given(st.text(max_size=60))
def test_any_text_belongs_to_a_network(client):
    assert network_of(client)


@given(st.ip_addresses(v=6).filter(lambda address: address.ipv4_mapped is None), st.integers(0))
def test_addresses_of_one_64_are_one_network(address, other):
    sibling = type(address)(int(address) >> 64 << 64 | other % 2**64)
    if sibling.ipv4_mapped is None:
        assert network_of(str(address)) == network_of(str(sibling))


def test_window_moves_with_the_oldest_event():
    door = gate(Limit(most=2, seconds=10))
    assert [enter(door, "a", now) for now in (0, 6, 9)] == [True, True, False]
    assert door.wait("a", 9) == 1
    assert [enter(door, "a", now) for now in (10, 11, 16)] == [True, False, True]


def test_short_and_long_limits_hold_at_once():
    door = gate(Limit(most=2, seconds=10), Limit(most=3, seconds=60))
    assert [enter(door, "a", now) for now in (0, 0, 10, 20, 60)] == [True, True, True, False, True]
    assert door.wait("a", 61) == 0
    assert enter(door, "a", 61)
    assert door.wait("a", 62) == 8


def test_limit_of_none_refuses_everybody():
    nobody = gate(Limit(most=0, seconds=10))
    assert nobody.wait("a", 0) == 10
    assert gate(Limit(most=1, seconds=1), together=0, seconds=7).wait_of_all(0) == 7


def test_networks_do_not_count_for_one_another_but_all_count_together():
    door = gate(Limit(most=1, seconds=10), together=2, seconds=10)
    assert [enter(door, name, 0) for name in "aabc"] == [True, False, True, False]
    assert [enter(door, name, 10) for name in "ca"] == [True, True]


def test_networks_of_long_ago_are_forgotten_and_recent_ones_kept():
    door = gate(Limit(most=9, seconds=10))
    for now, name in enumerate(["a", "b", "a", "c"]):
        enter(door, name, now)
    enter(door, "d", 11.5)
    assert len(door) == 3
    assert door.networks_since(2.5) == 2


@given(
    st.lists(st.tuples(st.floats(0, 9), st.sampled_from("abcd")), max_size=120),
    st.integers(0, 4),
    st.integers(0, 6),
    st.integers(0, 9),
)
def test_no_window_ever_holds_more_than_allowed(steps, short, long, together):
    door = Gate(
        each=(Limit(most=short, seconds=10), Limit(most=long, seconds=30)),
        together=Limit(most=together, seconds=10),
    )
    entered: dict[str, list[float]] = defaultdict(list)
    now = 0.0
    for pause, name in steps:
        now += pause
        if enter(door, name, now):
            entered[name].append(now)
            entered["all"].append(now)
        assert len(door) <= together * 3
    for name in "abcd":
        assert_never_more(entered[name], short, 10)
        assert_never_more(entered[name], long, 30)
    assert_never_more(entered["all"], together, 10)


def assert_never_more(times: list[float], most: int, seconds: float) -> None:
    assert all(earlier <= later for earlier, later in pairwise(times))
    for start in times:
        # as the gate reckons it: a float sum may round the last instant of a window either way
        assert sum(start <= time and start + seconds - time > 0 for time in times) <= most
