"""Signatures hold for dkimpy and Mail::DKIM, and break when anything that counts is changed."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from datetime import UTC, datetime
from math import lcm
from types import SimpleNamespace

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from mail_samples import make_picks

from newsletter.errors import MailError
from newsletter.mail.dkim import SIGNED, Signer, read_key
from newsletter.mail.render import Renderer

AT = datetime(2026, 4, 3, 6, 30, tzinfo=UTC)
DOMAIN = "newsletter.example"
MAIL = (
    b"From: Papers <digest@newsletter.example>\r\nTo: ada@reader.example\r\nSubject: hello\r\n"
    b"Date: Fri, 03 Apr 2026 06:30:00 +0000\r\nMessage-ID: <a@newsletter.example>\r\n"
    b"List-Unsubscribe: <https://newsletter.example/u/1>,\r\n <mailto:x@newsletter.example>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFeedback-ID: a:b:c:newsletter\r\n"
    b"X-Other: not signed\r\n\r\nFirst line\r\n  second \t line\t\r\n\r\n\r\n"
)


def pem(key, password: bytes = b"") -> bytes:
    locked = serialization.BestAvailableEncryption(password) if password else None
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        locked or serialization.NoEncryption(),
    )


def small_rsa():
    """A key that no library would make any more, of two Mersenne primes."""
    p, q, e = 2**521 - 1, 2**127 - 1, 65537
    d = pow(e, -1, lcm(p - 1, q - 1))
    remainders = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    public = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, *remainders, public).private_key()


RSA = pem(rsa.generate_private_key(65537, 2048))
ED = pem(ed25519.Ed25519PrivateKey.generate())
SIGNER = Signer(DOMAIN, "s1", RSA)
BOTH = Signer(DOMAIN, "s1", RSA, second_selector="s2", second_key=ED)


class VerifyKey:
    """What dkimpy asks PyNaCl for, on the library that is here; all the rest is dkimpy's own."""

    def __init__(self, text: bytes, encoder: object) -> None:
        self._key = ed25519.Ed25519PublicKey.from_public_bytes(base64.b64decode(text))

    def verify(self, message: bytes, signature: bytes) -> bytes:
        try:
            self._key.verify(signature, message)
        except InvalidSignature as error:
            raise BadSignatureError from error
        return message


class BadSignatureError(Exception):
    """PyNaCl's word for it."""


@pytest.fixture(autouse=True, scope="module")
def nacl():
    """Lets dkimpy verify Ed25519 where PyNaCl is not installed."""
    if hasattr(dkim, "nacl"):
        yield
        return
    dkim.nacl = SimpleNamespace(
        signing=SimpleNamespace(VerifyKey=VerifyKey),
        encoding=SimpleNamespace(Base64Encoder=None),
        exceptions=SimpleNamespace(BadSignatureError=BadSignatureError, ValueError=ValueError),
    )
    yield
    del dkim.nacl


def holds(raw: bytes, signer: Signer = SIGNER, idx: int = 0) -> bool:
    """Whether a signature holds for who receives the mail; SMTP has ended its last line."""
    records = {f"{name}.".encode(): text.encode() for name, text in signer.records}
    arrived = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    try:
        return dkim.DKIM(arrived).verify(idx=idx, dnsfunc=lambda name, timeout=5: records.get(name))
    except dkim.DKIMException:
        return False


def test_a_signed_mail_is_the_mail_with_a_header_in_front():
    signed = SIGNER.sign(MAIL, at=AT)
    assert signed.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;")
    assert signed.endswith(MAIL)
    assert holds(signed)


def test_a_real_digest_holds(send):
    raw = send(make_picks(3)).raw
    assert holds(SIGNER.sign(raw, at=AT))


def unseen(sent) -> bytes:
    """The mail, signed as it is when it leaves: with no look at what is known of its parts."""
    page, text = sent.rendered.html_body, sent.rendered.text_body
    even = len(sent.raw) - sent.raw.index(page.octets) if page.is_even else 0
    return SIGNER.sign(sent.raw, at=AT, even=even, is_indented=text.is_even)


def test_a_mail_that_is_canonical_as_it_stands_is_signed_alike_without_a_look_at_it(send):
    sent = send(make_picks(10))
    assert sent.rendered.html_body.is_even
    assert sent.rendered.text_body.is_even

    signed = unseen(sent)

    assert signed == SIGNER.sign(sent.raw, at=AT)
    assert holds(signed)


