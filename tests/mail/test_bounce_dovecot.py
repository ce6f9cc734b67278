"""A real IMAP server understands how reports are read and put away."""

from __future__ import annotations

import imaplib
import mailbox as stdlib_mailbox
from dataclasses import replace

import pytest
from dovecot_server import PASSWORD, dovecot_running, maildir_home

from newsletter.errors import MailError
from newsletter.mail.servers.dial import Security
from newsletter.mail.servers.mailboxes import ImapAccount, ImapBox

MAILS = (b"Subject: one\r\n\r\nfirst\r\n", b"Subject: two\r\n\r\nsecond\r\n")


@pytest.fixture
def home():
    with maildir_home() as path:
        yield path


@pytest.fixture
def dovecot(home):
    """The port of a dovecot whose one user has the mails in their inbox."""
    stdlib_mailbox.Maildir(home / "mail", create=True)
    for number, raw in enumerate(MAILS):
        (home / "mail" / "new" / f"177519780{number}.M1P1.host").write_bytes(raw)
    with dovecot_running(home) as port:
        yield port


@pytest.mark.parametrize("processed", ["", "Processed"])
def test_a_real_server_understands_us(dovecot, home, processed):
    there = ImapAccount(
        host="127.0.0.1", port=dovecot, username="ada", password=PASSWORD, security=Security.NONE
    )
    if processed:
        with pytest.raises(MailError, match="its folder for processed reports, Processed: "):
            list(ImapBox(replace(there, processed=processed)).read())
        with imaplib.IMAP4("127.0.0.1", dovecot) as client:
            client.login("ada", PASSWORD)
            client.create(processed)
    reports = ImapBox(replace(there, processed=processed))
    read = list(reports.read())
    assert [raw for _, raw in read] == list(MAILS)
    reports.done(read[0][0], flagged=True)
    assert [raw for _, raw in reports.read()] == [MAILS[1]]
    reports.close()
    assert len(list(home.rglob("*:2,F*"))) == 1
    inbox = stdlib_mailbox.Maildir(home / "mail")
    assert len(inbox) == (1 if processed else 2)
    with pytest.raises(MailError, match="AUTHENTICATIONFAILED"):
        list(ImapBox(replace(there, password="wr0ng")).read())


def deal_with_all(box, read: list) -> None:
    """What a round does."""
    for key, raw in box.read():
        read.append(raw)
        box.done(key)


def test_a_mail_that_a_real_server_cannot_read_holds_up_no_other(dovecot, home):
    there = ImapAccount(
        host="127.0.0.1", port=dovecot, username="ada", password=PASSWORD, security=Security.NONE
    )
    next((home / "mail" / "new").glob("1775197800*")).chmod(0)
    reports, read = ImapBox(there), []
    with pytest.raises(MailError, match=r"cannot be read from 127\.0\.0\.1: .*Internal error"):
        deal_with_all(reports, read)
    reports.close()
    assert read == [MAILS[1]]
