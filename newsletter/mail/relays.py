"""Several relays: asked in their order, left alone for a while when they do not serve us."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from newsletter.delivery import Outcome, Result
from newsletter.mail.transport import Envelope, Transport
from newsletter.watch import Proof, RelayStanding

_REST = timedelta(minutes=1)
_LONGEST_REST = timedelta(minutes=15)
_SHORT = 2  # rests in a row, three minutes in all
_NEVER = datetime.max.replace(tzinfo=UTC)

Alone = Mapping[int, datetime]
"""Numbers of relays that must not be asked before an instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No relay may be asked before `until`.

    Attributes:
        outcome: what the first of them said last.
        is_short: worth waiting for; through a long one mails keep to their own times.
    """

    until: datetime
    outcome: Outcome
    is_short: bool


class Relays:
    """Which relays are asked and which are left alone; shared by all connections of a process.

    One that does not serve us rests for 1, 2, 4 ... 15 minutes. Then a single mail is tried, while
    all others wait for how it ends.

    Args:
        names: of the relays, in the order in which they are asked.
        connections: how many are held to each of them.
    """

    def __init__(
        self, names: Sequence[str], *, now: Callable[[], datetime], connections: int = 1
    ) -> None:
        self._relays = [_Relay(name) for name in names]
        self._connections = connections
        self._now = now
        self._lock = Lock()

    @property
    def standings(self) -> tuple[RelayStanding, ...]:
        """How each of them stands."""
        with self._lock:
            return tuple(relay.standing for relay in self._relays)

    def choose(self, alone: Alone) -> int | None:
        """The first that may be asked; when it has just rested, the caller's mail is the probe."""
        now = self._now()
        with self._lock:
            for number, relay in enumerate(self._relays):
                if max(relay.free_at(now), alone.get(number, now)) <= now:
                    relay.is_asked(now)
                    return number
        return None

    def not_asked(self, number: int) -> None:
        """Who chose it had no mail for it after all."""
        with self._lock:
            self._relays[number].is_left()

    def serves(self, number: int) -> bool:
        """Whether it may be given one mail after the other."""
        return not self._relays[number].rests

    def served(self, number: int) -> None:
        """It spoke of a mail, whatever it said."""
        with self._lock:
            self._relays[number].served(self._now())

    def unserved(self, number: int, outcome: Outcome) -> None:
        """It did not get so far."""
        with self._lock:
            self._relays[number].unserved(self._now(), outcome, self._connections)

    def silence(self, alone: Alone) -> Silence | None:
        """That no relay may be asked now."""
        now = self._now()
        with self._lock:
            free_at = min(
                max(relay.free_at(now), alone.get(number, now))
                for number, relay in enumerate(self._relays)
            )
            if free_at <= now:
                return None
            is_short = min(relay.rests for relay in self._relays) <= _SHORT
            return Silence(until=free_at, outcome=self._relays[0].outcome, is_short=is_short)


