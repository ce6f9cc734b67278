"""What tells whether two mails are the same, octet for octet, signatures aside."""

from __future__ import annotations

import hashlib
import re

import xxhash

_SIGNATURE = re.compile(rb"DKIM-Signature:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.IGNORECASE)
_XXH3 = "xxh3:"


def fingerprint(raw: bytes) -> str:
    """XXH3 (128 bits, in hex) of a mail without the DKIM signatures in front of it.

    A signature holds the moment it was made and a key that may be changed; what it covers counts.
    It tells mails of ours apart, and need not stand a forger: who can write the fingerprint down
    can write any.
    """
    return _XXH3 + xxhash.xxh3_128_hexdigest(_unsigned(raw))


def is_of(mark: str, raw: bytes) -> bool:
    """Whether a fingerprint is that of a mail; until 28 November 2026 they were SHA-256."""
    if mark.startswith(_XXH3):
        return mark == fingerprint(raw)
    return mark == hashlib.sha256(_unsigned(raw)).hexdigest()


def _unsigned(raw: bytes) -> memoryview:
    start = 0
    while found := _SIGNATURE.match(raw, start):
        start = found.end()
    return memoryview(raw)[start:]
