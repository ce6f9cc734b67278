"""What SpamAssassin and rspamd say of a signed digest whose sender's names are in order."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from dns_stub import name_server
from rspamd_server import judged, judging

from newsletter.app import App
from newsletter.config import data_dir, load_reader, load_settings
from newsletter.mail.dkim import Signer
from newsletter.pipeline import preview

DOMAIN, ADDRESS, HELO = "newsletter.example", "192.0.32.7", "mail.newsletter.example"
BOUNCES = f"b+1-token@bounce.{DOMAIN}"
KEY = rsa.generate_private_key(65537, 2048)
needs_spamassassin = pytest.mark.skipif(
    not shutil.which("spamassassin"), reason="SpamAssassin is not installed"
)
needs_rspamd = pytest.mark.skipif(not shutil.which("rspamd"), reason="rspamd is not installed")


def records() -> dict[tuple[str, str], str]:
    public = KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = base64.b64encode(public).decode()
    halves = f'"v=DKIM1; k=rsa; p={key[:200]}" "{key[200:]}"'
    return {
        (f"s1._domainkey.{DOMAIN}", "TXT"): halves,
        (f"_dmarc.{DOMAIN}", "TXT"): '"v=DMARC1; p=reject"',
        (DOMAIN, "TXT"): f'"v=spf1 ip4:{ADDRESS} -all"',
        (f"bounce.{DOMAIN}", "TXT"): f'"v=spf1 ip4:{ADDRESS} -all"',
        (DOMAIN, "MX"): f"10 {HELO}.",
        (f"bounce.{DOMAIN}", "MX"): f"10 {HELO}.",
        (DOMAIN, "A"): ADDRESS,
        (HELO, "A"): ADDRESS,
        ("7.32.0.192.in-addr.arpa", "PTR"): f"{HELO}.",
    }


@pytest.fixture(scope="module")
def dns() -> Iterator[int]:
    with name_server(records()) as port:
        yield port


@pytest.fixture(scope="module")
def signed(tmp_path_factory) -> bytes:
    """A sample reader's mail of the bundled page, made just now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWSLETTER_PATHS__STATE", str(tmp_path_factory.mktemp("state")))
        patch.setenv("NEWSLETTER_PUBLICATION__BASE_URL", f"https://{DOMAIN}")
        patch.setenv("NEWSLETTER_PUBLICATION__POSTAL_ADDRESS", "1 Long Street, Oldtown")
        app = App(load_settings())
        now, pool = datetime.now(UTC), app.pool()
        reader = load_reader(data_dir("config") / "demo" / "inference.toml")
        _, mail = preview(
            reader,
            pool.candidates,
            pool.background,
            app.live_post,
            edition=now.date().isoformat(),
            now=now,
        )
        app.store.close()
    pem = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Signer(DOMAIN, "s1", pem).sign(mail.raw, at=now)


@pytest.fixture(scope="module")
def digest(signed) -> bytes:
    """The same, as the reader's provider got it."""
    stamp = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    received = (
        f"from {HELO} ({HELO} [{ADDRESS}])\r\n\tby mx.reader.example with ESMTPS;\r\n\t{stamp}"
    )
    return f"Return-Path: <{BOUNCES}>\r\nReceived: {received}\r\n".encode() + signed


@needs_spamassassin
def test_spamassassin_finds_nothing_against_a_digest(digest, dns, tmp_path):
    asked = [
        "spamassassin",
        "-t",
        f"--cf=dns_server [127.0.0.1]:{dns}",
        "--cf=skip_rbl_checks 1",
        "--cf=dns_available yes",
        "--cf=use_razor2 0",
        "--cf=use_pyzor 0",
        "--cf=score DATE_IN_PAST_03_06 0",
    ]
    home = {"HOME": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(asked, input=digest, capture_output=True, env=home, check=True)

    said = done.stdout.decode("utf-8", "replace")
    (points,) = re.findall(r"^X-Spam-Status:.*?score=(-?[0-9.]+)", said, re.MULTILINE)
    assert float(points) <= 0.5, said
    assert "DKIM_VALID_AU" in said


@needs_rspamd
def test_rspamd_sees_spf_dkim_and_dmarc_in_order(digest, dns, tmp_path):
    with judging(tmp_path, dns) as port:
        verdict = judged(
            port,
            digest,
            {
                "IP": ADDRESS,
                "Helo": HELO,
                "Hostname": HELO,
                "From": BOUNCES,
                "Rcpt": "ada@reader.example",
            },
        )

    assert verdict["action"] == "no action", verdict
    assert {"R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW"} <= set(verdict["symbols"])
    # Half of all mails have an odd number of links (1.0), and bounces have their own domain (0.3).
    assert verdict["score"] <= 1.5, verdict["symbols"]


def test_the_judge_of_finished_mails_finds_a_signed_digest_in_order(signed, root, tmp_path):
    tool = root.parent / "shared" / "tools" / "eml-check"
    if not tool.exists():
        pytest.skip("the judge of finished mails is not beside the repository")
    mail = tmp_path / "digest.eml"
    mail.write_bytes(signed)

    done = subprocess.run(
        [sys.executable, tool, "--require-dkim", mail], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
