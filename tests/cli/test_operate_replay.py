"""`newsletter replay`: the very octets that were sent, proven, or what may have changed them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from operate_world import composed, delivered, enrol
from sqlalchemy import update

from newsletter.app import App
from newsletter.mail.fingerprint import fingerprint, is_of
from newsletter.membership import wishes_of
from newsletter.model import Digest, Entry, Format, Listing, Tier
from newsletter.store.schema import deliveries


@pytest.fixture
def sent(app) -> tuple[Digest, bytes]:
    """A digest and the mail that left."""
    digest = composed(app, enrol(app))
    delivered(app)
    (file,) = (app.settings.state_dir / "outbox").glob("*.eml")
    raw = file.read_bytes()
    keep_fingerprint(app, digest, fingerprint(raw))
    return digest, raw


def keep_fingerprint(app: App, digest: Digest, value: str) -> None:
    """As a delivery writes it down."""
    with app.store._engine.begin() as connection:
        mine = deliveries.c.id == digest.id
        connection.execute(update(deliveries).where(mine).values(fingerprint=value))


def test_the_mail_is_the_same_octet_for_octet(newsletter, app, sent, tmp_path):
    digest, raw = sent

    ran = newsletter("replay", digest.id, "--out", "again.eml")

    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "Identical to what was sent, signatures aside.\n"
    assert (tmp_path / "again.eml").read_bytes() == raw
    assert (tmp_path / "again.eml").stat().st_mode & 0o777 == 0o600


def test_it_goes_to_standard_output_and_by_message_id(newsletter, app, sent):
    digest, raw = sent

    ran = newsletter("replay", f"<{digest.id}@newsletter.example>")

    assert ran.code == 0
    assert ran.out.encode() == raw.replace(b"\r\n", b"\n") or ran.out.encode() == raw


def test_a_rotated_key_does_not_change_it(newsletter, app, sent):
    digest, raw = sent
    newsletter("keys", "rotate")

    ran = newsletter("replay", digest.id, "--out", "again.eml")

    assert "Identical" in ran.err
    assert Path("again.eml").read_bytes() == raw


def test_a_process_that_knew_only_the_older_key_is_found_out(newsletter, app):
    digest = composed(app, enrol(app))
    post = app.live_post  # as a program that runs since before the rotation
    app.store.add_link_key(app.now())
    delivered(app)
    (file,) = (app.settings.state_dir / "outbox").glob("*.eml")
    keep_fingerprint(app, digest, fingerprint(file.read_bytes()))

    assert post.links is app.links
    assert "Identical" in newsletter("replay", digest.id).err


def test_interests_and_format_changed_since_do_not_change_it(newsletter, app, sent):
    digest, raw = sent
    reader = app.subscriptions.get(digest.subscriber_id)
    other = replace(reader.profile, topics=("robot hands",), abstract_length=0)
    wishes = replace(wishes_of(reader), profile=other, format=Format.TEXT)
    app.subscriptions.change(reader.id, wishes, now=app.now())

    ran = newsletter("replay", digest.id, "--out", "again.eml")

    assert "Identical" in ran.err
    assert Path("again.eml").read_bytes() == raw


def test_what_cannot_be_made_again_is_said_with_suspects(newsletter, app, sent):
    digest, _ = sent
    paper = replace(digest.picks[0].paper, abstract="Sparse attention, told anew and at length.")
    listing = Listing(source="api", tier=Tier.API, entries=(Entry(paper=paper, rank=1),))
    app.store.record(listing, app.now())

    ran = newsletter("replay", digest.id, "--out", "again.eml")

    assert ran.code == 1
    assert "This differs from what was sent." in ran.err
    assert "Papers completed since" in ran.err
    assert Path("again.eml").read_bytes().startswith(b"From: ")


def test_a_dropped_key_is_the_first_suspect(newsletter, app, sent):
    digest, _ = sent
    newsletter("keys", "rotate")
    newsletter("keys", "drop", "1", "--yes")

    ran = newsletter("replay", digest.id)

    assert ran.code == 1
    assert "A key that signed links was dropped" in ran.err


def test_without_a_fingerprint_nothing_is_claimed(newsletter, app, sent):
    digest, _ = sent
    keep_fingerprint(app, digest, "")

    ran = newsletter("replay", digest.id)

    assert ran.code == 0
    assert "cannot be proven: no fingerprint of it was kept." in ran.err


def test_a_mail_that_did_not_leave_yet_is_shown_as_it_would(newsletter, app):
    digest = composed(app, enrol(app))

    ran = newsletter("replay", digest.id)

    assert ran.code == 0
    assert "cannot be proven: it was not sent." in ran.err
    assert digest.id in ran.out


@pytest.mark.parametrize("name", ["unknown", "", "a b", "<>", "x" * 500, "\x1b[31m"])
def test_an_unknown_digest_is_a_sentence(newsletter, installation, name):
    ran = newsletter("replay", name)

    assert ran.code == 2
    assert "there is no digest" in ran.err
    assert "\x1b" not in ran.err


def test_a_file_that_cannot_be_written_is_a_sentence(newsletter, app, sent):
    ran = newsletter("replay", sent[0].id, "--out", "no/such/folder/again.eml")

    assert ran.code == 2
    assert "cannot be written (No such file or directory)" in ran.err


def test_signatures_do_not_count_but_everything_else_does():
    mail = b"From: a@b.example\r\nSubject: x\r\n\r\nbody\r\n"
    signed = b"DKIM-Signature: v=1; a=rsa-sha256;\r\n\tb=abc\r\n\tdef\r\n"

    assert fingerprint(signed + mail) == fingerprint(mail)
    assert fingerprint(signed + signed.lower() + mail) == fingerprint(mail)
    assert fingerprint(mail) != fingerprint(mail + b"\r\n")
    assert fingerprint(mail) != fingerprint(b"X: y\r\n" + mail)


def test_a_fingerprint_of_former_days_is_still_recognised():
    mail = b"Subject: x\r\n\r\nbody\r\n"
    former = hashlib.sha256(mail).hexdigest()
    assert is_of(former, b"DKIM-Signature: v=1\r\n" + mail)
    assert is_of(fingerprint(mail), mail)
    assert not is_of(former, mail + b"more\r\n")
