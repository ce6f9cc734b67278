"""What is known of an address by its salted hash alone: suppressions, and tokens mailed to it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from newsletter.membership import Purpose, Token
from newsletter.store.choice import one_of, one_of_those
from newsletter.store.plain import wishes_from_json, wishes_to_json
from newsletter.store.schema import salts, suppressions, tokens

_SALT = select(salts.c.salt)
_SUPPRESSED = select(suppressions.c.address_hash, suppressions.c.reason).where(
    one_of_those(suppressions.c.address_hash, "hashes")
)


class Suppressed(StrEnum):
    """Why an address is never mailed."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FORGOTTEN = "forgotten"


class Addresses:
    """Everything kept under the hash of an address; a `key` is a normalised address."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def suppressed(self, key: str) -> Suppressed | None:
        """Why the address is not mailed, or `None`."""
        query = select(suppressions.c.reason).where(suppressions.c.address_hash == self._hash(key))
        reason = self._connection.scalar(query)
        return Suppressed(reason) if reason else None

    def suppressed_among(self, keys: Collection[str]) -> dict[str, Suppressed]:
        """Those of the addresses that are not mailed, with the reason."""
        by_hash = {self._hash(key): key for key in keys}
        found = self._connection.execute(_SUPPRESSED, {"hashes": list(by_hash)})
        return {by_hash[row.address_hash]: Suppressed(row.reason) for row in found}

    def suppress(self, key: str, reason: Suppressed, at: datetime) -> None:
        """Never mail this address from now on; the newest reason stays."""
        self.lift(key)
        row = {"address_hash": self._hash(key), "reason": reason.value, "at": at}
        self._connection.execute(insert(suppressions).values(row))

    def lift(self, key: str) -> None:
        """The address may be mailed again."""
        mine = suppressions.c.address_hash == self._hash(key)
        self._connection.execute(delete(suppressions).where(mine))

    def keep_token(self, key: str, token: Token) -> None:
        """Writes a token down that is about to be mailed to the address."""
        self._connection.execute(
            insert(tokens).values(
                id=token.id,
                purpose=token.purpose.value,
                address_hash=self._hash(key),
                subscriber_id=token.subscriber_id or None,
                issued_at=token.issued_at,
                expires_at=token.expires_at,
                used_at=token.used_at,
                wishes=wishes_to_json(token.wishes) if token.wishes else None,
            )
        )

    def tokens_of(self, key: str) -> tuple[Token, ...]:
        """Every token ever mailed to the address, oldest first; also of subscribers since gone."""
        mine = tokens.c.address_hash == self._hash(key)
        rows = self._connection.execute(select(tokens).where(mine).order_by(tokens.c.issued_at))
        return tuple(map(_token, rows))

    def token(self, token_id: str) -> Token | None:
        """The token with this id."""
        return self.tokens_among([token_id]).get(token_id)

    def tokens_among(self, ids: Collection[str]) -> dict[str, Token]:
        """The tokens with these ids, 500 at most."""
        rows = self._connection.execute(select(tokens).where(one_of(tokens.c.id, ids)))
        return {row.id: _token(row) for row in rows}

    def use_token(self, token_id: str, at: datetime) -> bool:
        """Marks a token as used; false if somebody was quicker."""
        unused = (tokens.c.id == token_id) & tokens.c.used_at.is_(None)
        return (
            self._connection.execute(update(tokens).where(unused).values(used_at=at)).rowcount == 1
        )

    def end_tokens(self, key: str, at: datetime) -> None:
        """Open tokens of the address expire now; what their forms said is erased."""
        mine = tokens.c.address_hash == self._hash(key)
        open_ = mine & (tokens.c.expires_at > at)
        self._connection.execute(update(tokens).where(open_).values(expires_at=at))
        self._connection.execute(update(tokens).where(mine).values(wishes=None))

    def forget_unanswered(self, now: datetime) -> None:
        """Erases what forms said whose link was not used in time."""
        old = tokens.c.expires_at <= now
        self._connection.execute(update(tokens).where(old).values(wishes=None))

    def leave_tokens(self, subscriber_ids: Collection[str]) -> None:
        """Of the tokens of purged subscribers only the id and the times stay."""
        mine = one_of(tokens.c.subscriber_id, subscriber_ids)
        self._connection.execute(update(tokens).where(mine).values(subscriber_id=None, wishes=None))

    def drop_tokens(self, key: str) -> None:
        """Erases every token of the address."""
        mine = tokens.c.address_hash == self._hash(key)
        self._connection.execute(delete(tokens).where(mine))

    @cached_property
    def _salted(self) -> hmac.HMAC:
        salt = bytes.fromhex(self._connection.execute(_SALT).scalar_one())
        return hmac.new(salt, digestmod=hashlib.sha256)

    def _hash(self, key: str) -> str:
        salted = self._salted.copy()  # begun once: that takes as long as the rest
        salted.update(key.encode())
        return salted.hexdigest()


def has_open_token(subscriber_id: Any, now: datetime) -> Any:
    """The condition that a subscriber was mailed a token that still works."""
    mine = tokens.c.subscriber_id == subscriber_id
    return exists().where(mine, tokens.c.expires_at > now)


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        purpose=Purpose(row.purpose),
        subscriber_id=row.subscriber_id or "",
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        wishes=wishes_from_json(row.wishes) if row.wishes else None,
    )
