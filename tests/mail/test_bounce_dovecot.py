"""A real IMAP server understands how reports are read and put away."""

from __future__ import annotations

import grp
import imaplib
import mailbox as stdlib_mailbox
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.errors import MailError
from newsletter.mail.dial import Security
from newsletter.mail.mailboxes import ImapAccount, ImapBox

DOVECOT = Path("/usr/sbin/dovecot")
MAILS = (b"Subject: one\r\n\r\nfirst\r\n", b"Subject: two\r\n\r\nsecond\r\n")
CONF = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:{home}/mail
mail_uid = {user}
mail_gid = {group}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}
}}
"""


@pytest.fixture
def home():
    """A directory that a server which gave up its rights can reach; removed after the test."""
    path = Path(tempfile.mkdtemp(prefix="imap-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def dovecot(home):
    """The port of a dovecot whose one user has the mails in their inbox."""
    if not DOVECOT.exists():
        pytest.skip("dovecot is not installed (Debian: dovecot-imapd)")
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    stdlib_mailbox.Maildir(home / "mail", create=True)
    for number, raw in enumerate(MAILS):
        (home / "mail" / "new" / f"177519780{number}.M1P1.host").write_bytes(raw)
    for path in (home, *home.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    group = grp.getgrgid(user.pw_gid).gr_name
    conf = home / "dovecot.conf"
    conf.write_text(
        CONF.format(home=home, port=port, user=user.pw_name, group=group, password="word")
    )
    with subprocess.Popen([DOVECOT, "-F", "-c", conf], stderr=subprocess.PIPE) as server:
        said = next((line for line in server.stderr if b"starting up" in line), b"")
        assert said, "dovecot did not start"
        yield port
        server.terminate()


@pytest.mark.parametrize("processed", ["", "Processed"])
def test_a_real_server_understands_us(dovecot, home, processed):
    there = ImapAccount(
        host="127.0.0.1", port=dovecot, username="ada", password="word", security=Security.NONE
    )
    if processed:
        with imaplib.IMAP4("127.0.0.1", dovecot) as client:
            client.login("ada", "word")
            client.create(processed)
    reports = ImapBox(replace(there, processed=processed))
    read = list(reports.read())
    assert [raw for _, raw in read] == list(MAILS)
    reports.done(read[0][0])
    assert [raw for _, raw in reports.read()] == [MAILS[1]]
    reports.close()
    inbox = stdlib_mailbox.Maildir(home / "mail")
    assert len(inbox) == (1 if processed else 2)
    with pytest.raises(MailError, match="AUTHENTICATIONFAILED"):
        list(ImapBox(replace(there, password="wr0ng")).read())
