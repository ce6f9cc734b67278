"""Hands finished mails to one relay over SMTP, as fast as the relay's manners allow."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from newsletter.delivery import Outcome, Result
from newsletter.mail.servers.conversation import Carried, Conversation
from newsletter.mail.servers.dial import (
    NoConnectionError,
    Relay,
    Security,
    connected,
    refuse_nonsense,
)
from newsletter.mail.servers.line import Line
from newsletter.mail.servers.login import spellings
from newsletter.mail.servers.replies import ConfusedError, discreet
from newsletter.mail.servers.tls import trust
from newsletter.mail.transport import Envelope
from newsletter.mail.wire import address

_TROUBLE = (OSError, ConfusedError)
_LET_GO = Outcome(
    result=Result.DEFERRED,
    detail="this process stood still until others could have the mail: it was let go",
    let_go=True,
)


class _LateError(Exception):
    """What is to be said comes too late."""


class SmtpTransport:
    """Hands finished mails to one relay over one reused connection; for one thread.

    The connection is opened by the first mail, opened anew when the relay has let it go in between
    or has taken `mails_per_connection` over it, and closed by `close`, after which a further mail
    would open a new one.

    What a relay answers becomes one of three words:

    - ACCEPTED: a 2xx to the whole mail.
    - REJECTED: a 5xx to the recipient or to the mail. The enhanced status tells which: X.1.X and
      X.2.X speak of the mailbox, X.7.X of policy (RFC 3463 section 3).
    - DEFERRED: all else. That is every 4xx, a connection that fails or breaks, and also a 5xx
      before RCPT or about logging in: then it is us who are refused, not the reader.

    A connection that breaks when a mail was wholly said leaves open whether it was taken (RFC
    1047); it counts as deferred, and the Message-ID makes a second copy recognisable. What was not
    wholly said goes once more over a new connection, if the broken one had carried mails before.

    Raises:
        MailError: the relay cannot be used as described, e.g. a password that would be readable on
            the network, or a `ca_file` that is none.
    """

    def __init__(self, relay: Relay) -> None:
        refuse_nonsense(relay)
        self._relay = relay
        self._context = None if relay.security is Security.NONE else trust(relay.ca_file)
        self._password = spellings(relay.username, relay.password)
        self._call: _Call | None = None

    def carry(self, mails: Iterable[Envelope]) -> Iterator[Outcome]:
        """Tries once to hand over each mail; their outcomes in the same order, each as soon as known.

        A mail is asked for when it can be begun, and that is while those before it are on their
        way. So `mails` should not keep us waiting for long: let it end instead, and call again; the
        connection stays. Nothing is said to the relay while the caller deals with an outcome, and
        whoever stops in the middle breaks the connection.

        Raises:
            MailError: an address that no envelope can hold; like whatever `mails` itself raises,
                it comes after the outcomes of the mails before.
        """
        trip = _Trip(mails)
        if self._call:
            self._call.talk.be_careful()
        try:
            while self._advance(trip):
                for mail, outcome in trip.ended():
                    yield self._fit_to_be_told(mail, outcome)
        finally:
            if self._call and not self._call.talk.is_idle:
                self._drop()
        trip.finish()

    def close(self) -> None:
        """Says goodbye if a connection is open."""
        if self._call and self._call.talk.is_idle:
            with suppress(*_TROUBLE):
                self._call.line.say([b"QUIT\r\n"])
                self._call.line.hear()
        self._drop()

    def _advance(self, trip: _Trip) -> bool:
        """Says what can be said and hears what comes next; whether anything was left to do."""
        try:
            self._begin(trip)
            if self._call is None or self._call.talk.is_idle:
                return trip.is_under_way
            self._call.talk.hear(self._call.line.hear())
        except NoConnectionError as error:
            trip.nobody_there(error.outcome)
        except _LateError:
            self._drop()
            trip.let_go()
        except _TROUBLE as error:
            if self._call:
                self._call.talk.break_off(error, self._call.line.said)
            self._drop()
            trip.once_more()
        return True

    def _begin(self, trip: _Trip) -> None:
        """Begins as many mails as there is room for.

        Raises:
            NoConnectionError: there is none for the next mail.
            _LateError: nothing more may be said of the mails under way.
        """
        if self._call and self._call.is_over:
            self.close()
            trip.once_more()
        while (self._call is None or self._call.has_room) and trip.has_next():
            if self._call is None:
                self._call = self._called()
            self._call.talk.begin(trip.next())
            self._call.say(trip)
        if self._call:
            self._call.say(trip)

    def _called(self) -> _Call:
        relay = self._relay
        line = connected(relay, self._context)
        talk = Conversation(
            offers=line.offers, window=relay.window, mails=relay.mails_per_connection
        )
        return _Call(line=line, talk=talk)

    def _fit_to_be_told(self, mail: Carried, outcome: Outcome) -> Outcome:
        relay = self._relay
        secrets = self._password
        if relay.tokens:  # which change
            secrets = spellings(relay.username, relay.password, relay.tokens)
        detail = discreet(outcome.detail, recipient=mail.rcpt_to, secrets=secrets)
        return outcome if detail == outcome.detail else replace(outcome, detail=detail)

    def _drop(self) -> None:
        if self._call:
            self._call.line.close()
        self._call = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A connection and what is said over it."""

    line: Line
    talk: Conversation

    @property
    def has_room(self) -> bool:
        return self.talk.has_room and not self.line.is_busy

    @property
    def is_over(self) -> bool:
        return self.talk.is_leaving and self.talk.is_idle

    def say(self, trip: _Trip) -> None:
        """Says what is to be said now; too late for that, what was wholly said is answered first."""
        if not self.talk.has_speech:
            return
        if not trip.is_late:
            self.line.say(self.talk.speech())
        elif not self.talk.is_owed(self.line.said):
            raise _LateError


