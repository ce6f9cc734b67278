"""What tells whether two mails are the same, octet for octet, signatures aside."""

from __future__ import annotations

import hashlib
import re

_SIGNATURE = re.compile(rb"DKIM-Signature:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.IGNORECASE)


def fingerprint(raw: bytes) -> str:
    """SHA-256 of a mail without the DKIM signatures in front of it, in hex.

    A signature holds the moment it was made and a key that may be changed; what it covers counts.
    """
    start = 0
    while found := _SIGNATURE.match(raw, start):
        start = found.end()
    return hashlib.sha256(memoryview(raw)[start:]).hexdigest()
