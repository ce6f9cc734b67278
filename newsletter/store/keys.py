"""The keys that sign links: made once, rotated by the operator, never shown."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from newsletter.links import Key
from newsletter.store.schema import link_keys


@dataclass(frozen=True, slots=True, repr=False)  # the repr of Key keeps the secret to itself
class DatedKey(Key):
    """A key as kept; from `made_at` until a newer one was made it signed every link."""

    made_at: datetime


def all_keys(connection: Connection) -> tuple[DatedKey, ...]:
    """Every key, oldest first."""
    rows = connection.execute(select(link_keys).order_by(link_keys.c.version))
    return tuple(DatedKey(row.version, row.secret, row.made_at) for row in rows)


def add_key(connection: Connection, now: datetime) -> DatedKey:
    """A new key of 256 bits with the next version; no version is ever given twice, because the
    newest cannot be dropped."""
    newest = connection.scalar(select(func.max(link_keys.c.version))) or 0
    key = DatedKey(newest + 1, secrets.token_hex(32), now)
    row = {"version": key.version, "secret": key.secret, "made_at": now}
    connection.execute(insert(link_keys).values(row))
    return key


def drop_key(connection: Connection, version: int) -> bool:
    """Forgets a key; false if there was none, or if it is the newest, which signs."""
    newest = select(func.max(link_keys.c.version)).scalar_subquery()
    chosen = (link_keys.c.version == version) & (link_keys.c.version < newest)
    return connection.execute(delete(link_keys).where(chosen)).rowcount > 0
