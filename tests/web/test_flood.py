"""Thousands of sign-ups from anywhere: few mails leave, one alarm sounds, nothing grows."""

from __future__ import annotations

import gc
import re
import tracemalloc
from collections.abc import Iterator
from itertools import product

import pytest
from flood_driver import Flood, many_networks, one_range, rows, strangers
from web_world import Site

POSTS = 2_000  # bench/flood.py sends 10,000
MAILS = 20  # an hour
SETTINGS = f"""
[web]
mails_per_hour = {MAILS}
unproven_per_hour = {MAILS}
"""
WATCHED = 300  # posts whose memory is traced, which is slow
GROWTH = 100_000  # octets that may stay of them; measured: 24,000, most of them the event loop's


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    made = Site(tmp_path, SETTINGS)
    yield made
    made.close()


@pytest.fixture
def flood(site) -> Flood:
    return Flood(site)


@pytest.mark.parametrize("way", ["api", "form"])
def test_one_network_gets_two_mails_without_proof_whatever_addresses_it_uses(site, flood, way):
    getattr(flood, way)(strangers(one_range(60)))

    assert len(site.deliver()) == 2
    assert flood.answers[429] == 58
    assert set(rows(site).values()) == {2}


@pytest.mark.parametrize("way", ["api", "form"])
def test_many_networks_together_cause_no_more_mails_than_an_hour_allows(site, flood, way):
    getattr(flood, way)(strangers(many_networks(100)))

    assert len(site.deliver()) == MAILS
    assert len(site.alarms) == 1
    assert set(rows(site).values()) == {MAILS}


def test_one_address_gets_one_mail_however_many_ask_for_it(site, flood):
    spellings = ("Victim@Reader.Example", "victim@reader.example")
    flood.api(product(many_networks(60), spellings))
    flood.form(product(many_networks(60), spellings))

    assert [mail["to"] for mail in site.deliver()] == ["Victim@reader.example"]
    assert set(rows(site).values()) == {1}


def test_a_flood_of_thousands_leaves_memory_and_store_as_they_are(site, flood):
    flood.api(strangers(many_networks(POSTS // 2), "early"))
    kept = rows(site)

    tracemalloc.start()
    try:
        flood.api(strangers(many_networks(WATCHED)))
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    flood.api(strangers(one_range(POSTS // 2 - WATCHED)))

    assert grown < GROWTH
    assert rows(site) == kept
    assert len(site.deliver()) == MAILS
    assert flood.answers == {202: MAILS, 429: POSTS - MAILS}
    ((name, sentence),) = site.alarms
    assert name == "sign-up flood"
    assert f"caused {MAILS} mails within an hour" in sentence
    assert not re.search(r"@|2001:db8", sentence)


def test_after_a_calm_hour_readers_are_let_in_again_and_a_second_flood_is_told(site, flood):
    flood.api(strangers(many_networks(60), "first"))
    site.later(hours=2)
    flood.answers.clear()
    flood.api([("192.0.2.7", "ines@reader.example")])

    assert flood.answers == {202: 1}
    flood.api(strangers(many_networks(60), "second"))
    assert len(site.alarms) == 2
