"""The octets of a mail: headers that cannot break, two parts, nothing that differs from run to run."""

from __future__ import annotations

import email
import re
from dataclasses import replace
from datetime import UTC, datetime
from email import policy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_samples import NOW, make_paper, make_pick, make_picks

from newsletter.errors import MailError
from newsletter.mail.digest import make_digest
from newsletter.mail.message import build
from newsletter.mail.wire import mailbox, unstructured
from newsletter.model import Format

WILD = st.text(max_size=300)


def parse(raw: bytes):
    return email.message_from_bytes(raw, policy=policy.default)


def head(raw: bytes) -> str:
    return raw.partition(b"\r\n\r\n")[0].decode("ascii")


def lines(part) -> str:
    return part.get_content().replace("\r\n", "\n")


def test_the_headers_of_a_digest(send):
    sent = send(make_picks(2), base_url="https://papers.example")
    message = parse(sent.raw)
    assert message["From"] == "Trending papers <digest@newsletter.example>"
    assert message["To"] == "Ada <ada@reader.example>"
    assert message["Reply-To"] == "hello@newsletter.example"
    assert message["Subject"] == sent.digest.subject
    assert message["Date"] == "Fri, 03 Apr 2026 06:30:00 +0000"
    assert message["Message-ID"] == f"<{sent.digest.id}@newsletter.example>"
    assert message["List-Id"] == "Trending papers <digest.newsletter.example>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Feedback-ID"] == "2026-04-03:digest.newsletter.example:digest:newsletter"
    assert message["Auto-Submitted"] == "auto-generated"


def test_the_unsubscribe_link_stays_readable_however_long_it_is(send):
    sent = send(make_picks(1), base_url="https://" + "long-host." * 12 + "example")
    assert f"List-Unsubscribe: <{sent.links.unsubscribe}>,\r\n <mailto:hello@" in head(sent.raw)
    assert len(sent.links.unsubscribe) > 150
    assert "=?" not in head(sent.raw)


def test_a_digest_made_elsewhere_in_the_world_is_dated_in_utc(send, subscriber, publication):
    sent = send(make_picks(1))
    later = replace(sent.digest, created_at=datetime.fromisoformat("2026-04-03T09:30:00+05:00"))
    raw = build(
        sent.rendered,
        digest=later,
        subscriber=subscriber,
        publication=publication,
        links=sent.links,
    )
    assert "Date: Fri, 03 Apr 2026 04:30:00 +0000\r\n" in head(raw) + "\r\n"


def test_text_comes_first_and_both_parts_say_what_was_rendered(send):
    sent = send(make_picks(2))
    text, html = parse(sent.raw).iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert lines(text) == sent.rendered.text
    assert lines(html) == sent.rendered.html
    assert len(html.get_payload()) == sent.rendered.html_octets


def test_a_reader_of_plain_text_gets_nothing_else(send, subscriber):
    sent = send(make_picks(2), reader=replace(subscriber, format=Format.TEXT))
    message = parse(sent.raw)
    assert message.get_content_type() == "text/plain"
    assert lines(message) == sent.rendered.text
    assert b"text/html" not in sent.raw


def test_two_readers_share_no_token_and_no_address(send, subscriber):
    other = replace(subscriber, id="reader-2", email="grace@other.example", name="Grace")
    first, second = send(make_picks(2)), send(make_picks(2), reader=other)
    assert b"ada@" not in second.raw
    assert first.digest.id.encode() not in second.raw
    for url in (first.links.unsubscribe, first.links.preferences, first.links.view):
        assert url not in second.rendered.html
    assert parse(first.raw)["Feedback-ID"] == parse(second.raw)["Feedback-ID"]


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("", "To: ada@reader.example"),
        ("Ada", 'To: "Ada" <ada@reader.example>'),
        ('Ada "the first"\\', 'To: "Ada \\"the first\\"\\\\" <ada@reader.example>'),
        ("Ada\r\nBcc: x@evil.example", 'To: "Ada Bcc: x@evil.example" <ada@reader.example>'),
        ("=?utf-8?q?x?=", "To: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <ada@reader.example>"),
    ],
)
def test_a_name_in_the_to_header(send, subscriber, name, header):
    sent = send(make_picks(1), reader=replace(subscriber, name=name))
    assert header in head(sent.raw).replace("\r\n ", " ").split("\r\n")


