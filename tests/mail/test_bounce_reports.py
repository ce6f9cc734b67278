"""Reports in the shapes of real servers are understood, and nothing else drops a reader."""

from __future__ import annotations

import pytest
from answer_samples import (
    GMAIL_VACATION,
    HOTMAIL_ARF,
    OUTLOOK_VACATION,
    PERSON,
    RECEIPT,
    UNSUBSCRIBE,
    YAHOO_ARF,
)
from bounce_samples import (
    BACK,
    DIGEST,
    EXCHANGE,
    EXIM,
    GMAIL,
    PATHS,
    POSTFIX,
    QMAIL,
    READER,
    UTF8_REPORT,
    YAHOO,
    wire,
)

from newsletter.mail.bounces import Kind, Report, read_report

LETTER = "0123456789abcdef0123456789abcdef"


def read(text: str, **filled: str) -> Report:
    return read_report(wire(text, **filled), return_paths=PATHS)


def postfix(action: str = "failed", status: str = "5.1.1", words: str = "smtp; 550 no") -> Report:
    return read(POSTFIX, action=action, status=status, words=words)


def test_an_unknown_mailbox_is_a_hard_bounce_of_that_very_delivery():
    words = f"smtp; 550 5.1.1 <{READER}>: Recipient address rejected: User unknown"
    report = postfix(words=words)
    assert report == Report(
        kind=Kind.HARD,
        delivery_id=DIGEST,
        recipient=READER,
        status="5.1.1",
        detail="failed 5.1.1: smtp; 550 5.1.1 (hidden) Recipient address rejected: User unknown",
    )


@pytest.mark.parametrize(
    ("action", "status", "words", "kind"),
    [
        ("failed", "5.1.1", "smtp; 550 5.1.1 user unknown", Kind.HARD),
        ("Failed", "5.1.1 (bad destination mailbox)", "x-unix; unknown user", Kind.HARD),
        ("failed", "5.2.2", "smtp; 552 5.2.2 mailbox full", Kind.SOFT),
        ("failed", "5.7.1", "smtp; 554 5.7.1 Service unavailable; blocked", Kind.SOFT),
        ("failed", "4.4.1", "X-Postfix; Connection timed out", Kind.SOFT),
        ("failed", "5.4.4", "X-Postfix; Host or domain name not found", Kind.SOFT),
        ("failed", "nonsense", "smtp; 550 sorry", Kind.SOFT),
        ("delayed", "4.4.1", "X-Postfix; Connection timed out", Kind.DELAYED),
        ("delayed", "5.1.1", "smtp; 550 5.1.1 user unknown", Kind.DELAYED),
        ("delivered", "2.0.0", "smtp; 250 ok", Kind.UNKNOWN),
        ("relayed", "2.0.0", "smtp; 250 ok", Kind.UNKNOWN),
        ("expanded", "2.0.0", "smtp; 250 ok", Kind.UNKNOWN),
        ("", "5.1.1", "smtp; 550 5.1.1 user unknown", Kind.DELAYED),
        ("exploded", "5.1.1", "smtp; 550 5.1.1 user unknown", Kind.DELAYED),
    ],
)
def test_action_and_status_decide(action, status, words, kind):
    assert postfix(action, status, words).kind is kind


