"""Service letters: one link, the publication's own words, and a head that fits no list."""

from __future__ import annotations

import email
import inspect
import re
from dataclasses import replace
from datetime import datetime
from email import policy

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import NOW, TEMPLATES

from newsletter.errors import MailError, TemplateError
from newsletter.mail.letters import Letterhead
from newsletter.mail.lint import check_letter

LINK = (
    "https://papers.example/confirm/1-WyJxM3p6cjdjNWtmdnFtbG01eTJ3cTZ2N3c0ZSJd.sW5tFIlquBVn28QNqG-t"
)
TO = "ada@reader.example"
KINDS = ("confirmation", "settings")


@pytest.fixture
def write(letterhead):
    """Writes one letter with sound arguments, but for those given."""

    def written(kind: str = "confirmation", by: Letterhead = letterhead, **changes) -> bytes:
        given = {"to": TO, "link": LINK, "letter_id": "letter-4711", "at": NOW} | changes
        return getattr(by, kind)(**given)

    return written


def parse(raw: bytes):
    return email.message_from_bytes(raw, policy=policy.default)


def parts(raw: bytes) -> tuple[str, BeautifulSoup]:
    text, page = parse(raw).iter_parts()
    return text.get_content(), BeautifulSoup(page.get_content(), "html.parser")


def failed(raw: bytes, *, dev: bool = False) -> dict[str, str]:
    return {check.rule: check.seen for check in check_letter(raw, dev=dev) if not check.holds}


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_of_a_letter_belongs_to_no_list(write, kind):
    message = parse(write(kind))
    assert message.keys() == [
        "From",
        "To",
        "Reply-To",
        "Subject",
        "Date",
        "Message-ID",
        "Form-Sub",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    ]
    assert message["From"] == "Trending papers <digest@newsletter.example>"
    assert message["To"] == TO
    assert message["Date"] == "Fri, 03 Apr 2026 06:30:00 +0000"
    assert message["Message-ID"] == "<letter-4711@newsletter.example>"
    assert message["Form-Sub"] == "v=1"
    assert message["Auto-Submitted"] == "auto-generated"


def test_the_subjects_name_the_publication(write):
    assert parse(write())["Subject"] == "Confirm your subscription to Trending papers"
    assert parse(write("settings"))["Subject"] == "Your settings at Trending papers"


def test_a_confirmation_says_all_that_matters_in_both_parts(write):
    text, page = parts(write())
    for shown in (flat(text), flat(page.body.get_text(" "))):
        for words in (
            "Please confirm your subscription",
            f"We were asked to send Trending papers to {TO}",
            "Confirm my subscription",
            "The link works once, within the next 48 hours.",
            "do nothing",
            "at most three mails like this one to an address, ever",
            f"You receive this mail because somebody, probably you, typed {TO} into the sign-up",
            "Example Press, 1 Example Street, Example City",
            LINK,
        ):
            assert words in shown


def test_a_settings_letter_is_the_way_to_the_settings(write):
    text, page = parts(write("settings"))
    for shown in (flat(text), flat(page.body.get_text(" "))):
        assert f"{TO} is subscribed to Trending papers already" in shown
        assert "Open my settings" in shown
        assert "do not forward this mail" in shown
        assert "confirm" not in shown.lower().replace(LINK.lower(), "")
        assert "48 hours" not in shown


@pytest.mark.parametrize("kind", KINDS)
def test_the_only_link_is_a_button_and_a_plain_url(write, kind):
    text, page = parts(write(kind))
    assert [link["href"] for link in page.find_all("a")] == [LINK, LINK]
    assert page.find_all("a")[1].get_text() == LINK
    assert len(page.select(".card")) == len(page.select(".btn")) == 1
    assert re.findall(r"https?://\S+", text) == [LINK]
    assert LINK in text.splitlines()


def test_nothing_of_the_form_can_get_into_a_letter():
    """Whoever fills in the form for a stranger has no field through which to speak to them."""
    for kind in KINDS:
        names = inspect.signature(getattr(Letterhead, kind)).parameters
        assert list(names) == ["self", "to", "link", "letter_id", "at"]


@pytest.mark.parametrize("kind", KINDS)
def test_letters_pass_their_own_pre_flight(write, kind):
    assert failed(write(kind)) == {}
    assert set(failed(write(kind, link="http://127.0.0.1:8025/confirm/x"))) == {
        "links are https and absolute"
    }
    assert failed(write(kind, link="http://127.0.0.1:8025/confirm/x"), dev=True) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_letter_is_the_same_octets(write, kind):
    assert write(kind) == write(kind)
    assert write(kind).isascii()
    assert b"\n" not in write(kind).replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("to", "ada@reader.example\r\nBcc: x@evil.example"),
        ("to", "ada@reader.example, x@evil.example"),
        ("to", '"Buy now" <ada@reader.example>'),
        ("to", ""),
        ("to", "\u00e4d\u00e4@reader.example"),
        ("link", "https://papers.example/\r\nBcc: x@evil.example"),
        ("link", "https://papers.example/ <x>"),
        ("link", 'https://papers.example/"onclick="x"\n'),
        ("link", "javascript:alert(1)"),
        ("link", "mailto:x@evil.example"),
        ("link", "/confirm/x"),
        ("link", ""),
        ("link", "https://papers.example/" + "x" * 900),
        ("letter_id", "a>\r\nBcc: x@evil.example"),
        ("letter_id", "a b"),
        ("letter_id", ""),
        ("at", datetime(2026, 4, 3, 6, 30)),  # noqa: DTZ001 - the fault under test
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_no_mail_can_hold_is_refused(write, kind, argument, value):
    with pytest.raises(MailError):
        write(kind, **{argument: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Papers\r\nBcc: x@evil.example"),
        ("from_name", "Papers\nBcc: x@evil.example"),
        ("from_address", "digest@newsletter.example\r\nBcc: x@evil.example"),
        ("reply_to", "nobody"),
    ],
)
def test_a_publication_that_no_header_can_hold_is_refused_at_once(publication, field, value):
    with pytest.raises(MailError):
        Letterhead([TEMPLATES], replace(publication, **{field: value}))