@pytest.mark.parametrize(
    "line",
    [
        *("{{ mail.name }}\tx", "      {{ mail.name }}", "  {{ mail.name }}", "a  {{ mail.name }}"),
        *("\tx", "      x", "  x", "a  b", "x  ", "    ", "     x", "{{ mail.links.view }}  x"),
    ],
)
def test_whatever_blanks_a_text_template_has_the_signature_holds(
    own_templates, publication, send, line
):
    text = "Hello {{ mail.name }},\n" + line + "\n{% for card in mail.cards %}\n"
    text += "    {{ card.title }}\n" + line.replace("mail.name", "card.why") + "\n{% endfor %}\n"
    (own_templates / "mail" / "digest.txt.j2").write_text(text, encoding="utf-8")
    sent = send(make_picks(3), by=Renderer((own_templates,), publication))
    signed = unseen(sent)
    assert signed == SIGNER.sign(sent.raw, at=AT)
    assert holds(signed)


def test_a_confirmation_letter_holds_and_its_mark_is_covered(letterhead):
    raw = letterhead.confirmation(
        to="ada@reader.example", link="https://newsletter.example/c", letter_id="a" * 32, at=AT
    )
    signed = SIGNER.sign(raw, at=AT)
    assert holds(signed)
    assert b"Form-Sub" in raw
    assert not holds(signed.replace(b"Form-Sub: v=1", b"Form-Sub: v=2"))


def test_a_second_signature_holds_too_and_the_first_key_stays_in_front():
    signed = BOTH.sign(MAIL, at=AT)
    assert re.findall(rb"a=([a-z0-9]+)-sha256", signed) == [b"rsa", b"ed25519"]
    assert holds(signed, BOTH, 0)
    assert holds(signed, BOTH, 1)
    for one, other in ((b"First", b"Worst"), (b"Subject: hello", b"Subject: hullo")):
        assert not holds(signed.replace(one, other), BOTH, 0)
        assert not holds(signed.replace(one, other), BOTH, 1)


def test_what_a_relay_may_do_to_a_mail_does_no_harm():
    signed = SIGNER.sign(MAIL, at=AT)
    assert holds(signed.replace(b">,\r\n <mailto", b">,\r\n\t  <mailto"))
    assert holds(signed.replace(b"  second \t line\t", b" second line"))
    assert holds(signed + b"\r\n\r\n")
    assert holds(signed.replace(b"Subject: hello", b"subject:   hello  "))
    assert holds(signed.replace(b"X-Other: not signed\r\n", b""))
    assert holds(b"Received: from here\r\n" + signed)


@pytest.mark.parametrize("name", ["From", "Subject", "Date", "To"])
def test_a_second_header_of_those_a_reader_sees_breaks_the_signature(name):
    signed = SIGNER.sign(MAIL, at=AT)
    assert not holds(f"{name}: somebody else\r\n".encode() + signed)


def test_the_headers_of_one_click_are_covered_and_only_what_is_there_is_named():
    signed = SIGNER.sign(MAIL, at=AT)
    named = re.search(rb"\bh=([^;]+);", signed)[1].decode().replace("\r\n\t", "").split(":")
    assert {"list-unsubscribe", "list-unsubscribe-post", "feedback-id"} <= set(named)
    assert "reply-to" not in named
    assert "form-sub" not in named
    assert [named.count(name) for name in ("from", "subject", "date", "to")] == [2, 2, 2, 2]
    assert named.count("message-id") == 1
    assert not re.search(rb"\b[lx]=", signed.partition(b"bh=")[0])
    assert f"t={int(AT.timestamp())}".encode() in signed


def test_a_missing_to_is_named_so_that_none_can_be_added():
    signed = SIGNER.sign(b"From: a@newsletter.example\r\n\r\nhello\r\n", at=AT)
    assert holds(signed)
    assert not holds(b"To: you@reader.example\r\n" + signed)


