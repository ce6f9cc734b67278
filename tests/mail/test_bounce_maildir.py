"""Reports are read from a Maildir, bounded, and put away only when they are done."""

from __future__ import annotations

import mailbox as stdlib_mailbox
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dovecot_server import maildir_home

from newsletter.errors import MailError
from newsletter.mail.bounces import LOOKED_AT
from newsletter.mail.servers.mailboxes import MaildirBox

MAILS = (b"Subject: one\r\n\r\nfirst\r\n", b"Subject: two\r\n\r\nsecond\r\n")


@pytest.fixture
def maildir(tmp_path) -> stdlib_mailbox.Maildir:
    return stdlib_mailbox.Maildir(tmp_path / "reports", create=True)


def fill(maildir: stdlib_mailbox.Maildir) -> Path:
    path = Path(maildir._path)
    for number, raw in enumerate(MAILS):
        (path / "new" / f"177519780{number}.M1P1.host").write_bytes(raw)
    return path


def test_new_mails_of_a_maildir_are_read_and_then_seen(maildir):
    path = fill(maildir)
    box = MaildirBox(path)
    read = list(box.read())
    assert tuple(raw for _, raw in read) == MAILS
    box.done(read[0][0])
    assert [key for key, _ in box.read()] == [read[1][0]]
    box.done(read[1][0])
    assert list(box.read()) == []
    assert [message.get_flags() for message in maildir] == ["S", "S"]
    box.close()


def test_a_mail_that_is_not_done_comes_again(maildir):
    box = MaildirBox(fill(maildir))
    assert list(box.read()) == list(box.read())


def test_mails_may_be_put_away_while_reading(maildir):
    box = MaildirBox(fill(maildir))
    for key, _ in box.read():
        box.done(key)
    assert list(box.read()) == []


def test_what_another_reader_took_is_no_error(maildir):
    path = fill(maildir)
    box, other = MaildirBox(path), MaildirBox(path)
    reading = box.read()
    key, _ = next(reading)
    for taken, _ in other.read():
        other.done(taken)
    assert list(reading) == []
    box.done(key)


def test_a_round_over_a_maildir_is_bounded(maildir):
    path = fill(maildir)
    (path / "new" / "1").write_bytes(b"x" * (LOOKED_AT + 10))
    key, raw = next(MaildirBox(path, most=1).read())
    assert (key, len(raw)) == ("1", LOOKED_AT)
    assert len(list(MaildirBox(path, most=1).read())) == 1


def test_only_plain_files_count(maildir, tmp_path):
    path = Path(maildir._path)
    (tmp_path / "secret").write_text("x")
    (path / "new" / "link").symlink_to(tmp_path / "secret")
    (path / "new" / ".hidden").write_text("x")
    (path / "new" / "folder").mkdir()
    os.mkfifo(path / "new" / "pipe")
    assert list(MaildirBox(path).read()) == []


def test_a_maildir_that_is_none_is_told(tmp_path):
    with pytest.raises(MailError, match="No such file or directory") as caught:
        list(MaildirBox(tmp_path / "nothing").read())
    assert str(caught.value).startswith(f"the Maildir {tmp_path / 'nothing'} cannot be used")
    (tmp_path / "half" / "new").mkdir(parents=True)
    with pytest.raises(MailError, match="half cannot be used: cur: No such file or directory"):
        list(MaildirBox(tmp_path / "half").read())


def deal_with_all(box, read: list) -> None:
    """What a round does."""
    for key, raw in box.read():
        read.append(raw)
        box.done(key)


@contextmanager
def without_roots_rights() -> Iterator[None]:
    """For root, to whom everything is open."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_mail_that_may_not_be_read_holds_up_no_other_and_is_named_at_the_end():
    with maildir_home() as home:
        path = fill(stdlib_mailbox.Maildir(home / "reports", create=True))
        for folder in (path, path / "new", path / "cur"):
            folder.chmod(0o777)
        (path / "new" / "1775197800.M1P1.host").chmod(0)
        box, read = MaildirBox(path), []
        with (
            without_roots_rights(),
            pytest.raises(MailError, match=r"new/1775197800\.M1P1\.host: Permission denied"),
        ):
            deal_with_all(box, read)
        assert read == [MAILS[1]]
        assert [file.name for file in (path / "new").iterdir()] == ["1775197800.M1P1.host"]
