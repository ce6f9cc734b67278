"""Links into our own pages: opaque signed tokens, bound to a purpose, without any address inside.

A GET of any of them only shows; acting needs a POST (RFC 8058 section 3.1, and link scanners).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from newsletter.enums import StrEnum
from newsletter.model import Digest

_BETWEEN = "~"  # stands in no id
_SIGNATURE_LENGTH = 20  # letters of base64, for 120 bits; four of them in one hash of 64 octets
_SINGLE_OCTETS, _SINGLE_LENGTH = 16, 22  # in base64, without its filling
_STAMPS_KEPT = 256


class Way(StrEnum):
    """Where a signed link leads; also the first part of its path.

    The subject of `CONFIRM` is a mailed token; of `UNSUBSCRIBE`, `PREFERENCES` and `PAUSE` the
    subscriber; of `VIEW` the digest; of `MORE`, `LESS` and `TUNE` the digest and a paper in it.
    """

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    PAUSE = "pause"
    VIEW = "view"
    MORE = "more"
    LESS = "less"
    TUNE = "tune"


# About the reader, not the digest: these must work when old digests are gone.
_OF_THE_READER = (Way.UNSUBSCRIBE, Way.PREFERENCES, Way.PAUSE)
_OF_THE_DIGEST = (Way.VIEW, Way.MORE, Way.LESS, Way.TUNE)
# Ways about one id are signed together: each has a part of one hash to itself.
_SIGNED_TOGETHER = ((Way.CONFIRM,), _OF_THE_READER, _OF_THE_DIGEST)
_PARTS = {
    str(way): (number, slice(place * _SIGNATURE_LENGTH, (place + 1) * _SIGNATURE_LENGTH))
    for number, together in enumerate(_SIGNED_TOGETHER)
    for place, way in enumerate(together)
}


@dataclass(frozen=True, slots=True)
class Key:
    """One signing key; whoever holds it can act for every subscriber.

    Attributes:
        version: stands in front of each token, so that the key of an old link is found at once.
    """

    version: int
    secret: str

    def __repr__(self) -> str:
        return f"Key(version={self.version})"


class LinkMaker:
    """Makes and reads the links of one installation.

    Args:
        base_url: public home without trailing slash.
        keys: the newest (highest version) signs, all of them are still read.
    """

    def __init__(self, base_url: str, keys: Sequence[Key]) -> None:
        self.base_url = base_url.rstrip("/")
        self.renew(keys)

    def renew(self, keys: Sequence[Key]) -> None:
        """Signs and reads with these keys from now on: the operator may have made or dropped one."""
        self._ring = _KeyRing(keys)  # at once: other threads are making and reading links

    def token(self, purpose: str, *subject: str) -> str:
        """The text that stands for ids, which hold no `~`; the same ids, the same token.

        `version-id.signature~further`: only the first id is signed, for it says whose link it is.
        What follows can be exchanged by whoever holds the link, and must do no harm.
        """
        together = _SIGNED_TOGETHER[_PARTS[str(purpose)][0]]
        return self.tokens(together, *subject[:1])[Way(purpose)] + chosen(*subject[1:])

    def tokens(self, together: tuple[Way, ...], about: str = "") -> dict[str, str]:
        """The tokens of the ways about one id that are signed together."""
        ring, payload = self._ring, base64_encode(about)
        start = f"{ring.newest}-{payload.decode()}."
        signatures = ring.stamp(ring.newest, _PARTS[together[0]][0]).sign(payload)
        return {way: start + signatures[_PARTS[way][1]] for way in together}

    def secret(self, purpose: str) -> str:
        """A secret for something else than links; a new key makes a new one."""
        ring = self._ring
        return ring.single_stamp(ring.newest, purpose).sign(b"")

    def url(self, purpose: str, *subject: str) -> str:
        """The link for one purpose (see `Way`) and what it is about."""
        return f"{self.base_url}/{purpose}/{self.token(purpose, *subject)}"

    def read(self, purpose: str, token: str) -> tuple[str, ...] | None:
        """What a token is about, or `None` for a forged one or one made for another purpose."""
        head, _, further = token.partition(_BETWEEN)
        version, _, signed = head.partition("-")
        payload, _, signature = signed.rpartition(".")
        ring = self._ring
        if not re.fullmatch(r"[1-9][0-9]{0,8}", version) or int(version) not in ring.versions:
            return None
        made = ring.signature(int(version), purpose, payload.encode(), len(signature))
        if not hmac.compare_digest(made.encode(), signature.encode()):
            return None
        subject = peek(token)
        # base64 has bits to spare, so one id could be spelled in several ways: only ours counts.
        spelled = chosen(*subject[1:]) if further else ""
        return subject if subject and token == head + spelled else None

    def for_digest(self, digest: Digest) -> DigestLinks:
        """All links of one mail."""
        of_reader = self.tokens(_OF_THE_READER, digest.subscriber_id)
        return DigestLinks(self, digest, of_reader | self.tokens(_OF_THE_DIGEST, digest.id))


def chosen(*further: str) -> str:
    """The unsigned end of a token, such as the paper of a digest that a link is about."""
    return _BETWEEN + base64_encode(_BETWEEN.join(further)).decode() if further else ""


def peek(token: str) -> tuple[str, ...]:
    """What a token says it is about, unchecked: to be shown, never to be acted on."""
    head, _, further = token.partition(_BETWEEN)
    payload = head.partition("-")[2].rpartition(".")[0]
    try:
        subject = [base64_decode(part).decode() for part in (payload, further) if part]
    except (BadData, UnicodeDecodeError):
        return ()
    # In mails sent before 24 November 2026 all ids stand in the signed part.
    return tuple(_BETWEEN.join(subject).split(_BETWEEN)) if payload else ()


class _KeyRing:
    """The keys of one moment, and the stamps made with them."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = {key.version: key for key in keys}
        self.versions = self._keys.keys()
        self.newest = max(self.versions)
        self.stamp = lru_cache(maxsize=_STAMPS_KEPT)(self._stamp)
        self.single_stamp = lru_cache(maxsize=_STAMPS_KEPT)(self._single_stamp)

    def signature(self, version: int, purpose: str, payload: bytes, length: int) -> str:
        """What must stand there: of a former length where the token is that old."""
        if length == _SINGLE_LENGTH:
            return self.single_stamp(version, purpose).sign(payload)
        number, part = _PARTS[str(purpose)]
        return self.stamp(version, number).sign(payload)[part]

    def _stamp(self, version: int, number: int) -> _Stamp:
        return _Stamp(self._keys[version], _SIGNED_TOGETHER[number])

    def _single_stamp(self, version: int, purpose: str) -> _SingleStamp:
        return _SingleStamp(self._keys[version], purpose)