@pytest.mark.parametrize("signer", [SIGNER, BOTH, Signer("a." * 60 + "example", "s" * 60, RSA)])
def test_the_lines_of_a_signature_are_short(signer):
    header = signer.sign(MAIL, at=AT).removesuffix(MAIL)
    lines = header.split(b"\r\n")
    assert max(len(line) for line in lines if not line.startswith(b"\td=")) <= 76
    assert max(map(len, lines)) <= 300


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
blanks = st.sampled_from([" ", "  ", "\t", " \t ", "\r\n ", "\r\n\t \t", " \r\n  "])
values = st.lists(st.tuples(blanks, words), max_size=6).map(
    lambda pairs: "".join(blank + word for blank, word in pairs)
)
headers = st.lists(
    st.tuples(
        st.sampled_from([*SIGNED, "X-Other", "CC"]), values, st.sampled_from(["", " ", "\t"])
    ),
    max_size=8,
)
lines = st.one_of(
    st.sampled_from(["", " ", "\t", "  \t ", ".", "=20", "From here"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    st.lists(st.tuples(words, st.sampled_from([" ", "   ", "\t", " \t"]))).map(
        lambda pairs: "".join(word + blank for word, blank in pairs)
    ),
)
bodies = st.tuples(st.lists(lines, max_size=8), st.sampled_from(["", "\r\n", "\r\n\r\n\r\n"]))


@given(headers, bodies, st.booleans())
def test_any_mail_that_is_signed_verifies(fields, body, second):
    head = "From: a@newsletter.example\r\n" + "".join(
        f"{name}:{value}{end}\r\n" for name, value, end in fields
    )
    raw = (head + "\r\n" + "\r\n".join(body[0]) + body[1]).encode()
    signer = BOTH if second else SIGNER
    signed = signer.sign(raw, at=AT)
    assert signed.endswith(raw)
    for index in range(1 + second):
        assert holds(signed, signer, index)


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"\r\n\r\n", b" \r\n", b"x", b"x \t", b"\t\r\n\r\n "]
)
def test_odd_ends_of_a_body_verify(body):
    assert holds(SIGNER.sign(b"From: a@newsletter.example\r\n\r\n" + body, at=AT))


def test_a_mail_of_headers_alone_verifies():
    assert holds(SIGNER.sign(b"From: a@newsletter.example\r\nSubject: x\r\n", at=AT))


@given(st.data())
def test_no_letter_of_what_is_signed_can_be_changed(data):
    signed = SIGNER.sign(MAIL, at=AT)
    start = len(signed) - len(MAIL)
    seen = [
        place
        for place in range(start, len(signed))
        if signed[place : place + 1].isalnum() and b"not signed" not in _line(signed, place)
    ]
    place = data.draw(st.sampled_from(seen))
    other = b"q" if signed[place : place + 1] != b"q" else b"z"
    assert not holds(signed[:place] + other + signed[place + 1 :])


def _line(raw: bytes, place: int) -> bytes:
    return raw[raw.rfind(b"\r\n", 0, place) + 2 : raw.find(b"\r\n", place)]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"To: a@b.example\r\n\r\nx", "a mail without From cannot be signed"),
        (b"", "a header line without a name"),
        (b"From: a@b.example\r\nno name\r\n\r\nx", "a header line without a name"),
        (b"From: a@b.example\r\n\r\nx\ny\r\n", "bare line ends"),
        (b"From: a@b.example\r\n\r\nx\ry\r\n", "bare line ends"),
        (b"From: a@b.example\r\n\r\nx\n\ry\r\n", "bare line ends"),
    ],
)
def test_a_mail_whose_signature_would_not_hold_is_refused(raw, sentence):
    with pytest.raises(MailError, match=sentence):
        SIGNER.sign(raw, at=AT)