@given(to=st.text(max_size=40), link=st.text(max_size=60), letter_id=st.text(max_size=20))
@settings(max_examples=100)
def test_wild_arguments_end_in_a_sentence_or_in_a_sound_letter(letterhead, to, link, letter_id):
    try:
        raw = letterhead.confirmation(to=to, link=link, letter_id=letter_id, at=NOW)
    except MailError:
        return
    message = parse(raw)
    assert not message.defects
    assert "Bcc" not in message


@pytest.mark.parametrize(
    "name",
    [
        "A publication with a very long name that no subject line of any mail client could hold",
        "Pap\u00efers & <Co> \U0001f4f0",
        "{{ 7 * 7 }}",
        "PAPERS",
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_any_name_of_a_publication_makes_a_sound_letter(write, publication, kind, name):
    named = Letterhead([TEMPLATES], replace(publication, name=name))
    raw = write(kind, by=named)
    assert failed(raw) == {}
    assert len(parse(raw)["Subject"]) <= 60


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_address_and_a_long_link_make_a_sound_letter(write, kind):
    long = "a" * 60 + "@" + "b" * 60 + "." + "c" * 60 + ".example"
    assert failed(write(kind, to=long, link=LINK + "x" * 700)) == {}


def test_an_international_domain_is_written_in_its_ascii_form(write):
    assert parse(write(to="ada@b\u00fcro.example"))["To"] == "ada@xn--bro-hoa.example"


def test_an_own_template_replaces_the_words(tmp_path, publication, write):
    words = (TEMPLATES / "mail" / "letter_words.j2").read_text(encoding="utf-8")
    changed = words.replace("Please confirm your subscription", "Is it you?")
    (tmp_path / "letter_words.j2").write_text(changed, encoding="utf-8")
    text, page = parts(write(by=Letterhead([tmp_path, TEMPLATES], publication)))
    assert page.h1.get_text() == "Is it you?"
    assert "Is it you?" in text


def test_a_broken_letter_template_is_named_with_its_line(own_templates, publication, write):
    path = own_templates / "mail" / "letter.mjml.j2"
    source = path.read_text(encoding="utf-8")
    path.write_text(source.replace("letter.tagline }}", "letter.slogan }}"), encoding="utf-8")
    with pytest.raises(TemplateError, match="no attribute 'slogan'") as caught:
        write(by=Letterhead([own_templates], publication))
    assert caught.value.file == "letter.mjml.j2"
    assert caught.value.line == source[: source.index("letter.tagline }}")].count("\n") + 1


FAULTS = [
    ("letter: each header exactly once", b"Form-Sub: v=1\r\n", b""),
    ("letter: each header exactly once", b"MIME-Version", b"Subject: again\r\nMIME-Version"),
    ("letter: nothing of a list", b"MIME-Version", b"List-Id: <a.b>\r\nMIME-Version"),
    ("letter: nothing of a list", b"MIME-Version", b"Feedback-ID: a:b:c:d\r\nMIME-Version"),
    ("letter: nothing of a list", b"MIME-Version", b"Precedence: bulk\r\nMIME-Version"),
    ("letter: marked as the answer to a form", b"Form-Sub: v=1", b"Form-Sub: yes"),
    ("letter: marked as the answer to a form", b"Form-Sub: v=1", b'Form-Sub: v=1; a="b"'),
    ("letter: each header exactly once", b"Form-Sub: v=1", b"X-Form-Sub: v=1"),
    ("letter: the bare address in To", b"To: ada@", b'To: "Buy this" <ada@'),
    (
        "letter: one link, in both parts",
        b"You receive",
        b'<a href=3D"https://x.example/">x</a>You receive',
    ),
    ("letter: one link, in both parts", b"\r\nhttps://papers.example/confirm", b"\r\n"),
    ("Auto-Submitted: auto-generated", b"auto-generated", b"no"),
    ("Message-ID under the sender's domain", b"@newsletter.example>\r\nForm", b"@x>\r\nForm"),
    ("text: reason line with the address", b"You receive this", b"This is"),
]


@pytest.mark.parametrize(("rule", "old", "new"), FAULTS)
def test_a_fault_of_a_letter_is_seen(write, rule, old, new):
    raw = write()
    assert old in raw
    assert rule in failed(raw.replace(old, new))


def test_a_form_mark_may_name_where_the_form_came_from(write):
    raw = write().replace(b"Form-Sub: v=1", b"Form-Sub: v=1; ip4=198.51.x.x")
    assert failed(raw) == {}
