"""Periods as lines of cron, which make every worker see the same ticks whenever it was started."""

from __future__ import annotations

from datetime import timedelta


def cron(period: timedelta) -> str:
    """The line that comes nearest to a period, between a second and a day.

    With a sixth field for seconds where they matter, as croniter reads it.
    """
    seconds = max(round(period.total_seconds()), 1)
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 60:
        return f"* * * * * */{seconds}"
    if minutes < 60:
        return f"*/{minutes} * * * *"
    return f"0 */{hours} * * *" if hours < 24 else "0 0 * * *"
