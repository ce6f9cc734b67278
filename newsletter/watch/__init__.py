"""The watch: what is known of this moment, and what of it the operator must hear. Without any IO."""

from newsletter.watch.alarms import alarms, discreet, weekday_time, why_not_ready
from newsletter.watch.ends import CALM, Undecided, undecided
from newsletter.watch.facts import (
    Alarm,
    Disk,
    Facts,
    Figures,
    JobRecord,
    Proof,
    Reading,
    RelayRecord,
    RelayStanding,
    Rules,
)

__all__ = [
    "CALM",
    "Alarm",
    "Disk",
    "Facts",
    "Figures",
    "JobRecord",
    "Proof",
    "Reading",
    "RelayRecord",
    "RelayStanding",
    "Rules",
    "Undecided",
    "alarms",
    "discreet",
    "undecided",
    "weekday_time",
    "why_not_ready",
]
