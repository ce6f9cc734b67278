"""What a public form brings back to show that a reader sent it: a proof of work and its own age."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode

from altcha import Payload, create_challenge, verify_solution
from itsdangerous import Signer
from itsdangerous.encoding import want_bytes

_ALGORITHM = "PBKDF2/SHA-256"  # the only one of altcha's that browsers have built in (WebCrypto)
_LONGEST = 2_000  # characters; ours have about 580


class Proofs:
    """Hands out challenges of altcha's protocol v2 and redeems each solution once.

    The expiry is signed into `data` and not into altcha's `expiresAt`, because the library compares
    that with the clock of the machine. Not thread-safe: the doorman holds the lock.

    Args:
        iterations: PBKDF2 rounds of one try; the server does one try for each challenge and proof.
        tries: how many tries the browser needs on average; never more than twice as many.
        life_seconds: how long a challenge may be redeemed.
        remembered: most redeemed ids; beyond them no further proof counts until some expire.
    """

    def __init__(
        self, key: bytes | str, *, iterations: int, tries: int, life_seconds: int, remembered: int
    ) -> None:
        self._key = _signer(key, "proof").derive_key()
        self._iterations = iterations
        self._counters = 2 * tries
        self._life = life_seconds
        self._remembered = remembered
        self._used: dict[str, int] = {}  # nonce -> expiry

    def __len__(self) -> int:
        """How many redeemed ids are remembered."""
        return len(self._used)

    def challenge(self, now: float) -> dict[str, object]:
        """A new challenge as the browser wants it; costs about a millisecond."""
        made = create_challenge(
            _ALGORITHM,
            self._iterations,
            counter=secrets.randbelow(self._counters),
            data={"expires": int(now) + self._life},
            hmac_secret=self._key,
        )
        return made.to_dict()

    def redeem(self, proof: str, now: float) -> bool:
        """Whether this is a solution of a challenge of ours, in time and not yet redeemed."""
        payload = _read(proof)
        if payload is None or not verify_solution(payload, self._key).verified:
            return False
        self._forget(now)
        nonce, expires = payload.challenge.parameters.nonce, _expiry(payload)
        if expires <= now or nonce in self._used or len(self._used) >= self._remembered:
            return False
        self._used[nonce] = expires
        return True

    def _forget(self, now: float) -> None:
        self._used = {nonce: expires for nonce, expires in self._used.items() if expires > now}


def _read(proof: str) -> Payload | None:
    """The payload, if it is spelt exactly as the script of the page spells it.

    One spelling for each proof: base64 and JSON leave room for many, and none is needed.
    """
    if not 0 < len(proof) <= _LONGEST:
        return None
    try:
        payload = Payload.from_base64(proof)
        spelt = json.dumps(payload.to_dict(), separators=(",", ":"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return payload if b64encode(spelt.encode()).decode() == proof else None


def _expiry(payload: Payload) -> int:
    """When a challenge of ours ends, in seconds; 0 for none that we signed."""
    return int((payload.challenge.parameters.data or {}).get("expires", 0))


class Stamps:
    """Signed instants: when a form was handed out."""

    def __init__(self, key: bytes | str) -> None:
        self._signer = _signer(key, "stamp")

    def stamp(self, now: float) -> str:
        """The instant in whole seconds, signed."""
        return self._signer.sign(str(int(now))).decode()

    def read(self, stamp: str) -> int | None:
        """When it was made, in seconds; `None` if it is missing or not ours.

        Signs again instead of checking: the last letter of a base64 signature has twins.
        """
        octets = stamp.encode(errors="replace")
        seconds, _, _ = octets.partition(b".")
        ours = secrets.compare_digest(self._signer.sign(seconds), octets)
        return int(seconds) if ours else None


def _signer(key: bytes | str, purpose: str) -> Signer:
    return Signer(want_bytes(key), salt=f"newsletter.{purpose}.v1")
