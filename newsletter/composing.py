"""From readers whose digest is due to digests that are kept, each with its mail in the outbox."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from newsletter.errors import NewsletterError, StoreError, UnreadableError
from newsletter.mail.digest import make_digest
from newsletter.mail.notes import quiet_note, votes_note
from newsletter.model import Digest, Feedback, Pick, Profile, Subscriber
from newsletter.schedule import days_to_cover, due_after, edition_at, knows_zone
from newsletter.selection import Field, select_all
from newsletter.selection.effect import moves
from newsletter.selection.learn import with_votes
from newsletter.store import History, Move, Register, Store

_log = logging.getLogger(__name__)

_PUT_OFF = timedelta(minutes=30)  # less than an alarm stands for (`watchman`)
_NO_READERS_FAULT = 10  # digests that fail one after the other: then it is not the readers

Also = Callable[[Register, Sequence[Digest]], None]
"""Something to be done with digests in the transaction that keeps them and queues their mails."""


def nothing_more(register: Register, digests: Sequence[Digest]) -> None:
    """That is all."""
    del register, digests


class Asking(NamedTuple):
    """Somebody whose digest is due, with the votes in their profile.

    `unmoved` is their taste without the votes since the last digest; `None` if there were none.
    """

    subscriber: Subscriber
    edition: str
    history: History
    unmoved: Profile | None = None


class Trouble(NamedTuple):
    """Whose digest is not as it should be, and why."""

    subscriber_id: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What one round of composing did.

    Attributes:
        due: how many subscribers were due.
        made: how many digests it made.
        troubles: whose digest could not be made and was put off, or is made with a makeshift.
    """

    due: int = 0
    made: int = 0
    troubles: tuple[Trouble, ...] = ()


class Made(NamedTuple):
    """A digest that is not kept yet, with the subscriber as they were when it was made."""

    subscriber: Subscriber
    digest: Digest


def ask(register: Register, due: Sequence[Subscriber], now: datetime) -> list[Asking]:
    """What is known of those who are due."""
    ids = [subscriber.id for subscriber in due]
    votes = register.votes_of(ids)
    histories = register.digests.histories(ids)
    return [
        _asking(subscriber, votes[subscriber.id], histories[subscriber.id], now)
        for subscriber in due
    ]


def by_gap(askings: Sequence[Asking], now: datetime) -> Mapping[int, Sequence[Asking]]:
    """Those together whose digests cover as many days."""
    alike: dict[int, list[Asking]] = defaultdict(list)
    for one in askings:
        alike[days_to_cover(one.subscriber, one.history.last_made_at, now)].append(one)
    return alike


def make(
    store: Store,
    askings: Sequence[Asking],
    papers: Field,
    now: datetime,
    notes: Sequence[str] = (),
) -> list[Made]:
    """Everybody's digest; those of many readers cost far less together than one by one."""
    moved = [asking for asking in askings if asking.unmoved]
    ids = [paper.id for paper in papers.papers]
    with store.register() as register:
        sent = register.ledger.sent_among([one.subscriber.id for one in askings], ids)
    asked = [(asking.subscriber.profile, sent[asking.subscriber.id]) for asking in askings]
    asked += [(one.unmoved, sent[one.subscriber.id]) for one in moved if one.unmoved]
    picks = list(select_all(asked, papers))
    before = {
        asking.subscriber.id: picks[place] for place, asking in enumerate(moved, len(askings))
    }
    made = []
    for asking, chosen in zip(askings, picks, strict=False):
        reader = asking.subscriber
        effect = _effect(before[reader.id], chosen) if reader.id in before else 0
        digest = make_digest(
            subscriber=reader,
            picks=chosen,
            considered=len(papers),
            edition=asking.edition,
            now=now,
            notes=(*notes, *quiet_note(asking.history.quiet), *votes_note(effect)),
        )
        made.append(Made(reader, digest))
    return made