class _Trip:
    """The mails of one `carry` in their order, from being asked for to being told about."""

    def __init__(self, mails: Iterable[Envelope]) -> None:
        self._mails = iter(mails)
        self._row: deque[Carried] = deque()
        self._waiting: deque[Carried] = deque()
        self._is_over = False
        self._error: Exception | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether there are mails that nobody was told about."""
        return bool(self._row)

    def has_next(self) -> bool:
        """Whether a mail is to be begun; asks for one where none is waiting."""
        if not self._waiting and not self._is_over:
            self._ask()
        return bool(self._waiting)

    def next(self) -> Carried:
        return self._waiting.popleft()

    def once_more(self) -> None:
        """The connection is gone: what has no outcome yet is to be begun again."""
        self._waiting = deque(mail for mail in self._row if mail.outcome is None)

    def nobody_there(self, outcome: Outcome) -> None:
        """There is no connection for the mail that is next."""
        self.next().outcome = outcome

    @property
    def is_late(self) -> bool:
        """Whether we stood still for so long that others may have taken the mails over."""
        return bool(self._row) and not self._row[0].is_ours()

    def let_go(self) -> None:
        """Whoever has the mails now sends them."""
        for mail in self._row:
            mail.outcome = mail.outcome or _LET_GO
        self._waiting.clear()

    def ended(self) -> Iterator[tuple[Carried, Outcome]]:
        """The mails whose outcome is known, up to the first where it is not."""
        while self._row and (outcome := self._row[0].outcome):
            yield self._row.popleft(), outcome

    def finish(self) -> None:
        """Raises what `mails` raised."""
        if self._error:
            raise self._error

    def _ask(self) -> None:
        try:
            mail = _carried(next(self._mails))
        except StopIteration:
            self._is_over = True
        except Exception as error:  # noqa: BLE001 - raised again when the mails before have ended
            self._is_over, self._error = True, error
        else:
            self._row.append(mail)
            self._waiting.append(mail)


def _carried(envelope: Envelope) -> Carried:
    return Carried(
        raw=envelope.raw,
        mail_from=address(envelope.sender),
        rcpt_to=address(envelope.recipient),
        dotless=envelope.dotless,
        is_ours=envelope.is_ours,
    )
