"""Subscribers and what belongs to them: every version of their profile, consents, votes."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    delete,
    func,
    insert,
    select,
    update,
)

from newsletter.errors import UnreadableError
from newsletter.making import maker
from newsletter.membership import Consent, ProfileVersion
from newsletter.model import Feedback, Profile, Status, Subscriber, Verdict
from newsletter.store.addresses import Addresses, has_open_token
from newsletter.store.bulk import insert_all
from newsletter.store.calendar import Calendar
from newsletter.store.choice import one_of, one_of_those
from newsletter.store.digests import Digests
from newsletter.store.ledger import Ledger
from newsletter.store.outbox import Outbox
from newsletter.store.plain import profile_from_json, profile_to_json
from newsletter.store.readers import reader_of, row_of, select_readers
from newsletter.store.schema import (
    consents,
    feedback,
    papers,
    profiles,
    salts,
    soft_bounces,
    subscribers,
)

_log = logging.getLogger(__name__)

_AT_ONCE = 500  # rows looked at, or erased, together
_SALT_LOCKED = select(salts.c.id).with_for_update()
_SALT_AGAIN = update(salts).values(id=salts.c.id)
_VOTES = (
    select(feedback)
    .where(one_of_those(feedback.c.subscriber_id, "whose"))
    .order_by(feedback.c.at, feedback.c.paper_id)
)
_STANDING = (
    subscribers.c.email_key,
    subscribers.c.status_at,
    subscribers.c.status_reason,
    subscribers.c.profile_version,
)
_WHOLE = select_readers(*_STANDING)
_AMONG = _WHOLE.where(one_of_those(subscribers.c.id, "whose"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A subscriber as stored.

    Attributes:
        key: the normalised address, unique among subscribers.
        status_at: since when they stand where they stand.
        status_reason: what was said about it (a reason to leave, the words of a bounce).
        version: number of the present profile.
    """

    subscriber: Subscriber
    key: str
    status_at: datetime
    status_reason: str = ""
    version: int = 1


