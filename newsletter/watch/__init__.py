"""The watch: what is known of this moment, and what of it the operator must hear. Without any IO."""

from newsletter.watch.alarms import alarms, discreet, undecided, weekday_time, why_not_ready
from newsletter.watch.facts import (
    Alarm,
    Disk,
    Facts,
    Figures,
    JobRecord,
    Reading,
    RelayRecord,
    RelayStanding,
    Rules,
)

__all__ = [
    "Alarm",
    "Disk",
    "Facts",
    "Figures",
    "JobRecord",
    "Reading",
    "RelayRecord",
    "RelayStanding",
    "Rules",
    "alarms",
    "discreet",
    "undecided",
    "weekday_time",
    "why_not_ready",
]
