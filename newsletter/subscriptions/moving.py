"""Many subscribers at once: taken over from a file, and given out to one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from newsletter.membership import Consent
from newsletter.model import Status
from newsletter.store import Newcomer, Register, Store
from newsletter.subscriptions.cells import Passed, Row, read_row, to_cells
from newsletter.subscriptions.desk import new_id
from newsletter.subscriptions.moves import SUPPRESSING, due_again

_AT_ONCE = 500
_MAILED = (Status.ACTIVE, Status.PAUSED)
_OVER = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)


@dataclass(slots=True, kw_only=True)
class Imported:
    """What a file brought.

    Attributes:
        added: how many are new.
        known: how many we had; what they chose here stays as it is.
        contradicted: rows that say it is over with somebody whom we go on mailing.
        suppressed: rows of people who must not be mailed.
        rejected: rows that cannot be used.
    """

    added: int = 0
    known: int = 0
    contradicted: list[Passed] = field(default_factory=list)
    suppressed: list[Passed] = field(default_factory=list)
    rejected: list[Passed] = field(default_factory=list)


def import_rows(
    store: Store,
    rows: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    vouched: Consent,
    now: datetime,
    dry_run: bool = False,
) -> Imported:
    """Takes new subscribers over, 500 in a transaction; a second time changes nothing.

    A hundred thousand take half a minute. In one transaction nobody else could write for as long,
    and on SQLite no mail would leave.

    Args:
        rows: place and cells of each, as `files.read_table` gives them.
        vouched: the consent of active subscribers whose row tells none.
        dry_run: tell what would happen, change nothing.
    """
    done = Imported()
    for chunk in _chunks(_usable(rows, done, vouched=vouched, now=now)):
        opened = store.register() if dry_run else store.changing_register()
        with opened as register:
            fresh = _fresh(register, chunk, done)
            done.added += len(fresh)
            if not dry_run:
                _write(register, fresh, now)
    return done


def export_rows(store: Store, *, status: Status | None = None) -> Iterator[dict[str, Any]]:
    """Every subscriber, or those of one standing, under the names of `cells.COLUMNS`."""
    with store.register() as register:
        consents = register.last_consents()
        for kept in register.all(status=status):
            subscriber = kept.subscriber
            yield to_cells(subscriber, consents.get(subscriber.id), kept.status_reason)


def _usable(
    rows: Iterable[tuple[str, Mapping[str, Any]]],
    done: Imported,
    *,
    vouched: Consent,
    now: datetime,
) -> Iterator[Row]:
    """Rows that are sound and stand in the file once; the others are told in `done`."""
    places: dict[str, str] = {}
    for place, cells in rows:
        row = read_row(place, cells, now=now, vouched=vouched)
        if isinstance(row, Passed):
            done.rejected.append(row)
        elif before := places.get(row.box.key):
            why = f"{row.box.written} stands in {before} already"
            done.rejected.append(Passed(place=place, why=why))
        else:
            places[row.box.key] = place
            yield row


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _fresh(register: Register, rows: list[Row], done: Imported) -> list[Row]:
    """Rows of people we do not know and may mail; the others are counted."""
    keys = [row.box.key for row in rows]
    known = register.known_among(keys)
    suppressed = register.addresses.suppressed_among(keys)
    fresh = []
    for row in rows:
        if standing := known.get(row.box.key):
            done.known += 1
            done.contradicted += _contradiction(row, standing)
        elif why := suppressed.get(row.box.key):
            sentence = f"{row.box.written} must not be mailed ({why})"
            done.suppressed.append(Passed(place=row.place, why=sentence))
        else:
            fresh.append(row)
    return fresh


def _contradiction(row: Row, standing: Status) -> list[Passed]:
    """They may have come back since the file was written, so the operator decides."""
    said, written = row.subscriber.status, row.box.written
    if said not in _OVER or standing not in _MAILED:
        return []
    why = f"{written} is {standing} here and stays so, though the file says {said}; "
    return [Passed(place=row.place, why=f"{why}`newsletter subscribers unsubscribe` ends it")]


def _write(register: Register, rows: list[Row], now: datetime) -> None:
    newcomers = [
        Newcomer(
            subscriber=due_again(replace(row.subscriber, id=new_id()), now),
            key=row.box.key,
            consent=row.consent,
            status_reason=row.reason,
        )
        for row in rows
    ]
    register.insert(newcomers, now)
    for row in rows:
        if reason := SUPPRESSING.get(row.subscriber.status):
            register.addresses.suppress(row.box.key, reason, now)