def keep(
    store: Store,
    made: Sequence[Made],
    *,
    now: datetime,
    min_papers: int,
    also: Also = nothing_more,
) -> list[Digest]:
    """Writes digests down with their mails in one transaction; leaves out what others made."""
    with store.changing_register(together=True) as register:
        # Decided on what stands in the store now: somebody else may have composed meanwhile.
        mine = register.calendar.move([_move(one.subscriber, now) for one in made])
        turns = register.digests.unknown([one.digest for one in made if one.subscriber.id in mine])
        kept = [digest for digest in turns if len(digest.picks) >= min_papers]
        register.digests.note_quiet([one for one in turns if len(one.picks) < min_papers])
        register.digests.keep_all(kept)
        register.outbox.add_digests(kept)
        also(register, kept)
    return kept


def without_zone(due: Sequence[Subscriber]) -> tuple[Trouble, ...]:
    """Those whose time zone this machine does not know (any more)."""
    return tuple(
        Trouble(
            one.id,
            f"there is no time zone “{one.timezone}” any more, so UTC stands in for it; "
            f"`newsletter subscribers edit {one.id} --timezone ...` gives another",
        )
        for one in due
        if not knows_zone(one.timezone)
    )


def together_or_alone(
    store: Store,
    compose: Callable[[Sequence[Subscriber]], Composed],
    *,
    now: datetime,
    most: int,
    shard: str,
) -> Composed:
    """Composes for all who are due at once; where that fails, for one after the other.

    Something is wrong with one of them then, and the others may not wait for them.

    Raises:
        StoreError: it is the store with which something is wrong.
        Exception: nobody's digest can be made.
    """
    try:
        with store.register() as register:
            due = register.calendar.due(now, most=most, shard=shard)
        return compose(due)
    except UnreadableError:
        pass  # told when they are alone
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it may be one of them only
        if not isinstance(error, NewsletterError):  # alone it may go well: then nobody else tells
            _log.warning("a round of digests stumbled; each is made alone now", exc_info=error)
    with store.register() as register:
        since = register.calendar.due_since(now, most=most, shard=shard)
    return _each_alone(store, compose, since, now)


def _each_alone(
    store: Store,
    compose: Callable[[Sequence[Subscriber]], Composed],
    since: dict[str, datetime | None],
    now: datetime,
) -> Composed:
    done: list[Composed] = []
    failed: dict[str, Exception] = {}
    # Who became due last comes first: those due since a round that gave up may fail by themselves.
    for one in reversed(since):
        try:
            with store.register() as register:
                due = register.calendar.due(now, most=1, alone=one)
            done.append(compose(due))
        except UnreadableError as error:
            failed[one] = error
        except StoreError:
            raise
        except Exception as error:
            failed[one] = error
            if not done and len(failed) > _NO_READERS_FAULT:
                raise
    _put_off(store, {each: since[each] for each in failed}, now + _PUT_OFF)
    return Composed(
        due=len(since),
        made=sum(some.made for some in done),
        troubles=(
            *(trouble for some in done for trouble in some.troubles),
            *(Trouble(each, _words(each, error)) for each, error in failed.items()),
        ),
    )


def _put_off(store: Store, since: Mapping[str, datetime | None], until: datetime) -> None:
    """They are asked for again then, so that they hold up nobody else."""
    with store.changing_register(together=True) as register:
        register.calendar.move([Move(one, at, until) for one, at in since.items()])


def _words(subscriber_id: str, error: Exception) -> str:
    if isinstance(error, NewsletterError):
        return str(error)
    _log.error("the digest of %s cannot be made", subscriber_id, exc_info=error)
    return f"{type(error).__name__}; the log shows where"


def _asking(
    subscriber: Subscriber, votes: Sequence[Feedback], history: History, now: datetime
) -> Asking:
    last, profile = history.last_made_at, subscriber.profile
    earlier = [vote for vote in votes if last and vote.at <= last]
    is_moved = len(earlier) < len(votes)
    if votes:
        subscriber = replace(subscriber, profile=with_votes(profile, votes, now=now))
    return Asking(
        subscriber,
        edition_at(subscriber, subscriber.next_due_at or now),
        history,
        with_votes(profile, earlier, now=now) if is_moved else None,
    )


def _effect(before: Sequence[Pick], after: Sequence[Pick]) -> int:
    """How many of the picks stand where they do because of the votes since the last digest."""
    return sum(move.after is not None for move in moves(before, after))


def _move(subscriber: Subscriber, now: datetime) -> Move:
    return Move(
        subscriber_id=subscriber.id, since=subscriber.next_due_at, to=due_after(subscriber, now)
    )
