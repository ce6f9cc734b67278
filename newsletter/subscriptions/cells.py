"""One subscriber as a row of plain text cells and back: what CSV and JSON files carry."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from newsletter.config import check_wishes
from newsletter.errors import AddressError, ConfigError, harmless
from newsletter.membership import Consent, is_subscribed, one_line
from newsletter.model import Profile, Status, Subscriber
from newsletter.subscriptions.mailbox import Mailbox, mailbox

LISTS = (
    "topics",
    "keywords",
    "authors",
    "organizations",
    "categories",
    "liked",
    "disliked",
    "muted",
)
COLUMNS = (
    "email",
    "name",
    "status",
    "cadence",
    "day",
    "at",
    "timezone",
    "format",
    "paused_until",
    "since",
    *LISTS,
    "max_papers",
    "min_score",
    "trend_weight",
    "surprise",
    "abstract_length",
    "consent_at",
    "consent_origin",
    "consent_wording",
    "reason",
)
# Further columns of a listmonk export: `attributes` is JSON, the rest is not needed here.
LISTMONK = ("uuid", "id", "attributes", "attribs", "created_at", "updated_at", "lists", "type")
# The name under which superfluous cells of a row are handed over; no column can be called so.
MORE_CELLS = "\0"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RENAMED = {"day": "weekday", "at": "send_at"}
_CONSENT = ("consent_at", "consent_origin", "consent_wording")
_NOT_WISHES = frozenset(("email", "status", "paused_until", "since", "reason", *_CONSENT))
_WISHES = frozenset(COLUMNS) - _NOT_WISHES
# listmonk's words beside ours: a blocklisted person must not be mailed by us either.
_STATUS = {status.value: status for status in Status} | {
    "": Status.ACTIVE,
    "enabled": Status.ACTIVE,
    "confirmed": Status.ACTIVE,
    "unconfirmed": Status.PENDING,
    "disabled": Status.UNSUBSCRIBED,
    "blocklisted": Status.COMPLAINED,
    "blacklisted": Status.COMPLAINED,
}
# What a spreadsheet takes for a formula (OWASP, "CSV injection"), with East Asian wide forms.
_FORMULA = "=+\\-@\t\r\uff1d\uff0b\uff0d\uff20"
_GUARD = re.compile(rf"'*[{_FORMULA}]")
_GUARDED = re.compile(rf"'+[{_FORMULA}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A subscriber as a file describes them; `subscriber.id` is empty."""

    place: str
    box: Mailbox
    subscriber: Subscriber
    consent: Consent | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A row that was not taken, where it stands and why, in a sentence."""

    place: str
    why: str


def to_cells(subscriber: Subscriber, consent: Consent | None, reason: str) -> dict[str, Any]:
    """The subscriber under the names of `COLUMNS`; lists stay lists."""
    profile = subscriber.profile
    interests = {f.name: getattr(profile, f.name) for f in fields(Profile)}
    cells = {
        "email": subscriber.email,
        "name": subscriber.name,
        "status": subscriber.status.value,
        "cadence": subscriber.cadence.value,
        "day": _DAYS[subscriber.weekday],
        "at": subscriber.send_at.isoformat(timespec="minutes"),
        "timezone": subscriber.timezone,
        "format": subscriber.format.value,
        "paused_until": _day(subscriber.paused_until),
        "since": _day(subscriber.since),
        **{k: list(v) if isinstance(v, tuple) else v for k, v in interests.items()},
        "consent_at": consent.at.isoformat() if consent else "",
        "consent_origin": consent.origin if consent else "",
        "consent_wording": consent.wording if consent else "",
        "reason": reason,
    }
    return {name: cells[name] for name in COLUMNS}


def to_text(value: Any) -> str:
    """A cell as text for a spreadsheet: lists joined, truth as yes and no, formulas made harmless."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if _GUARD.match(text) else text


def from_text(text: str) -> str:
    """The cell again as it was before `to_text` made it harmless."""
    return text[1:] if _GUARDED.match(text) else text


def join(items: list[str]) -> str:
    """Several texts in one cell, split by semicolons; one that holds a semicolon is quoted."""
    line = io.StringIO()
    csv.writer(line, delimiter=";", lineterminator="").writerow(items)
    return line.getvalue()