_made = maker(Kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A subscriber to write down for the first time, with the consent if there is one."""

    subscriber: Subscriber
    key: str
    consent: Consent | None = None
    status_reason: str = ""


class Register:
    """The subscribers, seen and changed within one transaction of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.addresses = Addresses(connection)
        self.calendar = Calendar(connection)
        self.digests = Digests(connection)
        self.ledger = Ledger(connection)
        self.outbox = Outbox(connection)

    @property
    def driver_connection(self) -> Any:
        """The driver's own connection in the midst of this transaction.

        For a library that shall write its rows together with ours; it must not end the transaction.
        """
        return self._connection.connection.driver_connection

    def by_key(self, key: str) -> Kept | None:
        """Who has this normalised address."""
        return self._one(_WHOLE.where(subscribers.c.email_key == key))

    def by_id(self, subscriber_id: str) -> Kept | None:
        """The subscriber with this id."""
        return self._one(_WHOLE.where(subscribers.c.id == subscriber_id))

    def among(self, subscriber_ids: Collection[str]) -> dict[str, Kept | UnreadableError]:
        """The subscribers with these ids, 500 at most; or why one cannot be read."""
        rows = self._connection.execute(_AMONG, {"whose": list(subscriber_ids)}).all()
        return {row.id: _kept_or_not(row) for row in rows}

    def all(self, *, status: Status | None = None) -> Iterator[Kept]:
        """Everybody, or those of one standing, by address; who cannot be read is left out and told."""
        query = _WHOLE.order_by(subscribers.c.email_key)
        if status is not None:
            query = query.where(subscribers.c.status == status.value)
        # In portions: the driver of PostgreSQL would fetch everybody before the first is seen.
        for row in self._connection.execute(query.execution_options(yield_per=_AT_ONCE)):
            kept = _kept_or_not(row)
            if isinstance(kept, Kept):
                yield kept
            else:
                _log.error("left out: %s", kept)

    def soft_bounces(self, subscriber_id: str) -> tuple[date, ...]:
        """Days on which a mail failed softly, oldest first."""
        mine = soft_bounces.c.subscriber_id == subscriber_id
        query = select(soft_bounces.c.day).where(mine).order_by(soft_bounces.c.day)
        return tuple(self._connection.scalars(query))

    def keep_soft_bounce(self, subscriber_id: str, day: date) -> None:
        """Writes such a day down; again changes nothing."""
        if day not in self.soft_bounces(subscriber_id):
            row = {"subscriber_id": subscriber_id, "day": day}
            self._connection.execute(insert(soft_bounces).values(row))

    def forget_soft_bounces(self, subscriber_id: str) -> None:
        """The mailbox works again, as far as we know."""
        mine = soft_bounces.c.subscriber_id == subscriber_id
        self._connection.execute(delete(soft_bounces).where(mine))

    def known_among(self, keys: Collection[str]) -> dict[str, Status]:
        """Those of the normalised addresses that belong to a subscriber, with their standing."""
        columns = (subscribers.c.email_key, subscribers.c.status)
        query = select(*columns).where(one_of(subscribers.c.email_key, keys))
        return {key: Status(status) for key, status in self._connection.execute(query)}

    def count(self) -> int:
        """How many subscribers are kept, whatever their standing."""
        return self._connection.scalar(select(func.count()).select_from(subscribers)) or 0

    def insert(self, newcomers: Sequence[Newcomer], at: datetime) -> None:
        """Writes new subscribers down, each with version 1 of the profile."""
        agreed = [_consent_row(one.subscriber.id, one.consent) for one in newcomers if one.consent]
        for table, rows in (
            (subscribers, [_first_row(one, at) for one in newcomers]),
            (profiles, [_first_profile(one, at) for one in newcomers]),
            (consents, agreed),
        ):
            insert_all(self._connection, table, rows)

    def update(self, kept: Kept) -> None:
        """Writes everything but the profile and its version."""
        row = row_of(kept.subscriber) | {
            "status_at": kept.status_at,
            "status_reason": kept.status_reason,
        }
        mine = subscribers.c.id == kept.subscriber.id
        self._connection.execute(update(subscribers).where(mine).values(row))

    def write_profile(self, kept: Kept, profile: Profile, at: datetime) -> int:
        """Adds a version and makes it the present one; the same profile again adds nothing.

        Returns:
            the number of the present version.
        """
        if profile == kept.subscriber.profile:
            return kept.version
        version = kept.version + 1
        subscriber_id = kept.subscriber.id
        row = {"subscriber_id": subscriber_id, "version": version, "at": at}
        self._connection.execute(insert(profiles).values(**row, profile=profile_to_json(profile)))
        mine = subscribers.c.id == subscriber_id
        self._connection.execute(update(subscribers).where(mine).values(profile_version=version))
        return version

    def profiles(self, subscriber_id: str) -> tuple[ProfileVersion, ...]:
        """Every profile this subscriber ever had, oldest first."""
        mine = profiles.c.subscriber_id == subscriber_id
        rows = self._connection.execute(select(profiles).where(mine).order_by(profiles.c.version))
        return tuple(
            ProfileVersion(version=r.version, at=r.at, profile=profile_from_json(r.profile))
            for r in rows
        )

    def keep_consent(self, subscriber_id: str, consent: Consent) -> None:
        """Writes down that they agreed; earlier consents stay."""
        self._connection.execute(insert(consents).values(_consent_row(subscriber_id, consent)))

    def consents(self, subscriber_id: str) -> tuple[Consent, ...]:
        """Every consent, oldest first."""
        mine = consents.c.subscriber_id == subscriber_id
        rows = self._connection.execute(select(consents).where(mine).order_by(consents.c.id))
        return tuple(Consent(at=r.at, origin=r.origin, wording=r.wording) for r in rows)

    def last_consents(self) -> dict[str, Consent]:
        """The newest consent of everybody, by subscriber id."""
        rows = self._connection.execute(select(consents).order_by(consents.c.id))
        return {r.subscriber_id: Consent(at=r.at, origin=r.origin, wording=r.wording) for r in rows}

    def has_paper(self, paper_id: str) -> bool:
        """Whether a paper with this id is stored, so that it can be voted on."""
        return (
            self._connection.scalar(select(papers.c.id).where(papers.c.id == paper_id)) is not None
        )

    def vote(self, vote: Feedback) -> None:
        """Writes a vote down in place of an earlier one on the same paper."""
        self.unvote(vote.subscriber_id, vote.paper_id)
        self._connection.execute(
            insert(feedback).values(
                subscriber_id=vote.subscriber_id,
                paper_id=vote.paper_id,
                verdict=vote.verdict.value,
                at=vote.at,
            )
        )

    def unvote(self, subscriber_id: str, paper_id: str) -> bool:
        """Takes a vote back; false if there was none."""
        mine = (feedback.c.subscriber_id == subscriber_id) & (feedback.c.paper_id == paper_id)
        return self._connection.execute(delete(feedback).where(mine)).rowcount > 0

    def votes(self, subscriber_id: str) -> tuple[Feedback, ...]:
        """Every vote, oldest first."""
        return self.votes_of([subscriber_id])[subscriber_id]

    def votes_of(self, subscriber_ids: Collection[str]) -> dict[str, tuple[Feedback, ...]]:
        """The votes of 500 subscribers at most; each of them is in it."""
        found: dict[str, list[Feedback]] = {one: [] for one in subscriber_ids}
        for row in self._connection.execute(_VOTES, {"whose": list(subscriber_ids)}):
            found[row.subscriber_id].append(_vote(row))
        return {one: tuple(votes) for one, votes in found.items()}

    def unconfirmed(self, *, since: datetime, now: datetime) -> tuple[str, ...]:
        """Ids of those pending since then or longer and without a token that still works."""
        query = select(subscribers.c.id).where(
            subscribers.c.status == Status.PENDING.value,
            subscribers.c.status_at <= since,
            ~has_open_token(subscribers.c.id, now),
        )
        return tuple(self._connection.scalars(query))

    def erase(self, subscriber_ids: Sequence[str]) -> None:
        """Deletes subscribers with profiles, consents and votes; tokens keep id and times only."""
        for start in range(0, len(subscriber_ids), _AT_ONCE):
            some = subscriber_ids[start : start + _AT_ONCE]
            self.addresses.leave_tokens(some)
            self._connection.execute(delete(subscribers).where(one_of(subscribers.c.id, some)))

    def _one(self, query: Select[Any]) -> Kept | None:
        row = self._connection.execute(query).first()
        return _kept(row) if row else None


def wait_for_turn(connection: Connection) -> None:
    """Takes the write lock before anything is read, so that decisions see the newest state.

    SQLite locks its file when something is written, if only the same again. On PostgreSQL the row
    is locked without a write: each would leave a dead row behind for as long as somebody reads.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_SALT_LOCKED)
    else:
        connection.execute(_SALT_AGAIN)


def _vote(row: Row[Any]) -> Feedback:
    try:
        verdict = Verdict(row.verdict)
    except ValueError as error:
        raise UnreadableError(row.subscriber_id, str(error)) from None
    return Feedback(
        subscriber_id=row.subscriber_id, paper_id=row.paper_id, verdict=verdict, at=row.at
    )


def _first_row(one: Newcomer, at: datetime) -> dict[str, Any]:
    return row_of(one.subscriber) | {
        "id": one.subscriber.id,
        "email_key": one.key,
        "status_at": at,
        "status_reason": one.status_reason,
        "profile_version": 1,
    }


def _first_profile(one: Newcomer, at: datetime) -> dict[str, Any]:
    profile = profile_to_json(one.subscriber.profile)
    return {"subscriber_id": one.subscriber.id, "version": 1, "at": at, "profile": profile}


def _consent_row(subscriber_id: str, consent: Consent) -> dict[str, Any]:
    return {
        "subscriber_id": subscriber_id,
        "at": consent.at,
        "origin": consent.origin,
        "wording": consent.wording,
    }


def _kept_or_not(row: Row[Any]) -> Kept | UnreadableError:
    try:
        return _kept(row)
    except UnreadableError as error:
        return error


def _kept(row: Row[Any]) -> Kept:
    standing = len(_STANDING)
    return _made(reader_of(row[standing:]), *row[:standing])
