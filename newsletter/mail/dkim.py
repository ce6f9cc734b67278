"""Signs finished mails with DKIM (RFC 6376): keys are loaded once, the clock is an argument."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from newsletter.errors import MailError
from newsletter.mail.octets import INDENTED, UNINDENTED
from newsletter.mail.wording import shorten, tidy

# Whatever a reader or a provider acts on. RFC 8058 section 4 asks for both List-Unsubscribe headers,
# Google for Feedback-ID, draft-levine-mailbomb-header for Form-Sub.
SIGNED = (
    *("from", "to", "subject", "date", "message-id", "reply-to", "list-id"),
    *("list-unsubscribe", "list-unsubscribe-post", "feedback-id", "auto-submitted", "form-sub"),
    *("mime-version", "content-type", "content-transfer-encoding"),
)
# Named once more than they occur: a second one, added on the way, breaks the signature
# (RFC 6376 section 8.15).
OVERSIGNED = ("from", "subject", "date", "to")

_LEAST_BITS, _ADVISED_BITS, _MOST_BITS = 1024, 2048, 4096  # RFC 8301 section 3.2
_KEY_FILE_LIMIT = 20_000
_KEPT = 512  # mails of a kind have the same headers, and most of what stands in them
_LABELS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*")
_FIELD_START = re.compile(rb"\r\n(?![ \t])")
_NAME = re.compile(rb"([\x21-\x39\x3b-\x7e]+)[ \t]*:")


class Signer:
    """Signs for one domain, relaxed/relaxed, with one key or two.

    Relaxed survives what relays like to do (folding anew, blanks at line ends). There is no l=, for
    it would let strangers append, and no x=, for mails may wait long.

    Args:
        domain: the d= of the signature; the From domain or one above it, or DMARC does not align.
        selector: where in the DNS the public key stands, see `records`.
        key: RSA of at least 1024 bits, or Ed25519; PEM, not encrypted.
        second_selector, second_key: one more signature by another key. Ed25519 (RFC 8463) makes
            sense only as this one, because large providers do not verify it yet.

    Raises:
        MailError: the domain, a selector or a key cannot be used.
    """

    def __init__(
        self,
        domain: str,
        selector: str,
        key: bytes,
        *,
        second_selector: str = "",
        second_key: bytes = b"",
    ) -> None:
        if bool(second_selector) != bool(second_key):
            raise MailError("a second DKIM key needs a selector, and a second selector a key")
        pairs = [(selector, key)]
        if second_key:
            pairs.append((second_selector, second_key))
        self.domain = _labels(domain, "domain").lower()
        self._keys = tuple(_loaded(_labels(s, "selector"), pem) for s, pem in pairs)
        if len({key.selector.lower() for key in self._keys}) < len(self._keys):
            raise MailError("two DKIM keys need two selectors")

    def sign(self, raw: bytes, *, at: datetime, even: int = 0, is_indented: bool = False) -> bytes:
        """The mail with its signature headers in front, the first key's foremost.

        Args:
            raw: a whole mail with CRLF line ends.
            at: aware; the t= of the signature.
            even: so many octets at the end are canonical as they are (see `Body.is_even`) and end
                in one CRLF, and no line of the mail ends otherwise. Who says so has seen to it: a
                signature that does not hold would be the end of it.
            is_indented: what stands before them would be, too, if each four blanks that indent a
                line were one.

        Raises:
            MailError: the mail has no From, bare line ends or a header without a name; or the time
                has no zone.
        """
        if at.tzinfo is None:
            raise MailError("the time of a DKIM signature must name its zone")
        start = len(raw) - even
        if not even:
            _demand_whole_line_ends(raw)
        head, body = _parted(raw, start)
        names, fields = zip(*map(_field, _FIELD_START.split(head)), strict=True)
        plan = _plan(names)
        covered = b"".join([fields[at] for at in plan.order])
        if even:
            # Takes a sixth less time than to replace, and a mail has hundreds of them.
            body = UNINDENTED.join(body.split(INDENTED)) if is_indented else _unblanked(body)
        hashed = hashlib.sha256(body if even else _relaxed_body(body))
        hashed.update(memoryview(raw)[start:])
        told = int(at.timestamp()), base64.b64encode(hashed.digest())
        blanks = [_blank(self.domain, key.kind, key.selector, plan.names) for key in self._keys]
        signatures = [
            _signature(key.secret, blank, told, covered)
            for key, blank in zip(self._keys, blanks, strict=True)
        ]
        return b"".join((*signatures, raw))

    @property
    def records(self) -> tuple[tuple[str, str], ...]:
        """What must stand in the DNS: name and text of each TXT record."""
        return tuple(
            (
                f"{key.selector}._domainkey.{self.domain}",
                f"v=DKIM1; k={key.kind}; p={_public(key.secret)}",
            )
            for key in self._keys
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What the operator should mend, one sentence each."""
        weak = [note for key in self._keys if (note := _note_on_size(key))]
        if all(key.kind == "ed25519" for key in self._keys):
            weak.append("Outlook.com and Yahoo do not verify Ed25519: sign with an RSA key first")
        return tuple(weak)


