"""Links into our own pages: opaque signed tokens, bound to a purpose, without any address inside.

A GET of any of them only shows; acting needs a POST (RFC 8058 section 3.1, and link scanners).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from newsletter.model import Digest

_BETWEEN = "~"  # stands in no id
_SIGNATURE_OCTETS, _SIGNATURE_LENGTH = 16, 22
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
        self._keys = {key.version: key for key in keys}
        self._newest = max(keys, key=lambda key: key.version)
        self._stamp = lru_cache(maxsize=_STAMPS_KEPT)(_Stamp)

    def token(self, purpose: str, *subject: str) -> str:
        """The signed text that stands for ids, which hold no `~`; the same ids, the same token."""
        return self._token(self._newest, purpose, subject)

    def url(self, purpose: str, *subject: str) -> str:
        """The link for one purpose (see `Way`) and what it is about."""
        return f"{self.base_url}/{purpose}/{self.token(purpose, *subject)}"

    def urls(
        self, purposes: Sequence[str], subjects: Iterable[Sequence[str]]
    ) -> list[tuple[bytes, ...]]:
        """The links for all these purposes about each subject: as `url`, at half the cost."""
        version = self._newest.version
        signs = [self._stamp(self._newest, purpose).sign for purpose in purposes]
        starts = [f"{self.base_url}/{purpose}/{version}-".encode() for purpose in purposes]
        payloads = [base64_encode(_BETWEEN.join(subject)) for subject in subjects]
        # All signatures are written in one go, each filled up to 18 octets, which are 24 characters.
        signed = b"\0\0".join([sign(payload) for payload in payloads for sign in signs])
        text = base64_encode(signed + b"\0\0")
        places = iter(range(0, len(text), 24))
        return [
            tuple(
                b"%b%b.%b" % (start, payload, text[place : place + _SIGNATURE_LENGTH])
                for start, place in zip(starts, places, strict=False)
            )
            for payload in payloads
        ]

    def read(self, purpose: str, token: str) -> tuple[str, ...] | None:
        """What a token is about, or `None` for a forged one or one made for another purpose."""
        version = token.partition("-")[0]
        key = self._keys.get(int(version)) if re.fullmatch(r"[1-9][0-9]{0,8}", version) else None
        subject = peek(token)
        # Made again and compared whole: base64 has bits to spare, so one token could be spelled
        # in several ways, and only the spelling we gave out counts.
        if key is None or not subject:
            return None
        made = self._token(key, purpose, subject)
        return subject if hmac.compare_digest(made.encode(), token.encode()) else None

    def for_digest(self, digest: Digest) -> DigestLinks:
        """All links of one mail."""
        return DigestLinks(maker=self, digest=digest)

    def _token(self, key: Key, purpose: str, subject: Sequence[str]) -> str:
        """`version-subject.signature`: short, for a mail carries some fifty of them."""
        payload = base64_encode(_BETWEEN.join(subject))
        signature = base64_encode(self._stamp(key, purpose).sign(payload))
        return f"{key.version}-{payload.decode()}.{signature.decode()}"


def peek(token: str) -> tuple[str, ...]:
    """What a token says it is about, unchecked: to be shown, never to be acted on."""
    payload = token.partition("-")[2].rpartition(".")[0]
    try:
        subject = base64_decode(payload).decode()
    except (BadData, UnicodeDecodeError):
        return ()
    return tuple(subject.split(_BETWEEN)) if subject else ()


class _Stamp:
    """Signs for one purpose with one key: HMAC-SHA-256 (RFC 2104), cut to 128 bits (section 5).

    A mail has some forty links. Both halves of the key are hashed once and then copied: 1 us a link
    instead of 2.5 with `hmac`, whose object is made anew by OpenSSL.
    """

    def __init__(self, key: Key, purpose: str) -> None:
        salt = f"newsletter.{purpose}.{key.version}"
        secret = Signer(key.secret, salt=salt, key_derivation="hmac").derive_key()
        padded = secret.ljust(hashlib.sha256().block_size, b"\0")
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in padded))
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in padded))

    def sign(self, payload: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        return outer.digest()[:_SIGNATURE_OCTETS]


@dataclass(frozen=True, slots=True)
class DigestLinks:
    """The links of one digest; the templates ask for them by name."""

    maker: LinkMaker
    digest: Digest

    @property
    def unsubscribe(self) -> str:
        return self._of_reader(Way.UNSUBSCRIBE)

    @property
    def preferences(self) -> str:
        return self._of_reader(Way.PREFERENCES)

    @property
    def pause(self) -> str:
        return self._of_reader(Way.PAUSE)

    @property
    def view(self) -> str:
        """The same digest as a web page."""
        return self.maker.url(Way.VIEW, self.digest.id)

    @property
    def archive(self) -> str:
        """Everything on the newest list the picks stood on, for everybody."""
        listed = [pick.paper.listed_on for pick in self.digest.picks if pick.paper.listed_on]
        day = max(listed).isoformat() if listed else self.digest.edition
        return f"{self.maker.base_url}/archive/{day}"

    def of_reader(self) -> tuple[bytes, ...]:
        """`unsubscribe`, `preferences` and `pause`, as octets."""
        ways = (Way.UNSUBSCRIBE, Way.PREFERENCES, Way.PAUSE)
        return self.maker.urls(ways, [(self.digest.subscriber_id,)])[0]

    def of_papers(self) -> list[tuple[bytes, ...]]:
        """`more`, `less` and `tune` of each pick, as octets."""
        about = ((self.digest.id, pick.paper.id) for pick in self.digest.picks)
        return self.maker.urls((Way.MORE, Way.LESS, Way.TUNE), about)

    def more(self, paper_id: str) -> str:
        return self.maker.url(Way.MORE, self.digest.id, paper_id)

    def less(self, paper_id: str) -> str:
        return self.maker.url(Way.LESS, self.digest.id, paper_id)

    def tune(self, paper_id: str) -> str:
        """Follow an author of the paper, or mute what it is about."""
        return self.maker.url(Way.TUNE, self.digest.id, paper_id)

    def _of_reader(self, way: Way) -> str:
        # About the reader, not the digest: these must work when old digests are gone.
        return self.maker.url(way, self.digest.subscriber_id)
