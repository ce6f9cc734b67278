"""A real dovecot over one Maildir, as long as a test needs it."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DOVECOT = Path("/usr/sbin/dovecot")
PASSWORD = "word"
BY_PASSWORD = f"passdb {{\n  driver = static\n  args = password={PASSWORD}\n}}"
CONF = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain xoauth2
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
{passdb}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}
}}
"""
BY_TOKEN = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {conf}
}}
"""
TOKEN_CONF = """
tokeninfo_url = {url}?access_token=
introspection_mode = auth
introspection_url = {url}
username_attribute = email
active_attribute = active
active_value = yes
"""


@contextmanager
def maildir_home() -> Iterator[Path]:
    """A directory that a server which gave up its rights can reach; removed afterwards."""
    path = Path(tempfile.mkdtemp(prefix="imap-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@contextmanager
def dovecot_running(home: Path, *, tokens_at: str = "") -> Iterator[int]:
    """The port of a dovecot that shows `home/mail` to everybody who knows the password.

    Args:
        tokens_at: whom it asks about access tokens; then no password is good.
    """
    if not DOVECOT.exists():
        pytest.skip("dovecot is not installed (Debian: dovecot-imapd)")
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    token_conf = home / "tokens.conf"
    token_conf.write_text(TOKEN_CONF.format(url=tokens_at))
    for path in (home, *home.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    conf = home / "dovecot.conf"
    conf.write_text(
        CONF.format(
            home=home,
            port=port,
            user=user.pw_name,
            group=grp.getgrgid(user.pw_gid).gr_name,
            passdb=BY_TOKEN.format(conf=token_conf) if tokens_at else BY_PASSWORD,
        )
    )
    with subprocess.Popen([DOVECOT, "-F", "-c", conf], stderr=subprocess.PIPE) as server:
        said = next((line for line in server.stderr if b"starting up" in line), b"")
        assert said, "dovecot did not start"
        try:
            yield port
        finally:
            server.terminate()
