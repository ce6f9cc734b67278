"""What would arrive broken is held back, and looking costs next to nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from mail_samples import make_picks

from newsletter.delivery import Delivery, Errand
from newsletter.errors import MailError
from newsletter.mail import lint
from newsletter.mail.lint import preflight
from newsletter.mail.lint.headers import HEADER_RULES
from newsletter.mail.lint.html import HTML_RULES
from newsletter.mail.lint.preflight import Preflight
from newsletter.model import Format

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
HTTPS = "https://papers.example.org"


def delivery(errand=Errand.DIGEST, at=NOON) -> Delivery:
    return Delivery(id="d1", errand=errand, subscriber_id="s1", created_at=at, next_attempt_at=NOON)


@pytest.fixture
def gate():
    return Preflight(HTTPS, 90_000)


@pytest.fixture(scope="module")
def good(send):
    return send(make_picks(3), base_url=HTTPS).raw


@pytest.fixture(scope="module")
def broken(good):
    return good.replace(b"</h1>", b"=\r\n{{ name }}=\r\n</h1>")


def passes(gate: Preflight, raw: bytes, **about) -> bool:
    try:
        gate.check(raw, delivery(**about))
    except MailError:
        return False
    return True


@pytest.fixture
def looks(monkeypatch):
    """Counts how many mails were judged."""
    judged = []
    original = preflight.open_mail

    def counted(raw: bytes, **given):
        judged.append(raw)
        return original(raw, **given)

    monkeypatch.setattr(preflight, "open_mail", counted)
    return judged


def test_a_sound_digest_passes_with_and_without_html(gate, good, send, subscriber):
    in_text = send(make_picks(3), reader=replace(subscriber, format=Format.TEXT), base_url=HTTPS)
    assert passes(gate, good)
    assert passes(gate, in_text.raw)


def test_a_digest_that_shows_its_template_is_held_back_and_the_rules_are_named(gate, broken):
    with pytest.raises(MailError) as caught:
        gate.check(broken, delivery())
    assert str(caught.value) == "pre-flight: no template leftovers"


def test_nothing_of_the_mail_is_in_the_words(gate, good):
    bare = good.replace(b"\r\n", b"\n").replace(b"List-Unsubscribe:", b"X-Nothing:")
    with pytest.raises(MailError) as caught:
        gate.check(bare, delivery())
    assert "only CRLF line ends; " in str(caught.value)
    assert "reader.example" not in str(caught.value)
    assert "https" not in str(caught.value).replace("one https URI", "")


def test_a_digest_without_html_is_judged_by_its_text(gate, send, subscriber):
    sent = send(make_picks(3), reader=replace(subscriber, format=Format.TEXT), base_url=HTTPS)
    head, _, body = sent.raw.partition(b"\r\n\r\n")
    assert not passes(gate, head + b"\r\n\r\n{{ digest }}\r\n" + body)


def test_looks_are_the_operators_own_business(gate, send):
    raw = send(make_picks(3), base_url=HTTPS).raw.replace(b"font-size:15px", b"font-size:9px")
    assert any(not check.holds for check in lint.check_mail(raw))
    assert passes(gate, raw)


def test_only_the_first_the_thousandth_and_every_ten_thousandth_of_a_kind_are_looked_at(
    gate, good, looks
):
    for _ in range(20_001):
        gate.check(good, delivery())
    assert len(looks) == 4


def test_each_errand_day_and_format_is_a_kind(gate, good, looks, send, subscriber, letterhead):
    in_text = send(make_picks(3), reader=replace(subscriber, format=Format.TEXT), base_url=HTTPS)
    letter = letterhead.confirmation(
        to="ada@reader.example", link=f"{HTTPS}/confirm/abc", letter_id="l1", at=NOON
    )
    for _ in range(2):
        gate.check(good, delivery())
        gate.check(good, delivery(at=NOON + timedelta(days=1)))
        gate.check(in_text.raw, delivery())
        gate.check(letter, delivery(Errand.CONFIRM))
    assert len(looks) == 4


def test_once_one_fails_every_mail_of_its_kind_is_looked_at(gate, good, broken, looks):
    assert [passes(gate, raw) for raw in (broken, good, broken, good)] == [
        False,
        True,
        False,
        True,
    ]
    assert len(looks) == 4
    tomorrow = NOON + timedelta(days=1)
    assert passes(gate, good, at=tomorrow)
    assert passes(gate, broken, at=tomorrow)  # the second of its kind: nobody looked


def test_a_broken_letter_is_held_back_too(gate, letterhead):
    letter = letterhead.confirmation(
        to="ada@reader.example", link=f"{HTTPS}/confirm/abc", letter_id="l1", at=NOON
    )
    assert passes(gate, letter, errand=Errand.CONFIRM)
    listed = b"List-Id: <a.b.example>\r\n" + letter
    assert not passes(Preflight(HTTPS, 90_000), listed, errand=Errand.CONFIRM)


def test_pages_without_https_are_a_choice_of_the_operator(send):
    raw = send(make_picks(3), base_url="http://papers.lan").raw
    assert passes(Preflight("http://papers.lan", 90_000), raw)
    assert not passes(Preflight(HTTPS, 90_000), raw)


def test_no_mail_passes_while_the_first_of_its_kind_is_judged(gate, broken):
    ready, held = Barrier(8), []

    def hand_over() -> None:
        ready.wait(10)
        held.append(not passes(gate, broken))

    threads = [Thread(target=hand_over) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert held == [True] * 8


def test_the_rules_that_hold_a_mail_back_are_rules_of_the_studio():
    known = {judge for _, judge in (*HEADER_RULES, *HTML_RULES)}
    assert known >= preflight._HTTPS