def read_key(path: Path) -> bytes:
    """The octets of a key file.

    Raises:
        MailError: it is not there, not readable, or far too large to be a key.
    """
    try:
        with path.open("rb") as file:
            pem = file.read(_KEY_FILE_LIMIT + 1)
    except OSError as error:
        raise MailError(f"the DKIM key cannot be read from {path}: {error.strerror}") from error
    if len(pem) > _KEY_FILE_LIMIT:
        raise MailError(f"{path} is too large to be a DKIM key")
    return pem


@dataclass(frozen=True, slots=True)
class _Key:
    """A loaded key; loading checks the primes, which takes a hundred times as long as signing."""

    selector: str
    secret: RSAPrivateKey | Ed25519PrivateKey

    @property
    def kind(self) -> str:
        return "rsa" if isinstance(self.secret, RSAPrivateKey) else "ed25519"


def _loaded(selector: str, pem: bytes) -> _Key:
    name = f"the DKIM key of selector “{selector}”"
    if not pem.strip():
        raise MailError(f"{name} is empty")
    try:
        secret = serialization.load_pem_private_key(pem, password=None)
    except TypeError as error:  # what cryptography says of a key that wants a password
        raise MailError(f"{name} is encrypted: store it without a password") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MailError(f"{name} is no private key in PEM form") from error
    if not isinstance(secret, RSAPrivateKey | Ed25519PrivateKey):
        raise MailError(f"{name} is neither RSA nor Ed25519")
    if isinstance(secret, RSAPrivateKey) and secret.key_size < _LEAST_BITS:
        raise MailError(f"{name} has {secret.key_size} bits: nobody accepts less than 1024")
    return _Key(selector, secret)


def _note_on_size(key: _Key) -> str:
    bits = key.secret.key_size if isinstance(key.secret, RSAPrivateKey) else _ADVISED_BITS
    if bits < _ADVISED_BITS:
        return f"the DKIM key of selector “{key.selector}” has {bits} bits; 2048 are advised"
    if bits > _MOST_BITS:
        return (
            f"the DKIM key of selector “{key.selector}” has {bits} bits; not all verify over 4096"
        )
    return ""


def _public(secret: RSAPrivateKey | Ed25519PrivateKey) -> str:
    """The public half for the p= of a record: RFC 6376 section 3.6.1, RFC 8463 section 4."""
    if isinstance(secret, Ed25519PrivateKey):
        octets = secret.public_key().public_bytes_raw()
    else:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        octets = secret.public_key().public_bytes(serialization.Encoding.DER, form)
    return base64.b64encode(octets).decode()


def _labels(text: str, what: str) -> str:
    if len(text) > 253 or not _LABELS.fullmatch(text):
        shown = shorten(tidy(text), 80)
        raise MailError(f"“{shown}” cannot be a DKIM {what}: letters, digits, dashes and dots only")
    return text


