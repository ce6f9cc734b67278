"""Addresses as people type them."""

from __future__ import annotations

import contextlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import AddressError, harmless
from newsletter.membership import one_line
from newsletter.subscriptions import mailbox


@pytest.mark.parametrize(
    ("typed", "written", "key"),
    [
        ("Ines.B@Reader.Example", "Ines.B@reader.example", "ines.b@reader.example"),
        ("  a+tag@x.org\n", "a+tag@x.org", "a+tag@x.org"),
        ("a@Bücher.de", "a@xn--bcher-kva.de", "a@xn--bcher-kva.de"),
        ("a@xn--bcher-kva.de", "a@xn--bcher-kva.de", "a@xn--bcher-kva.de"),
        ("a@B\u0075\u0308cher.de", "a@xn--bcher-kva.de", "a@xn--bcher-kva.de"),
        ("=cmd@x.org", "=cmd@x.org", "=cmd@x.org"),
    ],
)
def test_an_address_has_a_form_for_the_envelope_and_a_key_that_all_spellings_share(
    typed, written, key
):
    box = mailbox(typed)

    assert (box.written, box.key) == (written, key)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "must have an @-sign"),
        ("ines", "must have an @-sign"),
        ("a@b", "should have a period"),
        ("a@b.localhost", "special-use"),
        ("bü@x.org", "Internationalized characters before the @-sign"),
        ('"a b"@x.org', "Quoting"),
        ("Ines <i@x.org>", "display name"),
        ("a@[127.0.0.1]", "bracketed IP address"),
        ("a@x.org\r\nBcc: b@y.org", "invalid"),
        ("a@" + "b" * 300 + ".org", "too long"),
        ("a" * 70 + "@x.org", "too long"),
        ("\x1b[31ma@x.org", "invalid"),
    ],
)
def test_a_bad_address_is_refused_with_its_reason_and_shown_harmlessly(typed, why):
    with pytest.raises(AddressError, match=why) as refused:
        mailbox(typed)

    assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in str(refused.value))
    assert len(str(refused.value)) < 400


@given(st.text(max_size=60) | st.emails())
def test_whatever_is_typed_ends_in_a_sentence_or_in_an_address_that_reads_as_itself(typed):
    box = None
    with contextlib.suppress(AddressError):
        box = mailbox(typed)
    if box is None:
        return
    assert mailbox(box.written) == box
    assert mailbox(box.key).key == box.key
    assert box.written.isascii()


@given(st.text(st.characters(exclude_categories=())))
def test_a_line_of_plain_text_stays_as_it_is_and_holds_nothing_that_steers(text):
    line = one_line(text)

    assert one_line(line) == line
    kinds = {unicodedata.category(c) for c in line if c not in "\u200c\u200d"}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_text_for_a_terminal_shows_what_would_steer_it():
    assert harmless("a\x1b[2Jb\r\nc\u202ed é") == r"a\x1b[2Jb\r\nc\u202ed é"
