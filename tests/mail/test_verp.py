"""Return paths name their delivery, survive what servers do to them, and cannot be made up."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import MailError
from newsletter.links import Key, LinkMaker
from newsletter.mail.digest import digest_id
from newsletter.mail.verp import ReturnPaths
from newsletter.mail.wire import address

OLD, NEW = Key(1, "old secret"), Key(2, "new secret")
PATHS = ReturnPaths("b@bounce.newsletter.example", [OLD, NEW])
DIGEST = digest_id("reader-1", "2026-04-03")
LETTER = "0123456789abcdef0123456789abcdef"

ids = st.one_of(
    st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26),
    st.text("0123456789abcdef", min_size=32, max_size=32),
)


@given(ids)
def test_every_delivery_has_an_address_that_tells_it(delivery_id):
    made = PATHS.make(delivery_id)
    assert PATHS.read(made) == delivery_id
    assert len(made.partition("@")[0]) <= 64
    assert address(made) == made


def test_it_looks_as_documented():
    assert re.fullmatch(
        rf"b\+{DIGEST}\.[a-z2-7]{{16}}@bounce\.newsletter\.example", PATHS.make(DIGEST)
    )
    assert PATHS.make(DIGEST) == PATHS.make(DIGEST)


def test_servers_may_change_its_case_and_its_domain():
    made = PATHS.make(DIGEST)
    assert PATHS.read(made.upper()) == DIGEST
    assert PATHS.read(f"<{made}>") == DIGEST
    assert PATHS.read(f" {made} ") == DIGEST
    assert PATHS.read(made.partition("@")[0] + "@another.example") == DIGEST


@given(st.integers(2, 44), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_changed_letter_is_a_forgery(place, letter):
    made = PATHS.make(DIGEST)
    forged = made[:place] + letter + made[place + 1 :]
    assert PATHS.read(forged) == (DIGEST if forged == made else None)


@given(st.text() | ids.map(lambda one: f"b+{one}.{'a' * 16}@bounce.newsletter.example"))
def test_what_we_did_not_make_is_none_of_ours(text):
    assert PATHS.read(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "@", "b+.@x", "b@bounce.newsletter.example", f"b+{DIGEST}@bounce.newsletter.example"],
)
def test_other_addresses_are_none_of_ours(text):
    assert PATHS.read(text) is None


def test_the_newest_key_signs_and_the_old_ones_are_still_read():
    before = ReturnPaths("b@bounce.newsletter.example", [OLD]).make(DIGEST)
    after = ReturnPaths("b@bounce.newsletter.example", [NEW])
    assert PATHS.make(DIGEST) == after.make(DIGEST)
    assert PATHS.read(before) == DIGEST
    assert after.read(before) is None


def test_a_link_of_ours_is_no_return_path():
    token = LinkMaker("https://newsletter.example", [NEW]).token("view", DIGEST)
    mac = re.sub("[^a-z2-7]", "", token.lower())[-16:]
    assert PATHS.read(f"b+{DIGEST}.{mac}@bounce.newsletter.example") is None


@pytest.mark.parametrize("bad", ["", "A" * 26, "a.b", "a@b", "a" * 46, "a b", "a\r\nb"])
def test_an_id_that_cannot_stand_in_an_address_is_refused(bad):
    with pytest.raises(MailError, match="cannot stand in a return path"):
        PATHS.make(bad)


def test_a_mailbox_that_leaves_no_room_is_refused():
    assert len(ReturnPaths("a" * 14 + "@x.example", [NEW]).make(LETTER).partition("@")[0]) == 64
    with pytest.raises(MailError, match="at most 14 characters"):
        ReturnPaths("a" * 15 + "@x.example", [NEW])
    with pytest.raises(MailError, match="cannot be used as a mail address"):
        ReturnPaths("nobody", [NEW])