@pytest.mark.parametrize(
    ("diagnostic", "kind"),
    [
        ("Diagnostic-Code: smtp; 550 5.1.1 <x@reader.example>: User unknown\n", Kind.HARD),
        ("Diagnostic-Code: smtp; 550 No such user here\n", Kind.HARD),
        ("Diagnostic-Code: smtp; 550-Verification failed\n 550 Unrouteable address\n", Kind.HARD),
        ("Diagnostic-Code: smtp; 550 5.7.1 listed at a blocklist\n", Kind.SOFT),
        ("Diagnostic-Code: smtp; 550 JunkMail rejected, no such user as you\n", Kind.SOFT),
        ("Diagnostic-Code: smtp; 451 no such user for now\n", Kind.SOFT),
        ("", Kind.SOFT),  # "retry timeout exceeded" looks like this
    ],
)
def test_exim_says_5_0_0_of_everything_so_its_words_decide(diagnostic, kind):
    report = read(EXIM, diagnostic=diagnostic)
    assert (report.kind, report.delivery_id, report.recipient) == (kind, DIGEST, READER)


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        ("5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP", Kind.HARD),
        ("5.2.2", "STOREDRV.Deliver; mailbox full", Kind.SOFT),
        ("5.7.133", "RESOLVER.RST.SenderNotAuthenticatedForGroup", Kind.SOFT),
        ("5.4.1", "Recipient address rejected: Access denied. AS(201806281)", Kind.SOFT),
    ],
)
def test_exchange_and_office_365(status, words, kind):
    report = read(EXCHANGE, status=status, words=words)
    assert (report.kind, report.delivery_id, report.status) == (kind, DIGEST, status)


def test_gmail():
    words = "550-5.1.1 The email account that you tried to reach does not exist. gsmtp"
    report = read(GMAIL, subject="Failure", action="failed", status="5.1.1", words=words)
    assert (report.kind, report.delivery_id) == (Kind.HARD, DIGEST)
    words = "452 4.2.2 The email account that you tried to reach is over quota."
    report = read(GMAIL, subject="Delay", action="delayed", status="4.2.2", words=words)
    assert (report.kind, report.status) == (Kind.DELAYED, "4.2.2")


def test_a_mailbox_that_is_only_too_busy_is_not_gone():
    words = "550-5.2.1 The user you are trying to contact is receiving mail at a rate that prevents"
    report = read(GMAIL, subject="Failure", action="failed", status="5.2.1", words=words)
    assert report.kind is Kind.SOFT
    words = "550 5.2.1 The email account that you tried to reach is disabled."
    report = read(GMAIL, subject="Failure", action="failed", status="5.2.1", words=words)
    assert report.kind is Kind.HARD


def test_yahoo():
    report = read(YAHOO, words="554 delivery error: This user doesn't have an account [0]")
    assert (report.kind, report.delivery_id) == (Kind.SOFT, DIGEST)


def test_a_report_in_the_international_form():
    report = read(UTF8_REPORT)
    assert (report.kind, report.delivery_id, report.recipient) == (Kind.HARD, DIGEST, READER)


def test_qmail_is_recognised_as_a_bounce_and_decides_nothing():
    report = read(QMAIL)
    assert (report.kind, report.delivery_id) == (Kind.UNKNOWN, DIGEST)
    assert report.detail == "a bounce in a form of its own"


def test_of_several_recipients_the_mildest_counts():
    block = "Final-Recipient: rfc822; other@reader.example\nAction: {}\nStatus: 4.2.2\n\n"
    place = f"Final-Recipient: rfc822; {READER}"
    for action, kind in (("delivered", Kind.UNKNOWN), ("failed", Kind.SOFT)):
        both = POSTFIX.replace(place, block.format(action) + place)
        report = read(both, action="failed", status="5.1.1", words="smtp; 550 5.1.1 unknown")
        assert report.kind is kind


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("abuse", Kind.COMPLAINT),
        ("Abuse", Kind.COMPLAINT),
        ("fraud", Kind.COMPLAINT),
        ("opt-out", Kind.UNSUBSCRIBE),
        ("not-spam", Kind.UNKNOWN),
        ("auth-failure", Kind.UNKNOWN),
        ("", Kind.UNKNOWN),
    ],
)
def test_feedback_of_a_provider(kind, meaning):
    report = read(YAHOO_ARF, kind=kind, mail_from=BACK)
    assert (report.kind, report.delivery_id, report.recipient) == (meaning, DIGEST, READER)


def test_feedback_without_our_return_path_is_known_by_the_message_id():
    report = read(YAHOO_ARF, kind="abuse", mail_from="relay@another.example")
    assert (report.kind, report.delivery_id) == (Kind.COMPLAINT, DIGEST)


