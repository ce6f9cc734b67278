"""Any octets end in a report, soon, and no address is ever told in one's detail."""

from __future__ import annotations

import answer_samples
import bounce_samples
import pytest
from answer_samples import YAHOO_ARF
from bounce_samples import DIGEST, PATHS, POSTFIX, READER, wire
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.mail.bounces import LOOKED_AT, Kind, Report, read_report

ALL = [
    value
    for samples in (answer_samples, bounce_samples)
    for value in vars(samples).values()
    if isinstance(value, str) and "\nSubject: " in value
]


def read(raw: bytes) -> Report:
    report = read_report(raw, return_paths=PATHS)
    assert len(report.detail) <= 300
    assert "\n" not in report.detail
    assert "@" not in report.detail
    assert len(report.recipient) <= 320
    return report


@given(st.binary(max_size=400))
@example(b"")
@example(b"\r\n\r\n")
def test_any_octets_end_in_a_report(raw):
    assert read(raw).kind in Kind


names = st.sampled_from(
    [
        "Subject",
        "To",
        "From",
        "Delivered-To",
        "Return-Path",
        "Auto-Submitted",
        "Precedence",
        "Content-Type",
        "Action",
        "Status",
        "Diagnostic-Code",
        "Final-Recipient",
        "Original-Recipient",
        "Message-ID",
        "Feedback-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    ]
)
pieces = st.sampled_from(
    [
        "multipart/report",
        "message/delivery-status",
        "message/feedback-report",
        "message/rfc822",
        "text/rfc822-headers",
        "multipart/digest",
        "; boundary=x",
        '; boundary="',
        "; boundary*=utf-8''x",
        "; boundary*0=x; boundary*=y",
        "; boundary*" + "9" * 5000 + "=x",
        "; boundary*=\0a\0''%00",
        "; charset=\0",
        "base64",
        "quoted-printable",
        "x-uuencode",
        "=?utf-8?b?//8=?=",
        "=?\0?q?x?=",
        "failed",
        "5.1.1",
        "rfc822; ada@reader.example",
        "\ud800\udc00",
        "é@ü.example",
        '"a b"@c.example',
        f"<{DIGEST}@x>",
        "\r\n ",
        "\x00",
        "\x1c",
    ]
)
header_lines = st.builds(
    lambda name, parts: f"{name}: {''.join(parts)}\r\n", names, st.lists(pieces, max_size=4)
)
body_lines = st.sampled_from(
    ["\r\n", "--x\r\n", "--x--\r\n", "text\r\n", "begin 644 x\r\n", "==\r\n"]
)
mails = st.lists(header_lines | body_lines, max_size=30).map("".join)


@settings(max_examples=100)
@given(mails)
def test_any_mail_of_broken_parts_ends_in_a_report(text):
    read(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=100)
@given(st.sampled_from(ALL), st.data())
def test_a_damaged_report_is_still_one_answer(mail, data):
    raw = wire(mail, action="failed", status="5.1.1", words="smtp; 550 5.1.1 no", kind="abuse")
    start = data.draw(st.integers(0, len(raw)))
    length = data.draw(st.integers(0, 60))
    read(raw[:start] + data.draw(st.binary(max_size=20)) + raw[start + length :])


NEST = 'Content-Type: multipart/mixed; boundary="{0}"\r\n\r\n--{0}\r\n'


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
        b"Content-Type:\r\n message/rfc822\r\n\r\n" * 20_000,
        "".join(NEST.format(n) for n in range(8000)).encode() + b"\r\n" * 200_000,
        NEST.format("x").encode() * 8000,
        b"Content-Type: multipart/digest; boundary =x\r\n\r\n--x\r\n\r\n" * 5000,
        b"To: " + b"a" * 300_000,
        b"To: " + b"a@" * 150_000,
        b"To: " + b"a@b," * 80_000,
        b"To: a@b\r\n" * 40_000,
        b"Subject: unsubscribe " + b" " * 300_000 + b"x",
        b"Content-Type: " + b";a=b" * 60_000,
        b"\r\n" * 300_000,
        b"\x00" * 300_000,
    ],
)
def test_a_mail_made_to_keep_us_busy_is_read_like_any_other(raw):
    assert read(raw).kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    "parameter",
    [
        "boundary*0=x; boundary*=y",
        "boundary*=a\0b''%41",
        "boundary*" + "9" * 5000 + "=x",
        "boundary*=idna''%00%ff",
        "boundary*=undefined''%41",
    ],
)
def test_what_the_parser_of_the_standard_library_trips_over_is_no_report(parameter):
    raw = f"Content-Type: multipart/report; {parameter}\r\n\r\n--x\r\n\r\nhi\r\n--x--\r\n"
    assert read(raw.encode()) == Report(kind=Kind.UNKNOWN, detail="cannot be read as a mail")


def test_a_deep_nest_hides_no_report_from_the_headers():
    deep = b"Auto-Submitted: auto-replied\r\n" + NEST.format("x").encode() * 200
    assert read(deep).kind is Kind.VACATION


def test_a_huge_original_does_no_harm():
    raw = wire(POSTFIX, action="failed", status="5.1.1", words="smtp; 550 5.1.1 no")
    huge = raw.replace(b"Hello", b"Hello\r\n" * 1_000_000)
    assert len(huge) > 10 * LOOKED_AT
    assert (read(huge).kind, read(huge).delivery_id) == (Kind.HARD, DIGEST)


def test_a_report_of_thousands_of_recipients_is_read():
    block = b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    raw = wire(POSTFIX, action="failed", status="5.1.1", words="no")
    place = raw.index(b"Final-Recipient")
    assert read(raw[:place] + block * 3000 + raw[place:]).kind is Kind.HARD


ADDRESSES = [
    READER,
    READER.upper(),
    "ada.byron",
    "ada.byron@",
    "<ada.byron@reader.example>",
    '"ada byron"@reader.example',
    "ada.byron%40reader.example",
    "ada.byron=reader.example@relay.example",
    "ada.byron＠reader.example",
    "ada.byron&#64;reader.example",
    "(ada.byron)",
    "user:ada.byron.",
]


@given(st.lists(st.sampled_from([*ADDRESSES, "550 5.1.1", "unknown", "x" * 200]), max_size=30))
def test_no_address_is_told_in_a_detail(words):
    said = "smtp; " + " ".join(words)
    report = read(wire(POSTFIX, action="failed", status="5.1.1", words=said))
    assert "byron" not in report.detail.lower()


@given(st.sampled_from(ADDRESSES), st.integers(0, 2200))
def test_not_even_where_a_long_text_is_cut(address, room):
    for fill in ("x " * (room // 2), "x" * room + " ", "x " + "\t" * room):
        said = f"{fill}{address} {'y ' * 1200}"
        report = read(wire(POSTFIX, action="failed", status="5.1.1", words=said))
        assert "byron" not in report.detail.lower()
        assert "ada" not in report.detail.lower()


def test_a_complaint_tells_no_address_either():
    mail = YAHOO_ARF.replace("Yahoo!-Mail-Feedback/2.0", f"Feedback for {READER}")
    assert read(wire(mail, kind=f"abuse-of-{READER}")).detail == (
        "feedback of type (hidden) sent by Feedback for (hidden)"
    )
