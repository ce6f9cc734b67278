"""Signed links: nobody can make, change or swap one, and old ones live on after a new key."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.links import Key, LinkMaker, Way

T = TypeVar("T")

KEYS = (Key(1, "first" * 8), Key(2, "second" * 8))
LINKS = LinkMaker("https://papers.example/", KEYS)

# digests, tokens, arXiv ids old and new, hashes of titles
ids = st.from_regex(r"[a-z0-9][a-zA-Z0-9:./-]{0,39}", fullmatch=True)
subjects = st.lists(ids, min_size=1, max_size=3).map(tuple)
ways = st.sampled_from(list(Way))


@given(ways, subjects)
def test_a_link_says_what_it_was_made_for_and_is_always_the_same(way, subject):
    token = LINKS.token(way, *subject)

    assert LINKS.read(way, token) == subject
    assert LINKS.url(way, *subject) == f"https://papers.example/{way}/{token}"


def test_nobody_guesses_a_signature():
    signature = LINKS.token(Way.UNSUBSCRIBE, "s1").rpartition(".")[2]
    assert len(signature) * 6 == 120  # bits, six in a letter of base64


def is_refused(way: Way, token: str, *, signed: str) -> bool:
    """Whether it is not ours; one that names anything else within the signed id may be."""
    found = LINKS.read(way, token)
    return found is None or (found[0] == signed and LINKS.token(way, *found) == token)


@given(ways, ids, st.data())
def test_a_token_with_any_letter_changed_is_not_ours(way, signed, data):
    token = LINKS.token(way, signed)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(exclude_characters=token[place]))

    assert LINKS.read(way, token[:place] + letter + token[place + 1 :]) is None


@given(ways, ids, st.data())
def test_a_token_cut_or_lengthened_is_not_ours(way, signed, data):
    token = LINKS.token(way, signed)
    more = data.draw(st.text(min_size=1, max_size=3))

    assert LINKS.read(way, token[: data.draw(st.integers(0, len(token) - 1))]) is None
    assert is_refused(way, token + more, signed=signed)


@given(ways, subjects, st.data())
def test_what_a_token_names_within_its_first_id_can_be_exchanged_and_nothing_else(
    way, subject, data
):
    token = LINKS.token(way, *subject)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(exclude_characters=token[place]))

    assert is_refused(way, token[:place] + letter + token[place + 1 :], signed=subject[0])
    assert is_refused(way, token[:place], signed=subject[0])


def test_a_link_of_an_earlier_mail_is_read_whose_ids_are_all_signed():
    token = "1-ZDF-MjYwNC4wMDAwMQ.WqnpkTVWC4gz8SUKD6S0lA"

    assert LINKS.read(Way.MORE, token) == ("d1", "2604.00001")
    assert LINKS.read(Way.LESS, token) is None
    assert LINKS.read(Way.MORE, token + "~MjYwNC4wMDAwMg") is None


def test_a_link_of_an_earlier_mail_is_read_that_was_signed_for_its_way_alone():
    token = "2-ZDE.E3NQ2hx78_vKxVShR7xwyw~MjYwNC4wMDAwMQ"

    assert LINKS.read(Way.MORE, token) == ("d1", "2604.00001")
    assert LINKS.read(Way.LESS, token) is None
    assert LINKS.read(Way.MORE, token.replace("ZDE", "ZDI")) is None


@given(ways, ways, ids, ids)
def test_neither_purpose_nor_subject_can_be_swapped(way, other, subject, another):
    token, stranger = LINKS.token(way, subject), LINKS.token(other, another)
    head, _, signature = token.rpartition(".")
    foreign = stranger.rpartition(".")[0]

    assert other == way or LINKS.read(other, token) is None
    assert foreign == head or LINKS.read(way, f"{foreign}.{signature}") is None


@given(st.text(max_size=200))
def test_any_text_is_read_as_no_token_without_an_error(text):
    assert LINKS.read(Way.VIEW, text) is None


def test_a_new_key_signs_and_the_former_ones_are_still_read_until_dropped():
    old, rotated, dropped = (LinkMaker("", keys) for keys in (KEYS[:1], KEYS, KEYS[1:]))
    token = old.token(Way.UNSUBSCRIBE, "s1")

    assert rotated.read(Way.UNSUBSCRIBE, token) == ("s1",)
    assert rotated.token(Way.UNSUBSCRIBE, "s1") != token
    assert dropped.read(Way.UNSUBSCRIBE, token) is None


def while_keys_change(
    links: LinkMaker, keys: Sequence[Key], moment: int, act: Callable[[], T]
) -> T:
    """What comes of it when another thread renews the keys before that line of the act."""
    lines = count()

    def renewing(frame, event, _):
        if frame.f_code.co_name == "renew":
            return None
        if event == "line" and next(lines) == moment:
            links.renew(keys)
        return renewing

    before = sys.gettrace()
    sys.settrace(renewing)
    try:
        return act()
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("moment", range(40))
def test_a_link_that_is_made_while_the_keys_are_renewed_is_good(moment):
    links = LinkMaker("", KEYS[:1])

    token = while_keys_change(links, KEYS, moment, lambda: links.token(Way.UNSUBSCRIBE, "s1"))

    assert LINKS.read(Way.UNSUBSCRIBE, token) == ("s1",)


@pytest.mark.parametrize("moment", range(40))
def test_a_link_whose_key_is_dropped_while_it_is_read_is_read_or_refused(moment):
    token = LinkMaker("", KEYS[:1]).token(Way.UNSUBSCRIBE, "s1")
    links = LinkMaker("", KEYS)

    read = while_keys_change(links, KEYS[1:], moment, lambda: links.read(Way.UNSUBSCRIBE, token))

    assert read in (("s1",), None)


def test_the_version_of_a_token_cannot_be_changed():
    token = LinkMaker("", KEYS[:1]).token(Way.PAUSE, "s1")

    assert LINKS.read(Way.PAUSE, "2" + token[1:]) is None


def test_a_key_is_never_shown():
    assert "first" not in repr(KEYS[0]) + str(KEYS)


@pytest.mark.parametrize("version", ["٣", "²", "-1", "0", "99999999999999999999", "1.0", ""])
def test_a_strange_version_is_no_key(version):
    assert LINKS.read(Way.VIEW, f"{version}-abc.def") is None
