"""When a mail may leave: rates, connections per domain, warm-up, and domains that ask for patience.

Pure but for one lock: the clock is an argument, and waiting is left to the caller. A rate is kept by
the generic cell rate algorithm (ITU-T I.371): one instant for each stream of mails instead of a
bucket that somebody must fill. A mail that may not leave now is promised a later instant; promises
are spread over the stream's pace, so a hundred thousand mails for one slow domain are each put off
once, not again and again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock
from typing import NamedTuple

from newsletter.delivery import Outcome, Result

_BURST = timedelta(seconds=0.1)  # mails of so long a time may leave together
_SHORTEST_GAP = timedelta(milliseconds=10)
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
_DAY = timedelta(days=1)
_NO_PART = timedelta(seconds=1)  # until one is asked for again that has no part of the rates
_PUT_BACK = timedelta(seconds=5)  # less is connections that looked at the clock in another order
_MANY = 1000  # streams that are kept without a look at whether they are needed

_SLOW_DOWN = frozenset((421, 450, 451, 452))
_TOO_FAST = re.compile(
    r"\brates?\b|rate.?limit|throttl|too many|too (?:fast|quick|much)|slow down|excessive|"
    r"\bvolume\b|limit (?:reached|exceeded)|exceeded .{0,40}limit",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How fast mails may leave for one place; 0 is no limit.

    Attributes:
        rate: mails per second.
        connections: how many may carry mails there at once.
    """

    rate: float = 0.0
    connections: int = 0

    def __mul__(self, part: float) -> Limits:
        """A part of them, one connection at least."""
        connections = max(int(self.connections * part), 1) if self.connections else 0
        return Limits(rate=self.rate * part, connections=connections)


class Leaving(NamedTuple):
    """A mail that would like to leave.

    Attributes:
        domain: of the recipient, in small letters.
        connection: over which it would leave.
        urgent: somebody waits for it: it goes before those who were promised a later time.
        promised: it comes at the time that it was promised, and goes before newcomers.
    """

    domain: str
    connection: Hashable
    urgent: bool = False
    promised: bool = False


