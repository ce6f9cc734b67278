"""A dry run into a Maildir can be read by any mail reader, and the signature still holds."""

from __future__ import annotations

import imaplib
import mailbox as stdlib_mailbox
import stat

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dovecot_server import PASSWORD, dovecot_running, maildir_home
from mail_samples import NOW, make_picks

from newsletter.delivery import Result
from newsletter.errors import MailError
from newsletter.mail.dkim import Signer
from newsletter.mail.maildir import MaildirTransport
from newsletter.mail.transport import send as hand_over

MAIL = b"Subject: x\r\n\r\nhello\r\nFrom here on\r\n.\r\n"
FROM, TO = "b+abc@bounce.newsletter.example", "ada@reader.example"


@pytest.fixture(scope="module")
def signer():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return Signer("newsletter.example", "s1", pem)


def put(folder, raw: bytes = MAIL, to: str = TO):
    return hand_over(MaildirTransport(folder), raw, sender=FROM, recipient=to)


def only_file(folder):
    (path,) = (folder / "new").iterdir()
    return path


def test_a_mail_is_delivered_as_new_with_its_envelope_above_it(tmp_path):
    outcome = put(tmp_path / "box", MAIL)
    path = only_file(tmp_path / "box")
    assert (outcome.result, outcome.detail) == (Result.ACCEPTED, f"delivered as {path.name}")
    envelope = f"Return-Path: <{FROM}>\nDelivered-To: {TO}\n".encode()
    assert path.read_bytes() == envelope + MAIL.replace(b"\r\n", b"\n")
    assert list((tmp_path / "box" / "tmp").iterdir()) == []


def test_the_standard_library_reads_what_was_sent(tmp_path, send):
    sent = send(make_picks(2))
    put(tmp_path, sent.raw)
    (read,) = stdlib_mailbox.Maildir(tmp_path, create=False)
    assert read["Return-Path"] == f"<{FROM}>"
    assert read["Subject"]
    text, html = (part.get_payload(decode=True).decode() for part in read.get_payload())
    assert text.splitlines() == sent.rendered.text.splitlines()
    assert html.splitlines() == sent.rendered.html.splitlines()


def test_the_signature_holds_in_the_maildir(tmp_path, send, signer):
    put(tmp_path, signer.sign(send(make_picks(2)).raw, at=NOW))
    ((name, record),) = signer.records
    raw = only_file(tmp_path).read_bytes()
    assert raw.startswith(b"Return-Path:")
    assert dkim.verify(raw, dnsfunc=lambda asked, timeout=5: {f"{name}.".encode(): record}[asked])


def test_a_real_server_shows_the_mail_as_a_relay_would_get_it(send):
    raw = send(make_picks(2)).raw
    with maildir_home() as home:
        put(home / "mail", raw)
        with dovecot_running(home) as port, imaplib.IMAP4("127.0.0.1", port, timeout=10) as client:
            client.login("ada", PASSWORD)
            assert client.select("INBOX") == ("OK", [b"1"])
            ((_, shown), _) = client.fetch("1", "(BODY.PEEK[])")[1]
    envelope = f"Return-Path: <{FROM}>\r\nDelivered-To: {TO}\r\n".encode()
    assert shown == envelope + raw


def test_every_mail_has_a_name_of_its_own_over_runs(tmp_path):
    assert {put(tmp_path).result for _ in range(20)} == {Result.ACCEPTED}
    assert len(list((tmp_path / "new").iterdir())) == 20


def test_only_the_owner_can_read_the_maildir(tmp_path):
    put(tmp_path / "a" / "box")
    for folder in (tmp_path / "a" / "box", tmp_path / "a" / "box" / "new"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_lacks_a_part_is_completed(tmp_path):
    (tmp_path / "new").mkdir()
    assert put(tmp_path).result is Result.ACCEPTED


def test_a_maildir_that_is_gone_defers(tmp_path):
    transport = MaildirTransport(tmp_path / "box")
    for part in ("tmp", "new", "cur"):
        (tmp_path / "box" / part).rmdir()
    outcome = hand_over(transport, MAIL, sender=FROM, recipient=TO)
    assert (outcome.result, outcome.detail) == (
        Result.DEFERRED,
        "the Maildir: No such file or directory",
    )


def test_a_file_where_the_maildir_should_be_is_refused(tmp_path):
    (tmp_path / "box").write_text("", encoding="utf-8")
    with pytest.raises(MailError, match="cannot be laid down"):
        MaildirTransport(tmp_path / "box")


@pytest.mark.parametrize("address", ["", "nobody", "a@b.example\r\nX: y", "a b@c.example"])
def test_an_address_that_no_envelope_can_hold_writes_no_header(tmp_path, address):
    with pytest.raises(MailError):
        put(tmp_path, to=address)
    assert list((tmp_path / "new").iterdir()) == []