def test_feedback_of_hotmail_is_known_by_the_return_path_of_the_original():
    report = read(HOTMAIL_ARF)
    assert (report.kind, report.delivery_id) == (Kind.COMPLAINT, DIGEST)


@pytest.mark.parametrize("mail", [GMAIL_VACATION, OUTLOOK_VACATION])
def test_a_vacation_notice_is_nothing_but_that(mail):
    report = read(mail)
    assert (report.kind, report.delivery_id) == (Kind.VACATION, DIGEST)


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied (vacation)",
        "Auto-Submitted: auto-generated; owner-email=x",
        "X-Autoreply: yes",
        "X-Autorespond: Re",
        "Precedence: auto_reply",
        "Precedence: Bulk",
        "Return-Path: <>",
    ],
)
def test_one_sign_of_a_machine_is_enough(header):
    assert read(f"{header}\n{PERSON}").kind is Kind.VACATION


def test_a_receipt_is_an_automatic_answer():
    assert read(RECEIPT).kind is Kind.VACATION


def test_a_person_is_unknown():
    report = read(PERSON)
    assert (report.kind, report.delivery_id) == (Kind.UNKNOWN, "")
    assert read(f"Auto-Submitted: no\n{PERSON}").kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    "subject",
    [f"unsubscribe {DIGEST}", f"Unsubscribe  {DIGEST.upper()} ", f"Re: unsubscribe {DIGEST}"],
)
@pytest.mark.parametrize("header", ["", "Auto-Submitted: auto-generated\n", "Precedence: bulk\n"])
def test_a_mail_to_unsubscribe_says_which_digest(subject, header):
    report = read(header + UNSUBSCRIBE.replace(f"unsubscribe {DIGEST}", subject))
    assert (report.kind, report.delivery_id) == (Kind.UNSUBSCRIBE, DIGEST)
    assert report.recipient == READER


@pytest.mark.parametrize("subject", ["unsubscribe", "unsubscribe me", "please unsubscribe him"])
def test_a_subject_without_a_digest_unsubscribes_nobody(subject):
    report = read(UNSUBSCRIBE.replace(f"unsubscribe {DIGEST}", subject))
    assert report.kind is Kind.UNKNOWN


def test_the_signed_return_path_wins_over_the_message_id():
    other = PATHS.make(LETTER)
    report = read(POSTFIX.replace(BACK, other), action="failed", status="5.1.1", words="no")
    assert report.delivery_id == LETTER


@pytest.mark.parametrize("mail", [POSTFIX, EXCHANGE, YAHOO, UTF8_REPORT])
def test_without_a_return_path_the_message_id_of_the_original_tells(mail):
    filled = {"action": "failed", "status": "5.1.1", "words": "smtp; 550 5.1.1 unknown"}
    report = read(mail.replace(BACK, "hello@newsletter.example"), **filled)
    assert (report.delivery_id, report.kind is Kind.UNKNOWN) == (DIGEST, False)


def test_a_forged_return_path_tells_nothing():
    forged = BACK.replace(BACK[-30], "a" if BACK[-30] != "a" else "b")
    without = POSTFIX.replace(BACK, forged).replace(f"<{DIGEST}@", "<other@")
    report = read(without, action="failed", status="5.1.1", words="no")
    assert report.delivery_id == ""


def test_a_report_inside_a_forwarded_mail_is_not_meant_for_us():
    inner = POSTFIX.replace("{action}", "failed").replace("{status}", "5.1.1")
    outer = f"From: {READER}\nTo: hello@newsletter.example\nSubject: look\n"
    forwarded = f'{outer}Content-Type: multipart/mixed; boundary="f"\n\n--f\nContent-Type: message/rfc822\n\n{inner}\n--f--\n'
    assert read(forwarded).kind is Kind.UNKNOWN


def test_bare_line_ends_read_the_same():
    raw = wire(POSTFIX, action="failed", status="5.1.1", words="smtp; 550 5.1.1 unknown")
    unix = raw.replace(b"\r\n", b"\n")
    assert read_report(unix, return_paths=PATHS) == read_report(raw, return_paths=PATHS)