def _demand_whole_line_ends(raw: bytes) -> None:
    if not raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n"):
        raise MailError("a mail with bare line ends cannot be signed: a relay would change it")


def _parted(raw: bytes, end: int) -> tuple[bytes, bytes]:
    """Headers and body, as far as `end`."""
    at = raw.find(b"\r\n\r\n", 0, end)
    if at < 0:
        return raw[:end].removesuffix(b"\r\n"), b""
    return raw[:at], raw[at + 4 : end]


@lru_cache(maxsize=_KEPT)
def _field(line: bytes) -> tuple[str, bytes]:
    """A header's name in lower case, and the whole in its canonical form."""
    before, colon, value = line.partition(b":")
    name, start = _name(before + colon)
    return name, start + _relaxed(value) + b"\r\n"


@lru_cache(maxsize=_KEPT)
def _name(before: bytes) -> tuple[str, bytes]:
    """The same of what stands before the value."""
    found = _NAME.fullmatch(before)
    if found is None:
        raise MailError("a mail with a header line without a name cannot be signed")
    name = found[1].lower()
    return name.decode("ascii"), name + b":"


class _Plan(NamedTuple):
    """What is signed of headers with these names: the value of h=, and the places of the headers."""

    names: str
    order: tuple[int, ...]


@lru_cache(maxsize=_KEPT)
def _plan(present: tuple[str, ...]) -> _Plan:
    """For names from top to bottom; of equal ones the lowest goes first."""
    if "from" not in present:
        raise MailError("a mail without From cannot be signed")
    names: list[str] = []
    order: list[int] = []
    for name in SIGNED:
        places = [at for at, other in enumerate(present) if other == name]
        names += [name] * (len(places) + (name in OVERSIGNED))
        order += reversed(places)
    return _Plan(_folded(names), tuple(order))


class _Blank(NamedTuple):
    """The signature header as far as b=, with gaps for the time and the hash of the body.

    It is the same for all mails with headers of the same names.
    """

    folded: bytes
    relaxed: bytes


@lru_cache(maxsize=_KEPT)
def _blank(domain: str, kind: str, selector: str, names: str) -> _Blank:
    """On short lines."""
    lines = (
        f"DKIM-Signature: v=1; a={kind}-sha256; c=relaxed/relaxed; t=%d;",
        f"d={domain};",
        f"s={selector};",
        f"h={names};",
        "bh=%b;",
        "b=",
    )
    folded = "\r\n\t".join(lines).encode("ascii")
    return _Blank(folded, _field(folded)[1].removesuffix(b"\r\n"))


def _signature(
    secret: RSAPrivateKey | Ed25519PrivateKey,
    blank: _Blank,
    told: tuple[int, bytes],
    covered: bytes,
) -> bytes:
    data = covered + blank.relaxed % told
    if isinstance(secret, RSAPrivateKey):
        signed = secret.sign(data, padding.PKCS1v15(), hashes.SHA256())
    else:
        signed = secret.sign(hashlib.sha256(data).digest())  # RFC 8463 section 3
    text = base64.b64encode(signed)
    lines = [text[start : start + 72] for start in range(0, len(text), 72)]
    return blank.folded % told + b"\r\n\t".join(lines) + b"\r\n"


def _relaxed(value: bytes) -> bytes:
    """RFC 6376 section 3.4.2: unfolded, each run of blanks one blank, none at the ends."""
    return _single(value.replace(b"\r\n", b"")).strip(b" ")


def _relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4, for a body as it arrives: SMTP ends its last line, if we did not."""
    body = _unblanked(body).removesuffix(b" ")
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n" if end else b""


def _unblanked(body: bytes) -> bytes:
    """Each run of blanks one blank, none at the end of a line."""
    return _single(body).replace(b" \r\n", b"\r\n")


def _single(octets: bytes) -> bytes:
    """Each run of blanks one blank."""
    octets = octets.replace(b"\t", b" ").replace(b"    ", b" ")
    while b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    return octets


def _folded(names: Sequence[str]) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > 70:
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n\t".join(lines).removesuffix(":")
