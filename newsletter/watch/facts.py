"""What the watch knows and by which rules it judges: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.delivery import DeliveryState
from newsletter.model import Status, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something the operator must hear.

    Attributes:
        name: the same for the same trouble, whatever its figures are now.
        sentence: what is wrong, without anybody's address.
        remedy: what to do about it.
        seen_at: when that was last seen, where one process remembers it; `None` for what is so now.
    """

    name: str
    sentence: str
    remedy: str
    seen_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That something works: when it was last seen to, and since when it always was."""

    last: datetime
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """From when on something is worth an alarm.

    Attributes:
        late: a digest that is due, or a mail that waits, must have left within this.
        unread: some list must have been read within this.
        quiet: so much time of weekdays (UTC) may pass without one new paper. A list is new every
            weekday; 30 hours leave it the time to fill.
        detours: attempts in a row that one source may fail or take a detour.
        failures: times in a row that one job may fail.
        unheard: mails in a row that the relay may put off before it had one of ours to judge.
        put_off: mails in a row that it may put off for a reason of the reader's mailbox, or refuse
            for good for none of it.
        bounces: share of mails that may come back within 30 days (Amazon SES reviews at 5 %).
        complaints, complaints_limit: share of mails that may be called spam within 30 days (Gmail:
            below 0.1 %, never 0.3 %).
        fewest_bounces, fewest_complaints: below these a share says nothing.
        disk_bytes: less free space than this is too little on any disk.
        disk_share: less than this share is too little, but for disks with `plenty_bytes` free.
    """

    late: timedelta = timedelta(minutes=30)
    unread: timedelta = timedelta(hours=3)
    quiet: timedelta = timedelta(hours=30)
    detours: int = 2
    failures: int = 3
    unheard: int = 3
    put_off: int = 10
    bounces: float = 0.05
    complaints: float = 0.001
    complaints_limit: float = 0.003
    fewest_bounces: int = 5
    fewest_complaints: int = 2
    disk_bytes: int = 200_000_000
    disk_share: float = 0.05
    plenty_bytes: int = 5_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the store knows of the state of the whole.

    Attributes:
        subscribers, deliveries: how many of each standing; deliveries of the last 30 days, and all
            that have not come to an end.
        last_look_at: when a list was last read with papers on it.
        last_new_paper_at: when a paper was first seen.
        waiting_since: when the oldest mail was written down that has not come to an end.
        paced: mails that wait for their pace.
        overdue, overdue_since: mails whose time has come and that nobody took, and since when.
        undone, undone_since: active subscribers whose digest is due and not made, and since when.
        made, unsent: digests of the last day older than `Rules.late`, and those of them that wait.
        trouble: the newest words of why a mail had to wait.
        held_back, why_held_back: mails that wait because they would arrive broken, and the words
            about one of them.
        mailed, bounced, complained: mails that came to an end within 30 days, those of them that
            came back, and how many readers called one spam.
    """

    papers: int = 0
    subscribers: tuple[tuple[Status, int], ...] = ()
    deliveries: tuple[tuple[DeliveryState, int], ...] = ()
    last_look_at: datetime | None = None
    last_new_paper_at: datetime | None = None
    waiting_since: datetime | None = None
    paced: int = 0
    overdue: int = 0
    overdue_since: datetime | None = None
    undone: int = 0
    undone_since: datetime | None = None
    made: int = 0
    unsent: int = 0
    trouble: str = ""
    held_back: int = 0
    why_held_back: str = ""
    mailed: int = 0
    bounced: int = 0
    complained: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the last attempt to read one source ended.

    Attributes:
        tier: `None` for an attempt that failed.
        best: the tier it has when all is well; `None` where any is.
        problem: why it failed.
        in_a_row: attempts that went wrong in the same way, this one included; 0 when all is well.
    """

    name: str
    at: datetime
    tier: Tier | None = None
    best: Tier | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""
    in_a_row: int = 0

    @property
    def failed(self) -> bool:
        return self.tier is None

    @property
    def is_detour(self) -> bool:
        """Whether the list came another way than the best; cards are read where data have moved."""
        if self.tier is None:
            return False
        worse = self.best is not None and self.tier.step > self.best.step
        return worse or self.tier is Tier.PAGE_CARDS


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """What one job did since the process started; `ended_at` is when it last came to an end."""

    name: str
    runs: int = 0
    failures: int = 0
    in_a_row: int = 0
    last_error: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRecord:
    """How the relay takes our mails.

    Attributes:
        put_off: how many it put off since it last judged one.
        refused: how many it refused for good in a row for no fault of their mailboxes.
        since: when it began to.
        at: when it did so last.
        words: what it said last.
    """

    put_off: int = 0
    refused: int = 0
    since: datetime | None = None
    at: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayStanding:
    """How one of several relays stands.

    Attributes:
        rests: how often in a row it was left alone for a while; 0 for one that serves us.
        since: when it stopped serving us.
        at: when it last did not serve us.
        words: what it said, or what broke on the way to it.
        works: that it serves us; `None` while it does not, or was not asked yet.
    """

    name: str
    rests: int = 0
    since: datetime | None = None
    at: datetime | None = None
    words: str = ""
    works: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The disk that the state directory lies on, in bytes."""

    free: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything an alarm is decided by.

    Attributes:
        started_at: of this process; nothing is late for a time at which it did not run.
        whole: whether it also reads lists and makes digests, or only serves pages and sends mail.
        relays: each that is configured.
        sources: names of the lists that this process reads.
        proofs: of what this process saw working, by the name of the alarm about it; that of each
            alarm about the relay is under `relay`.
        disk: `None` where it cannot be asked.
    """

    now: datetime
    started_at: datetime
    whole: bool = True
    figures: Figures = Figures()
    readings: tuple[Reading, ...] = ()
    jobs: tuple[JobRecord, ...] = ()
    relay: RelayRecord = RelayRecord()
    relays: tuple[RelayStanding, ...] = ()
    sources: tuple[str, ...] = ()
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    disk: Disk | None = None