def split(cell: str) -> list[str]:
    """The texts of a cell that `join` made, or a person, who may also write one a line."""
    rows = csv.reader(cell.splitlines(), delimiter=";", skipinitialspace=True)
    return [item.strip() for row in rows for item in row if item.strip()]


def read_row(
    place: str, given: Mapping[str, Any], *, now: datetime, vouched: Consent
) -> Row | Passed:
    """A row of a file, or why it cannot be taken.

    Args:
        given: text by column, or the native values of JSON.
        vouched: stands in where an active subscriber comes without a consent of their own.
    """
    try:
        return _read(place, given, now, vouched)
    except ConfigError as error:
        return Passed(place=place, why="; ".join(error.problems))
    except (AddressError, ValueError, csv.Error) as error:
        return Passed(place=place, why=str(error))


def _read(place: str, given: Mapping[str, Any], now: datetime, vouched: Consent) -> Row:
    if MORE_CELLS in given:
        raise ValueError("has more cells than the first line names columns")
    cells = _attributes(given) | {k: v for k, v in given.items() if v not in ("", None)}
    box = mailbox(_text(cells, "email"))
    status = _status(_text(cells, "status"))
    paused_until = _read_day(cells, "paused_until")
    if (status is Status.PAUSED) != (paused_until is not None):
        raise ValueError("paused_until and the status paused belong together")
    wishes = check_wishes(_wishes(cells), place)
    since = _read_day(cells, "since") or _since(cells, status, now)
    subscriber = Subscriber(
        id="",
        email=box.written,
        status=status,
        paused_until=paused_until,
        since=since,
        **{f: getattr(wishes, f) for f in ("name", "profile", "cadence", "send_at")},
        **{f: getattr(wishes, f) for f in ("weekday", "timezone", "format")},
    )
    consent = _consent(cells)
    if consent is None and is_subscribed(status):
        consent = vouched
    return Row(
        place=place,
        box=box,
        subscriber=subscriber,
        consent=consent,
        reason=one_line(_text(cells, "reason"))[:500],
    )


def _attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a listmonk export says in JSON beside its columns, as far as we know the keys."""
    held = given.get("attributes") or given.get("attribs") or {}
    try:
        held = json.loads(held) if isinstance(held, str) else held
    except (ValueError, RecursionError):
        held = None
    if not isinstance(held, dict):
        problem = 'attributes: must be a JSON object such as {"topics": ["vision"]}'
        raise ValueError(problem)  # noqa: TRY004 - a wrong cell of a file, not of our code
    return {k: v for k, v in held.items() if k in _WISHES and v not in ("", None)}


def _wishes(cells: Mapping[str, Any]) -> dict[str, Any]:
    told = {}
    for name, value in cells.items():
        if name in _WISHES:
            told[_RENAMED.get(name, name)] = _told(name, value)
    return told


def _told(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in LISTS:
        return split(value)
    return one_line(value) if name == "name" else value


def _status(text: str) -> Status:
    try:
        return _STATUS[text.lower()]
    except KeyError:
        words = ", ".join(filter(None, _STATUS))
        raise ValueError(f"status: “{harmless(text)}” is none of {words}") from None


def _since(cells: Mapping[str, Any], status: Status, now: datetime) -> date | None:
    created = _text(cells, "created_at")
    if created:
        return _read_instant(created, "created_at").date()
    return now.date() if is_subscribed(status) else None


def _consent(cells: Mapping[str, Any]) -> Consent | None:
    at = _text(cells, "consent_at")
    if not at:
        return None
    return Consent(
        at=_read_instant(at, "consent_at"),
        origin=one_line(_text(cells, "consent_origin")),
        wording=one_line(_text(cells, "consent_wording")),
    )


def _read_instant(text: str, name: str) -> datetime:
    """An instant as written by us or by a database; without a zone it is UTC."""
    # Go writes `2024-05-01 10:00:00.5 +0000 UTC`.
    plain = re.sub(r"\s+(?=[+-]\d)", "", text.removesuffix(" UTC").strip())
    try:
        found = datetime.fromisoformat(plain)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{name}: “{harmless(text)}” is no date and time") from None


def _read_day(cells: Mapping[str, Any], name: str) -> date | None:
    text = _text(cells, name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name}: “{harmless(text)}” is no day such as 2026-04-03") from None


def _text(cells: Mapping[str, Any], name: str) -> str:
    return str(cells.get(name, "")).strip()


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