class _Stamp:
    """Signs for ways about one id with one key: BLAKE2b with a key (RFC 7693 section 2.9).

    The 64 octets of one hash are four signatures of 120 bits, so that a mail costs two hashes; to
    know one of them helps to guess no other.
    """

    def __init__(self, key: Key, together: tuple[Way, ...]) -> None:
        salt = f"newsletter.{'+'.join(together)}.{key.version}"
        secret = Signer(key.secret, salt=salt, key_derivation="hmac").derive_key()
        self._keyed = hashlib.blake2b(key=secret)

    def sign(self, payload: bytes) -> str:
        """The signatures of all the ways, one behind the other."""
        keyed = self._keyed.copy()
        keyed.update(payload)
        return urlsafe_b64encode(keyed.digest()).decode()


class _SingleStamp:
    """Signs for one purpose: HMAC-SHA-256 (RFC 2104), cut to 128 bits (section 5).

    So was every link of mails before 28 November 2026.
    """

    def __init__(self, key: Key, purpose: str) -> None:
        salt = f"newsletter.{purpose}.{key.version}"
        secret = Signer(key.secret, salt=salt, key_derivation="hmac").derive_key()
        padded = secret.ljust(hashlib.sha256().block_size, b"\0")
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in padded))
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in padded))

    def sign(self, payload: bytes) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        return urlsafe_b64encode(outer.digest()[:_SINGLE_OCTETS])[:_SINGLE_LENGTH].decode()


class DigestLinks(NamedTuple):
    """The links of one digest; the templates ask for them by name.

    Attributes:
        tokens: of each way that leads out of a mail; that of a paper's lacks the paper yet.
    """

    maker: LinkMaker
    digest: Digest
    tokens: Mapping[str, str]

    @property
    def unsubscribe(self) -> str:
        return self._url(Way.UNSUBSCRIBE)

    @property
    def preferences(self) -> str:
        return self._url(Way.PREFERENCES)

    @property
    def pause(self) -> str:
        return self._url(Way.PAUSE)

    @property
    def view(self) -> str:
        """The same digest as a web page."""
        return self._url(Way.VIEW)

    @property
    def archive(self) -> str:
        """Everything on the newest list the picks stood on, for everybody."""
        return f"{self.maker.base_url}/archive/{self.digest.list_day or self.digest.edition}"

    def more(self, paper_id: str) -> str:
        return self._url(Way.MORE, paper_id)

    def less(self, paper_id: str) -> str:
        return self._url(Way.LESS, paper_id)

    def tune(self, paper_id: str) -> str:
        """Follow an author of the paper, or mute what it is about."""
        return self._url(Way.TUNE, paper_id)

    def _url(self, way: Way, *paper_id: str) -> str:
        return f"{self.maker.base_url}/{way}/{self.tokens[way]}{chosen(*paper_id)}"
