"""What follows from a report: when a failing mailbox counts as gone (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum

from newsletter.mail.bounces import Kind, Report

# Days on which mails failed softly, and within how many days. A full mailbox is emptied after a
# weekend, a broken server mended after a day or two. Both ends of the span count, so that the third
# edition of somebody who reads once a week decides too.
SOFT_LIMITS = ((3, 14), (5, 30))


class Consequence(StrEnum):
    """What to do with the subscriber: `COUNT` keeps the day for the next verdict."""

    BOUNCE = "bounce"
    COUNT = "count"
    COMPLAIN = "complain"
    UNSUBSCRIBE = "unsubscribe"
    IGNORE = "ignore"


_PLAIN = {
    Kind.HARD: Consequence.BOUNCE,
    Kind.COMPLAINT: Consequence.COMPLAIN,
    Kind.UNSUBSCRIBE: Consequence.UNSUBSCRIBE,
}


def verdict(report: Report, earlier_soft: Sequence[date], now: datetime) -> Consequence:
    """What follows from a report about one subscriber.

    | report | consequence |
    |---|---|
    | hard | bounce |
    | soft | count; bounce on the 3rd day within 14, or the 5th within 30 |
    | complaint | complain |
    | unsubscribe | unsubscribe |
    | delayed, vacation, unknown | ignore: no mail has failed |

    Args:
        earlier_soft: days (UTC) on which mails to the same subscriber failed softly, in any order;
            since they last came back, if they ever did.
        now: when the report is read; aware.
    """
    if report.kind is Kind.SOFT:
        worn_out = fails_too_often(earlier_soft, now)
        return Consequence.BOUNCE if worn_out else Consequence.COUNT
    return _PLAIN.get(report.kind, Consequence.IGNORE)


def fails_too_often(earlier_soft: Sequence[date], now: datetime) -> bool:
    """Whether one more soft failure now is one too many.

    Days are counted, in UTC, not reports: one bad day may bring several. Days after today (a
    clock was set back) do not count.
    """
    today = now.astimezone(UTC).date()
    ages = {(today - day).days for day in earlier_soft} | {0}
    return any(
        sum(0 <= age <= span for age in ages) >= days_needed for days_needed, span in SOFT_LIMITS
    )