@given(name=WILD)
def test_no_name_breaks_a_header(name):
    value = mailbox(name, "ada@reader.example", "To")
    message = parse(f"To: {value}\r\nX-After: here\r\n\r\n".encode("ascii"))
    assert [a.addr_spec for a in message["To"].addresses] == ["ada@reader.example"]
    assert message["X-After"] == "here"
    assert not message.defects
    assert all(len(line) <= 78 for line in f"To: {value}".split("\r\n"))


@given(text=WILD)
def test_no_subject_breaks_a_header(text):
    value = unstructured(text, "Subject")
    message = parse(f"Subject: {value}\r\nX-After: here\r\n\r\n".encode("ascii"))
    assert message["X-After"] == "here"
    assert not message.defects
    assert "\n" not in message["Subject"]
    lines = f"Subject: {value}".split("\r\n")
    assert all(len(line) <= 78 for line in lines)
    assert all(line.startswith(" ") for line in lines[1:])
    assert all(len(word) <= 75 for word in re.findall(r"=\?\S+\?=", value))


def test_a_subject_beyond_ascii_comes_back_as_it_was(send):
    title = "Größe: 中文 \U0001f9ea und “Zitate” in einem sehr langen Titel eines Papiers"
    sent = send([make_pick(1, paper=make_paper(1, title=title))])
    assert parse(sent.raw)["Subject"] == sent.digest.subject
    assert sent.digest.subject.startswith("Größe: 中文 \U0001f9ea und “Zitate”")


@pytest.mark.parametrize(
    "address",
    [
        "ada@reader.example\r\nBcc: x@evil.example",
        "ada",
        "",
        "a b@reader.example",
        "ädä@reader.example",
        "ada@" + "x" * 300 + ".example",
        "ada@büro..example",
        "<ada@reader.example>",
        "ada@reader.example, x@evil.example",
    ],
)
def test_an_address_that_no_header_can_hold_is_refused(send, subscriber, address):
    with pytest.raises(MailError):
        send(make_picks(1), reader=replace(subscriber, email=address))


def test_an_international_domain_is_written_in_its_ascii_form(send, subscriber):
    sent = send(make_picks(1), reader=replace(subscriber, email="ada@büro.example"))
    assert "<ada@xn--bro-hoa.example>" in head(sent.raw)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("list_id", "a\r\nb"),
        ("list_id", "Ünicode.example"),
        ("from_address", "nobody"),
        ("reply_to", "x\ny@z.example"),
    ],
)
def test_a_publication_that_cannot_be_written_is_refused(
    send, subscriber, publication, field, value
):
    sent = send(make_picks(1))
    with pytest.raises(MailError):
        build(
            sent.rendered,
            digest=sent.digest,
            subscriber=subscriber,
            publication=replace(publication, **{field: value}),
            links=sent.links,
        )


def test_a_digest_with_an_unfit_id_is_refused(send, subscriber, publication):
    sent = send(make_picks(1))
    with pytest.raises(MailError, match="identifier"):
        build(
            sent.rendered,
            digest=replace(sent.digest, id="a>\r\nb"),
            subscriber=subscriber,
            publication=publication,
            links=sent.links,
        )


def test_a_list_name_beyond_ascii_leaves_the_bare_list_id(send, subscriber, publication):
    sent = send(make_picks(1))
    raw = build(
        sent.rendered,
        digest=sent.digest,
        subscriber=subscriber,
        publication=replace(publication, name="Päpers", from_name="Päpers"),
        links=sent.links,
    )
    assert "List-Id: <digest.newsletter.example>" in head(raw)
    assert parse(raw)["From"].addresses[0].display_name == "Päpers"


def test_the_boundary_occurs_nowhere_else(send):
    sent = send(make_picks(2))
    boundary = parse(sent.raw).get_boundary()
    assert sent.raw.count(f"--{boundary}".encode()) == 3
    assert sent.raw.endswith(f"--{boundary}--\r\n".encode())


def test_the_clock_is_the_callers(subscriber):
    digest = make_digest(subscriber=subscriber, picks=(), considered=0, edition="x", now=NOW)
    assert digest.created_at == NOW.astimezone(UTC)