class Failover:
    """One connection to the first relay that serves; for one thread.

    A mail that a relay did not speak of goes to the next one at once. One that it may have taken
    never does (RFC 1047). While no relay may be asked, no mail is taken from `mails`.

    Args:
        transports: one for each of the relays, in their order.
    """

    def __init__(
        self, transports: Sequence[Transport], relays: Relays, *, now: Callable[[], datetime]
    ) -> None:
        self._transports = transports
        self._relays = relays
        self._now = now
        # A relay may serve all our connections but the last: then only that one holds back.
        self._alone: dict[int, datetime] = {}
        self._is_over = False
        self._is_asking = False

    def carry(self, mails: Iterable[Envelope]) -> Iterator[Outcome]:
        """Hands mails over to the first relay that serves; see `Transport`."""
        source = iter(mails)
        flight: deque[Envelope] = deque()
        self._is_over = False
        while not self._is_over and (number := self._relays.choose(self._held)) is not None:
            self._is_asking = True
            try:
                for outcome in self._transports[number].carry(self._fed(source, flight, number)):
                    yield self._settled(flight.popleft(), outcome, number)
            finally:
                self._is_asking = False
                self._relays.not_asked(number)

    def close(self) -> None:
        """Lets go of every connection."""
        for transport in self._transports:
            transport.close()

    def silence(self) -> Silence | None:
        """That this connection may ask no relay now; the one that it is asking does not count."""
        return None if self._is_asking else self._relays.silence(self._held)

    @property
    def _held(self) -> Alone:
        """What is left alone now; longer than a rest only after the clock was put back."""
        latest = self._now() + _REST
        return {number: until for number, until in self._alone.items() if until <= latest}

    def _fed(
        self, source: Iterator[Envelope], flight: deque[Envelope], number: int
    ) -> Iterator[Envelope]:
        """Mails for as long as the relay serves; one that has just rested gets a single one."""
        for mail in source:
            flight.append(mail)
            yield mail
            if number in self._alone or not self._relays.serves(number):
                return
        self._is_over = True

    def _settled(self, mail: Envelope, outcome: Outcome, number: int) -> Outcome:
        """The outcome, where needed that at the next relays."""
        if outcome.unserved:
            outcome, number = self._tried_elsewhere(mail, outcome, number)
        if not outcome.unserved:
            self._relays.served(number)
            self._alone.pop(number, None)
        return outcome

    def _tried_elsewhere(
        self, mail: Envelope, outcome: Outcome, number: int
    ) -> tuple[Outcome, int]:
        """What the last of the relays that may be asked said of it, and which that was."""
        tried = dict(self._held)
        while outcome.unserved:
            self._relays.unserved(number, outcome)
            self._alone[number] = self._now() + _REST
            tried[number] = _NEVER
            following = self._relays.choose(tried)
            if following is None:
                break
            number = following
            (outcome,) = self._transports[number].carry([mail])
        return outcome, number


class _Relay:
    """What is known of one relay."""

    def __init__(self, name: str) -> None:
        self.rests = 0
        self.outcome = Outcome(result=Result.DEFERRED, unserved=True)
        self._name = name
        self._refusals = 0  # since it last served anybody
        self._served_at: datetime | None = None
        self._unserved_at: datetime | None = None
        self._works_since: datetime | None = None
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._probed_until: datetime | None = None

    @property
    def standing(self) -> RelayStanding:
        said = (str(self.outcome.reply or ""), self.outcome.detail)
        words = " ".join(filter(None, said)) if self.rests else ""
        return RelayStanding(
            name=self._name,
            rests=self.rests,
            since=self._since,
            at=self._unserved_at,
            words=words,
            works=self._works,
        )

    @property
    def _works(self) -> Proof | None:
        if self.rests or not self._served_at or not self._works_since:
            return None
        return Proof(last=self._served_at, since=self._works_since)

    def free_at(self, now: datetime) -> datetime:
        """When it may be asked; not after `now` for one that may be now."""
        held = [until for until in (self._until, self._probed_until) if until]
        at = max(held, default=now)
        return at if at - now <= _LONGEST_REST else now  # else the clock was put back

    def is_asked(self, now: datetime) -> None:
        # A probe that is never heard of again must not block it for good.
        self._probed_until = now + _LONGEST_REST if self.rests else None

    def is_left(self) -> None:
        self._probed_until = None

    def served(self, now: datetime) -> None:
        self._served_at = now
        self._works_since = self._works_since or now
        self._since = self._until = self._probed_until = None
        self.rests = self._refusals = 0

    def unserved(self, now: datetime, outcome: Outcome, connections: int) -> None:
        """It rests, but not because of a single connection while others are served."""
        self.outcome = outcome
        self._probed_until = None
        self._refusals += 1
        is_lively = self._served_at is not None and now - self._served_at < _REST
        if self._refusals < connections and is_lively:
            return
        if self._until and now < self._until:
            return  # refused at the same moment as the one that began the rest
        self._since = self._since or now
        self._unserved_at, self._works_since = now, None
        self._until = now + min(_REST * 2 ** min(self.rests, 10), _LONGEST_REST)
        self.rests += 1