@dataclass(slots=True)
class _Stream:
    """Mails that share a pace: all of them, or those to one domain."""

    limits: Limits
    full_at: datetime | None = None  # when the next mail would be exactly in time
    promised_until: datetime | None = None
    looked_at: datetime | None = None
    paused_until: datetime | None = None
    pause: timedelta = timedelta()
    users: Counter[Hashable] = field(default_factory=Counter)
    spent: float = 0.1  # seconds for one mail, averaged

    @property
    def is_free(self) -> bool:
        """Whether every mail may leave at any time."""
        return not (self.limits.rate or self.limits.connections or self.paused_until)

    @property
    def interval(self) -> timedelta:
        return timedelta(seconds=1 / self.limits.rate) if self.limits.rate else timedelta()

    @property
    def gap(self) -> timedelta:
        """Between two promises: what this place can take, as far as is known."""
        usual = timedelta(seconds=self.spent / (self.limits.connections or 1))
        return self.interval or max(usual, _SHORTEST_GAP)

    def admits(self, mail: Leaving, now: datetime) -> bool:
        if self.is_free:
            return True
        self._mind_the_clock(now)
        if self.paused_until and now < self.paused_until:
            return False
        if self._is_crowded(mail.connection):
            return False
        return not self.interval or (self._is_next(mail, now) and self._exact_at(now) <= now)

    def take(self, mail: Leaving, now: datetime) -> None:
        if self.limits.connections:
            self.users[mail.connection] += 1
        if self.limits.rate:
            self.full_at = max(self.full_at or now, now) + self.interval

    def promise(self, mail: Leaving, now: datetime) -> datetime:
        """A later instant at which the pace has room; a letter gets the first one there is."""
        first = max(now + _SHORTEST_GAP, self.paused_until or now, self._exact_at(now))
        if mail.urgent:
            return first
        last = self.promised_until
        self.promised_until = max(first, last + self.gap) if last else first
        return self.promised_until

    def give_up(self, mail: Leaving, seconds: float) -> None:
        """The mail has left, or has not; it took so long."""
        if self.limits.connections:
            self.users[mail.connection] -= 1
            if self.users[mail.connection] <= 0:
                del self.users[mail.connection]
        self.spent += (seconds - self.spent) / 8

    def slows(self, now: datetime) -> datetime | None:
        """A pause, twice as long as the one before; `None` while one lasts."""
        if self.paused_until and now < self.paused_until:
            return None
        self.pause = min(max(2 * self.pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        self.paused_until = now + self.pause
        return self.paused_until

    def goes_well(self, now: datetime) -> None:
        """A pause is forgotten when all went well for as long as it lasted."""
        if self.paused_until and now >= self.paused_until + self.pause:
            self.paused_until, self.pause = None, timedelta()

    def is_idle(self, now: datetime) -> bool:
        """Whether nothing is lost when it is forgotten; where nothing is limited, nothing is."""
        times = (self.full_at, self.promised_until, self.paused_until)
        return not self.users and not self.pause and all(at is None or at <= now for at in times)

    def _is_crowded(self, connection: Hashable) -> bool:
        most = self.limits.connections
        return bool(most) and connection not in self.users and len(self.users) >= most

    def _is_next(self, mail: Leaving, now: datetime) -> bool:
        """Whether the present time was not promised to others."""
        is_promised = self.promised_until is not None and now < self.promised_until
        return mail.urgent or mail.promised or not is_promised

    def _exact_at(self, now: datetime) -> datetime:
        """When the next mail is in time, those that may leave together taken into account."""
        return (self.full_at or now) - max(_BURST - self.interval, timedelta())

    def _mind_the_clock(self, now: datetime) -> None:
        """What lies further ahead than it can was written before the clock was put back.

        Promises may honestly lie days ahead, so they go back with the clock.
        """
        back = self.looked_at - now if self.looked_at else timedelta()
        self.looked_at = now
        if self.promised_until and back > _PUT_BACK:
            self.promised_until -= back
        if self.full_at and self.full_at > now + _BURST + 2 * self.interval:
            self.full_at = now
        if self.paused_until and self.paused_until > now + _LONGEST_PAUSE:
            self.paused_until = now


class WarmUp:
    """Most mails of each UTC day while a sender is new; no limit when the plan is over.

    Args:
        plan: most mails on the first day, the second and so on; empty for no plan.
        first_day: before it, the first day's number counts.
        sent_today: a day and how many mails have left on it already.

    Attributes:
        plan: as it was given.
    """

    def __init__(
        self,
        plan: Sequence[int] = (),
        first_day: date = date.min,
        *,
        sent_today: tuple[date, int] | None = None,
    ) -> None:
        self.plan = tuple(plan)
        self._first_day = first_day
        # A number a day, none of them forgotten: a clock that is ahead may come back.
        self._left: Counter[date] = Counter(dict([sent_today] if sent_today else []))
        self._promised: Counter[date] = Counter()

    def lasts(self, now: datetime) -> bool:
        """Whether the plan is not over."""
        return self._most(_day(now)) is not None

    def admits(self, mail: Leaving, now: datetime) -> bool:
        day = _day(now)
        most = self._most(day)
        if most is None:
            return True
        goes_before = mail.urgent or mail.promised
        reserved = 0 if goes_before else self._promised[day]
        return self._left[day] + reserved < most

    def take(self, mail: Leaving, now: datetime) -> None:
        if not self.plan:
            return
        day = _day(now)
        self._left[day] += 1
        if mail.promised and self._promised[day]:
            self._promised[day] -= 1

    def give_back(self, now: datetime) -> None:
        """The mail did not leave after all."""
        self._left[_day(now)] -= bool(self._left[_day(now)])

    def promise(self, now: datetime) -> datetime:
        """A time on the first later day that has room, spread over that day."""
        day = _day(now) + _DAY
        while (most := self._most(day)) is not None and self._promised[day] >= most:
            day += _DAY
        midnight = datetime.combine(day, time(), UTC)
        if most is None:
            return midnight
        self._promised[day] += 1
        return midnight + (self._promised[day] - 1) * _DAY / most

    def _most(self, day: date) -> int | None:
        number = max((day - self._first_day).days, 0)
        return self.plan[number] if number < len(self.plan) else None


class Pace:
    """Says when mails may leave, for all connections of a process.

    Where several processes share the rates, each takes a part of them; see `take_part`.

    Args:
        rate: mails per second in all; 0 is no limit.
        usual: for a domain that is not among `domains`.
        domains: limits by domain, in small letters.
    """

    def __init__(
        self,
        *,
        rate: float = 0.0,
        usual: Limits | None = None,
        domains: Mapping[str, Limits] | None = None,
        warm_up: WarmUp | None = None,
    ) -> None:
        self._rate = rate
        self._all = _Stream(Limits(rate=rate))
        self._usual = usual or Limits()
        self._domains = dict(domains or {})
        self._warm_up = warm_up or WarmUp()
        self._part = 1.0
        self._part_until: datetime | None = None
        self._streams: dict[str, _Stream] = {}
        self._enough = _MANY
        self._lock = Lock()

    def limits(self, now: datetime) -> bool:
        """Whether anything is limited at all."""
        named = any(one != Limits() for one in (self._usual, *self._domains.values()))
        return bool(self._rate) or named or self._warm_up.lasts(now)

    def warms_up(self, now: datetime) -> bool:
        """Whether the warm-up is not over."""
        return self._warm_up.lasts(now)

    def take_part(
        self, part: float, *, until: datetime | None = None, warm_up: WarmUp | None = None
    ) -> None:
        """From now on this process uses a part (0 to 1) of all rates, and nothing after `until`.

        Args:
            warm_up: takes the place of the present one, which does not know what others sent.
        """
        with self._lock:
            self._part, self._part_until = part, until
            self._warm_up = warm_up or self._warm_up
            if part:
                self._all.limits = Limits(rate=self._rate) * part
                for name, stream in self._streams.items():
                    stream.limits = self._limits_of(name)

    def has_part(self, now: datetime) -> bool:
        """Whether this process may use any part of the rates now."""
        return self._part > 0 and (self._part_until is None or now < self._part_until)

    def begin(self, mail: Leaving, now: datetime) -> datetime | None:
        """`None`: it may leave, and counts until `end`. Else the later time that it is promised."""
        with self._lock:
            if not self.has_part(now):
                return now + _NO_PART
            domain = self._stream(mail.domain, now)
            if domain.is_free and not (self._rate or self._warm_up.plan):
                return None
            streams = (self._all, domain)
            refusing = [stream for stream in streams if not stream.admits(mail, now)]
            promises = [stream.promise(mail, now) for stream in refusing]
            if not self._warm_up.admits(mail, now):
                promises.append(self._warm_up.promise(now))
            if promises:
                return max(promises)
            for stream in streams:
                stream.take(mail, now)
            self._warm_up.take(mail, now)
        return None

    def end(
        self, mail: Leaving, outcome: Outcome | None, now: datetime, *, begun_at: datetime
    ) -> datetime | None:
        """The mail came back with an outcome; none: it was not handed to anybody.

        Returns:
            until when its domain is left in peace, if it has just asked for that.
        """
        seconds = max((now - begun_at).total_seconds(), 0.0)
        with self._lock:
            domain = self._stream(mail.domain, now)
            domain.give_up(mail, seconds)  # all mails share a rate at most: nothing to give up
            if outcome is None or outcome.unserved or outcome.let_go:
                self._warm_up.give_back(begun_at)
            elif outcome.result is Result.ACCEPTED:
                domain.goes_well(now)
            elif asks_for_patience(outcome):
                return domain.slows(now)
        return None

    def _stream(self, domain: str, now: datetime) -> _Stream:
        stream = self._streams.get(domain)
        if stream is None:
            self._make_room(now)
            stream = self._streams[domain] = _Stream(self._limits_of(domain))
        return stream

    def _limits_of(self, domain: str) -> Limits:
        return self._domains.get(domain, self._usual) * self._part

    def _make_room(self, now: datetime) -> None:
        """A hundred thousand domains are forgotten when nothing is known of them any more."""
        if len(self._streams) >= self._enough:
            known = self._streams.items()
            self._streams = {name: stream for name, stream in known if not stream.is_idle(now)}
            self._enough = max(_MANY, 2 * len(self._streams))


def asks_for_patience(outcome: Outcome) -> bool:
    """Whether a relay or a provider behind it says that mails come too fast.

    What is said of a single mailbox (X.2.X) or of this session (4.5.3) is not about the domain.
    """
    if outcome.unserved or outcome.reply not in _SLOW_DOWN:
        return False
    status = outcome.status
    if status == "4.5.3" or status[1:4] == ".2.":
        return False
    return status == "4.7.28" or _TOO_FAST.search(outcome.detail) is not None


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()
