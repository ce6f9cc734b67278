"""One connection's work: claims mails, hands them over at their pace, notes what became of each."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Event, Lock

from newsletter.delivery import Delivery, DeliveryState, Errand, Outcome
from newsletter.errors import StoreError
from newsletter.mail import outbox
from newsletter.mail.pace import Leaving, Pace
from newsletter.mail.relays import Failover, Silence
from newsletter.mail.transport import Envelope, Transport
from newsletter.mail.wire import address
from newsletter.notebook import Notebook
from newsletter.posting import Letter, Made, Post, letters, not_made
from newsletter.store import Shelf, Store

_log = logging.getLogger(__name__)

BATCH = 500  # most mails in one claim; by more, nothing becomes quicker
_FEW = 50  # claimed at first, and by a connection that is slow: letters wait for no more than these
_QUICK = timedelta(seconds=5)  # a round that took no longer is followed by one of twice as many
_TOGETHER = 250  # of them looked up in the store at once
_FRESH = timedelta(seconds=5)  # a look at the store that is older is repeated
_MOMENT = timedelta(seconds=1)  # the longest wait with mails in hand
_AHEAD = 16  # most mails made one after the other: by turns with what is said, each takes longer


class Hands:
    """The mails that the connections of this process have in hand.

    Leases are kept by the clock, and that may jump: without this, one connection would take over
    what another is about to send.
    """

    def __init__(self) -> None:
        self._mails: set[str] = set()
        self._lock = Lock()

    def claim(self, store: Store, now: datetime, most: int) -> tuple[Delivery, ...]:
        """Claims what is due and in nobody's hand."""
        with self._lock:
            with store.changing_register(together=True) as register:
                claimed = register.outbox.claim(now, most=most, lease=outbox.LEASE, but=self._mails)
            self._mails.update(delivery.id for delivery in claimed)
        return claimed

    def put_down(self, claimed: Iterable[Delivery]) -> None:
        """They have come to an end, or others may have them."""
        with self._lock:
            self._mails.difference_update(delivery.id for delivery in claimed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What all connections of a process share.

    Attributes:
        stopping: set when no further mail is to be begun.
        heard: told of every outcome.
    """

    store: Store
    post: Post
    notebook: Notebook
    pace: Pace
    now: Callable[[], datetime]
    stopping: Event = field(default_factory=Event)
    heard: Callable[[Delivery, Outcome], None] = lambda _delivery, _outcome: None
    hands: Hands = field(default_factory=Hands)
    shelf: Shelf = field(default_factory=Shelf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one round of deliveries did, in mails.

    Attributes:
        refused: those to nobody (any more).
        crowded_out: those of `failed` that the pace left no room for.
        claimed: all that were taken in hand; those that did not end were given back.
    """

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    cancelled: int = 0
    refused: tuple[Delivery, ...] = field(default=(), compare=False)
    crowded_out: int = field(default=0, compare=False)
    claimed: int = field(default=0, compare=False)


class Carrier:
    """Carries mails over one connection; for one thread."""

    def __init__(self, office: Office, transport: Transport) -> None:
        self._office = office
        self._transport = transport
        self._most = _FEW

    def round(self, most: int | None = None) -> Delivered:
        """Claims what is due and hands it over; what may not be begun is given back.

        Args:
            most: mails in the claim; by default as many as this connection is good for, up to 500.

        Raises:
            StoreError: nothing is lost, and nothing more is claimed until the store answers.
        """
        office = self._office
        # First of all: nobody may take a mail over whose end is only noted.
        office.notebook.hand_over()
        silence = self.silence()
        if silence and silence.is_short:
            return Delivered()
        begun_at = office.now()
        claimed = office.hands.claim(office.store, begun_at, most or self._most)
        bag = _Bag(office, self._transport, claimed, self.silence)
        try:
            bag.carry()
        finally:
            try:
                bag.close()
            finally:
                office.hands.put_down(claimed)
        is_quick = office.now() - begun_at <= _QUICK
        self._most = min(2 * self._most, BATCH) if is_quick else max(self._most // 2, _FEW)
        return _delivered(bag.ends, len(claimed))

    def silence(self) -> Silence | None:
        """That no relay may be asked over this connection now."""
        return self._transport.silence() if isinstance(self._transport, Failover) else None

    def free_at(self) -> datetime | None:
        """When the next round has something to do, as far as is known now."""
        silence = self.silence()
        if silence and silence.is_short:
            return silence.until
        with self._office.store.register() as register:
            return register.outbox.next_due_at()


@dataclass(slots=True)
class _Begun:
    """A mail in flight, and the fingerprint of it once it is made."""

    delivery: Delivery
    letter: Letter
    leaving: Leaving
    at: datetime
    mark: str = ""


class _Bag:
    """The mails of one claim: first waiting, then looked at, then in flight, then at their end.

    A transport may take several mails before it tells the outcome of the first; so nothing waits
    while one is in flight: mails that must are left out, and handed over in a further go.
    """

    def __init__(
        self,
        office: Office,
        transport: Transport,
        claimed: Sequence[Delivery],
        silence: Callable[[], Silence | None],
    ) -> None:
        self.ends: list[Delivery] = []
        self._office = office
        self._transport = transport
        self._silence = silence
        self._waiting = deque(claimed)
        self._looked_at: deque[tuple[Delivery, Letter]] = deque()
        self._made_ahead: dict[str, Made] = {}
        self._ahead = 1
        self._later: list[Delivery] = []  # may leave within a moment
        self._flight: deque[_Begun] = deque()
        self._released: list[Delivery] = []
        self._trouble: Exception | None = None
        now = office.now()
        self._fresh_until = now
        # What is begun by then comes to its end before others may take it over.
        self._begin_until = now + outbox.LEASE / 2

    def carry(self) -> None:
        """Goes on until all have left, or no further one may."""
        while (self._waiting or self._looked_at or self._later) and not self._is_closed():
            if silence := self._silence():
                self._put_all_off(silence.outcome)
            for outcome in self._transport.carry(self._ready()):
                self._settle(outcome)
            self._wait_a_moment()
        if self._trouble:
            raise self._trouble

    def close(self) -> None:
        """Brings the store up to date and gives back what was not begun."""
        for begun in self._flight:  # something broke: nobody knows what became of them
            self._office.pace.end(begun.leaving, None, begun.at, begun_at=begun.at)
        rest = [*self._waiting, *(mail for mail, _ in self._looked_at), *self._later]
        self._released += [outbox.given_back(delivery) for delivery in rest]
        self._office.notebook.hand_over(self._released)

    def _ready(self) -> Iterator[Envelope]:
        """Mails that may leave now, made at the last moment."""
        return iter(self._made, None)

    def _made(self) -> Envelope | None:
        """The next mail; trouble with it is told after those in flight have come to their end."""
        try:
            while not self._is_closed() and (found := self._next()):
                if envelope := self._begin(*found):
                    return envelope
        except Exception as error:  # noqa: BLE001 - see above: raised again in `carry`
            self._trouble = error
        return None

    def _is_closed(self) -> bool:
        """Whether no further mail is to be begun."""
        office = self._office
        if self._trouble or office.notebook.is_stuck or office.stopping.is_set():
            return True
        silence = self._silence()
        return silence is not None and silence.is_short

    def _next(self) -> tuple[Delivery, Letter] | None:
        """The next mail of which we know that it may still leave."""
        now = self._office.now()
        is_late = now >= self._begin_until
        if is_late or now > self._fresh_until:
            self._waiting.extendleft(delivery for delivery, _ in reversed(self._looked_at))
            self._looked_at.clear()
            self._made_ahead.clear()
        if is_late:
            self._renew(now)
        while self._waiting and not self._looked_at:
            self._look()
        return self._looked_at.popleft() if self._looked_at else None

    def _renew(self, now: datetime) -> None:
        """Holds what is not begun for longer; what others took over meanwhile is theirs."""
        rest = [*self._waiting, *self._later]
        until = now + outbox.LEASE
        with self._office.store.changing_register(together=True) as register:
            held = register.outbox.renew(rest, until)
        self._waiting = deque(_held(self._waiting, held, until))
        self._later = _held(self._later, held, until)
        self._begin_until = now + outbox.LEASE / 2

    def _look(self) -> None:
        """Asks the store about the next few, suppressions included."""
        office, now = self._office, self._office.now()
        few = [self._waiting.popleft() for _ in range(min(_TOGETHER, len(self._waiting)))]
        self._fresh_until = now + _FRESH
        try:
            found = letters(office.store, office.post, few, now, office.shelf)
        except StoreError:  # nothing is wrong with them: they are given back with the rest
            self._waiting.extendleft(reversed(few))
            raise
        for delivery in few:
            letter = found[delivery.id]
            if isinstance(letter, str):
                self._note(outbox.cancelled(delivery, letter))
            else:
                self._looked_at.append((delivery, letter))

    def _begin(self, delivery: Delivery, letter: Letter) -> Envelope | None:
        """The mail on its way; `None` for one that may not leave now."""
        now = self._office.now()
        leaving = Leaving(
            domain=letter.domain,
            connection=id(self._transport),
            urgent=delivery.errand is not Errand.DIGEST,
            promised=delivery.next_attempt_at > delivery.created_at,
        )
        at = self._office.pace.begin(leaving, now)
        if at:
            self._ahead = 1
            self._made_ahead.clear()  # it may have changed when it leaves
            self._put_off(delivery, letter, at, now)
            return None
        begun = _Begun(delivery, letter, leaving, now)
        self._flight.append(begun)
        try:
            envelope, mark = self._sealed(delivery, letter)
        except Exception as error:  # noqa: BLE001 - whatever it is, no other mail may wait for it
            self._flight.pop()
            self._office.pace.end(leaving, None, now, begun_at=now)
            self._end(delivery, letter, not_made(error), now)
            return None
        begun.mark = mark
        self._ahead = min(2 * self._ahead, _AHEAD)
        return envelope

    def _put_all_off(self, outcome: Outcome) -> None:
        """No relay is to be asked for long: each mail keeps to its own times, none is made."""
        self._waiting.extend(self._later)
        self._later = []
        while found := self._next():
            self._end(*found, outcome, self._office.now())

    def _put_off(self, delivery: Delivery, letter: Letter, at: datetime, now: datetime) -> None:
        if at - now < _MOMENT:
            self._later.append(replace(delivery, next_attempt_at=at))
            return
        end = outbox.kept_waiting(delivery, at, now, until=letter.patience)
        if end.state is DeliveryState.QUEUED:
            self._released.append(end)
        else:
            self._note(end)

    def _sealed(self, delivery: Delivery, letter: Letter) -> tuple[Envelope, str]:
        """The finished mail, and the fingerprint of what was made.

        Raises:
            NewsletterError: it cannot be made.
        """
        post, shared = self._office.post, self._office.store.is_shared
        made = self._made_ahead.pop(delivery.id, None) or self._make(letter)
        if post.preflight:
            post.preflight.check(made.raw, delivery)
        signed = post.signed(made, delivery.created_at)
        envelope = Envelope(
            raw=signed,
            sender=address(post.sender(delivery.id)),
            recipient=address(letter.recipient),
            dotless=made.is_dotless,
            is_ours=outbox.still_ours(delivery, self._office.now, is_shared=shared),
        )
        return envelope, made.mark

    def _make(self, letter: Letter) -> Made:
        """The mail, and the next few with it for as long as the pace holds none back.

        Raises:
            NewsletterError: it cannot be made.
        """
        for (later, other), _ in zip(self._looked_at, range(1, self._ahead), strict=False):
            with suppress(Exception):  # told when its turn comes
                self._made_ahead[later.id] = other.make()
        return letter.make()

    def _settle(self, outcome: Outcome) -> None:
        """The outcome of the mail that has been in flight for longest."""
        begun, office = self._flight.popleft(), self._office
        now = office.now()
        until = office.pace.end(begun.leaving, outcome, now, begun_at=begun.at)
        self._end(begun.delivery, begun.letter, outcome, now, begun.mark)
        office.heard(begun.delivery, outcome)
        if until:
            domain = begun.leaving.domain
            _log.warning("%s finds us too fast: its mails wait until %s", domain, f"{until:%H:%M}")

    def _end(
        self, delivery: Delivery, letter: Letter, outcome: Outcome, now: datetime, mark: str = ""
    ) -> None:
        retries = self._office.post.retries
        self._note(
            outbox.after(delivery, outcome, now, until=letter.patience, retries=retries, mark=mark)
        )

    def _note(self, end: Delivery) -> None:
        self.ends.append(end)
        self._office.notebook.note(end)

    def _wait_a_moment(self) -> None:
        """Until the first of those that were left out may leave."""
        if not self._later:
            return
        first = min(delivery.next_attempt_at for delivery in self._later)
        seconds = (first - self._office.now()).total_seconds()
        self._office.stopping.wait(max(seconds, 0.0))
        due = max(first, self._office.now())
        self._waiting.extend(mail for mail in self._later if mail.next_attempt_at <= due)
        self._later = [mail for mail in self._later if mail.next_attempt_at > due]


def _held(mails: Iterable[Delivery], held: Container[str], until: datetime) -> list[Delivery]:
    return [replace(mail, leased_until=until) for mail in mails if mail.id in held]


def _delivered(ends: Sequence[Delivery], claimed: int) -> Delivered:
    count = Counter(end.state for end in ends)
    failed = [end for end in ends if end.state is DeliveryState.FAILED]
    return Delivered(
        sent=count[DeliveryState.SENT],
        deferred=count[DeliveryState.DEFERRED],
        failed=count[DeliveryState.FAILED],
        cancelled=count[DeliveryState.CANCELLED],
        refused=tuple(filter(outbox.no_such_mailbox, failed)),
        crowded_out=sum(map(outbox.crowded_out, failed)),
        claimed=claimed,
    )