def test_a_time_without_zone_is_refused():
    with pytest.raises(MailError, match="zone"):
        SIGNER.sign(MAIL, at=AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (b"", "“s1” is empty"),
        (b"hello", "no private key in PEM form"),
        (RSA[:400], "no private key in PEM form"),
        (RSA.replace(b"PRIVATE", b"PUBLIC"), "no private key in PEM form"),
        (pem(ed25519.Ed25519PrivateKey.generate(), b"word"), "encrypted: store it without"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor Ed25519"),
        (pem(small_rsa()), "648 bits: nobody accepts less than 1024"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_with_a_sentence(key, sentence):
    with pytest.raises(MailError, match=sentence) as caught:
        Signer(DOMAIN, "s1", key)
    assert "\n" not in str(caught.value)


def test_a_weak_key_works_and_is_remarked_upon():
    weak = Signer(DOMAIN, "s1", pem(rsa.generate_private_key(65537, 1024)))
    assert holds(weak.sign(MAIL, at=AT), weak)
    assert weak.notes == ("the DKIM key of selector “s1” has 1024 bits; 2048 are advised",)
    assert BOTH.notes == ()


def test_ed25519_alone_works_and_is_remarked_upon():
    alone = Signer(DOMAIN, "s2", ED)
    assert holds(alone.sign(MAIL, at=AT), alone)
    assert "RSA key first" in alone.notes[0]


def test_a_key_of_the_older_form_is_read():
    key = serialization.load_pem_private_key(RSA, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    assert holds(Signer(DOMAIN, "s1", key).sign(MAIL, at=AT))


@pytest.mark.parametrize(
    "text", ["", "a b", "a;d=evil.example", "a\r\nX: y", "bücher.example", "-a"]
)
def test_a_domain_or_selector_that_would_break_the_header_is_refused(text):
    with pytest.raises(MailError, match="cannot be a DKIM"):
        Signer(text, "s1", RSA)
    with pytest.raises(MailError, match="cannot be a DKIM"):
        Signer(DOMAIN, text, RSA)


def test_half_a_second_signature_is_refused():
    with pytest.raises(MailError, match="needs a selector"):
        Signer(DOMAIN, "s1", RSA, second_key=ED)
    with pytest.raises(MailError, match="needs a selector"):
        Signer(DOMAIN, "s1", RSA, second_selector="s2")
    with pytest.raises(MailError, match="two selectors"):
        Signer(DOMAIN, "s1", RSA, second_selector="S1", second_key=ED)


def test_the_records_to_publish_are_named():
    (first, text), (second, short) = BOTH.records
    assert (first, second) == (f"s1._domainkey.{DOMAIN}", f"s2._domainkey.{DOMAIN}")
    assert text.startswith("v=DKIM1; k=rsa; p=MII")
    assert re.fullmatch(r"v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=", short)


def test_a_key_file_is_read_or_its_trouble_told(tmp_path):
    path = tmp_path / "dkim.pem"
    with pytest.raises(MailError, match=r"cannot be read from .*dkim\.pem: No such file"):
        read_key(path)
    path.write_bytes(RSA)
    assert read_key(path) == RSA
    path.write_bytes(b"x" * 30_000)
    with pytest.raises(MailError, match="too large"):
        read_key(path)


def test_the_key_is_nowhere_to_be_read():
    shown = repr(vars(BOTH)) + repr(BOTH)
    assert base64.b64encode(RSA).decode()[:40] not in shown
    assert "PRIVATE" not in shown


PERL = r"""
use Mail::DKIM::Verifier; use Net::DNS;
my %text = map { split /\t/, $_, 2 } @ARGV;
{ no warnings 'redefine';
  *Mail::DKIM::DNS::query = sub { my ($name) = @_;
    return Net::DNS::RR->new(name => $name, type => 'TXT',
      txtdata => [unpack '(A250)*', $text{$name}]); }; }
my $verifier = Mail::DKIM::Verifier->new();
binmode STDIN; while (<STDIN>) { s/\015?\012$//; $verifier->PRINT("$_\015\012"); }
$verifier->CLOSE;
print join(",", map { $_->algorithm . "=" . $_->result } $verifier->signatures);
"""


def test_a_second_implementation_agrees(send):
    perl = shutil.which("perl")
    if not perl or subprocess.run([perl, "-MMail::DKIM", "-e1"], capture_output=True).returncode:
        pytest.skip("Mail::DKIM is not installed (Debian: libmail-dkim-perl)")
    records = [f"{name}\t{text}" for name, text in BOTH.records]
    raw = BOTH.sign(send(make_picks(3)).raw, at=AT)

    def judged(mail: bytes) -> str:
        done = subprocess.run([perl, "-e", PERL, *records], input=mail, capture_output=True)
        return done.stdout.decode().strip() or done.stderr.decode()

    first, second = judged(raw).split(",")
    assert first == "rsa-sha256=pass"
    # versions of 2023 do not know the second algorithm yet, and must not mind it
    assert second in ("ed25519-sha256=pass", "ed25519-sha256=invalid")
    assert "pass" not in judged(raw.replace(b"Ada", b"Eve"))
