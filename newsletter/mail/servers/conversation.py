"""What is said to a relay, in which order, and which answer belongs to which mail (pure).

A relay that offers nothing hears one command at a time. With PIPELINING (RFC 2920) the end of a
mail and the envelope of the next go out together. With CHUNKING (RFC 3030) nothing has to be asked
before the content, so whole mails follow one another unanswered, as many as the window holds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container
from dataclasses import dataclass
from enum import Enum
from itertools import chain, repeat

from newsletter.delivery import Outcome
from newsletter.mail.servers.replies import (
    ConfusedError,
    Reply,
    ReplyReader,
    Step,
    accepted,
    failure,
    refusal,
)

_CLOSING = 421  # "service not available, closing the channel" (RFC 5321 section 3.8)
_GO_ON = range(354, 355)  # to DATA: the content may come
_GOOD = range(200, 300)


class _Part(Enum):
    """What is said of a mail; a relay answers each of them once, with a code of `wanted` at best."""

    MAIL = "the sender"
    RCPT = "the recipient"
    DATA = "may the content come?", _GO_ON
    BODY = "the content, ended by a dot"
    CHUNK = "the content, its length told before"
    DOT = "no content, to a relay that waits for one nobody is to get"
    RSET = "never mind"

    def __init__(self, _: str, wanted: range = _GOOD) -> None:
        self.wanted = wanted


_Burst = tuple[_Part, ...]
_Bursts = tuple[_Burst, ...]

# What goes out without waiting for an answer in between; DATA must be the last of a burst (RFC 2920
# section 3.1).
_CONTENT: _Burst = (_Part.BODY,)
_LOCK_STEP: _Bursts = ((_Part.MAIL,), (_Part.RCPT,), (_Part.DATA,), _CONTENT)
_PIPELINING: _Bursts = ((_Part.MAIL, _Part.RCPT, _Part.DATA), _CONTENT)
_CHUNKING: _Bursts = ((_Part.MAIL, _Part.RCPT), (_Part.CHUNK,))
_AT_ONCE: _Bursts = ((_Part.MAIL, _Part.RCPT, _Part.CHUNK),)

_Answer = tuple[_Part, _Burst, "Carried | None"]  # to a part of a burst, about a mail

_STEPS = {_Part.MAIL: Step.MAIL, _Part.RCPT: Step.RCPT}


@dataclass(slots=True, kw_only=True, eq=False)
class Carried:
    """A mail on its way.

    Attributes:
        raw: the octets as they shall arrive.
        mail_from, rcpt_to: addresses that an envelope can hold.
        dotless: no line of `raw` begins with a dot.
        is_ours: see `Envelope`.
        outcome: how the attempt ended, once that is known.
        is_given_back: this connection could not take it; another one may.
        bursts: what is still to be said of it.
        ends_at: octets said over this connection when all of it is said; 0 as long as its end waits.
    """

    raw: bytes
    mail_from: str
    rcpt_to: str
    dotless: bool = False
    is_ours: Callable[[], bool] = lambda: True
    outcome: Outcome | None = None
    is_given_back: bool = False
    bursts: _Bursts = ()
    ends_at: int = 0

    @property
    def is_settled(self) -> bool:
        """Whether this connection has nothing more to do with it but to end politely."""
        return self.outcome is not None or self.is_given_back


class Conversation:
    """One connection, from its first mail to its last.

    What is to be said is taken out by `speech`, what the relay says is brought to `hear`. Answers
    belong to what was said by their order, and by nothing else.

    Args:
        offers: the keywords of EHLO in lower case.
        window: mails that may be wholly said and unanswered, with CHUNKING.
        mails: after so many, no further mail may begin.

    Attributes:
        is_leaving: no further mail may begin.
    """

    def __init__(self, *, offers: Container[str], window: int, mails: int) -> None:
        self.is_leaving = False
        self._bursts, self._room = _manners(offers)
        self._is_wide = window > 1 and self._bursts is _CHUNKING
        if self._is_wide:
            self._room = window
        self._tells_size = "size" in offers
        self._mails_left = mails
        self._first: Carried | None = None
        self._under_way: deque[Carried] = deque()
        self._awaited: deque[_Answer] = deque()
        self._is_careful = True
        self._is_unsure = False
        self._reader = ReplyReader()
        self._speech: list[bytes] = []
        self._asks_for: list[_Answer] = []
        self._length = 0

    @property
    def is_idle(self) -> bool:
        """Whether every answer was heard."""
        return not (self._awaited or self._asks_for)

    @property
    def has_room(self) -> bool:
        """Whether a mail may begin."""
        if self.is_leaving or len(self._under_way) >= self._room:
            return False
        return not self._under_way or self._under_way[-1].ends_at > 0

    def begin(self, mail: Carried) -> None:
        """Says as much of a mail as may be said unanswered."""
        self._first = self._first or mail
        self._mails_left -= 1
        self.is_leaving = self._mails_left == 0
        at_once = self._is_wide and not self._is_careful
        if self._is_unsure or (at_once and self._under_way):
            # a refused transaction may still be open, and this mail would get its sender
            self._say((_Part.RSET,), None, (b"RSET\r\n",))
        self._is_careful = self._is_unsure = False
        mail.is_given_back, mail.ends_at = False, 0
        mail.bursts = _AT_ONCE if at_once else self._bursts
        self._under_way.append(mail)
        self._go_on(mail)

    def be_careful(self) -> None:
        """The relay may have gone in the meantime: let the next mail's end wait until it answers."""
        self._is_careful = True

    @property
    def has_speech(self) -> bool:
        """Whether something is to be said now."""
        return bool(self._speech)

    def is_owed(self, said: int) -> bool:
        """Whether the answer to a mail is awaited that was wholly said when so many octets were."""
        return any(0 < mail.ends_at <= said for mail in self._under_way if not mail.is_settled)

    def speech(self) -> list[bytes]:
        """What is to be said now, in pieces: mails are not copied."""
        words, self._speech = self._speech, []
        self._awaited += self._asks_for
        self._asks_for.clear()
        return words

    def hear(self, data: bytes) -> None:
        """Takes what the relay says; what it means for a mail then stands in the mail.

        Raises:
            ConfusedError: the relay is leaving, or what it says can no longer be relied on.
        """
        for reply in self._reader.read(data):
            if not self._awaited:
                raise ConfusedError("the relay said more than it was asked")
            part, burst, mail = self._awaited.popleft()
            if reply.code not in part.wanted:
                self._unwanted(part, mail, reply)
            if part is burst[-1] and mail is not None:
                self._burst_answered(part, mail, reply)

    def break_off(self, error: Exception, said: int) -> None:
        """The connection is of no use any more: each mail gets its outcome or is given back.

        What was wholly said may have been taken (RFC 1047). What was not cannot have been, and is
        given back, unless it was the first: then a new connection would hardly be better.

        Args:
            said: octets that have left us.
        """
        for mail in self._under_way:
            if mail.is_settled:
                continue
            is_said = 0 < mail.ends_at <= said
            if is_said or mail is self._first:
                mail.outcome = failure(error, self._step_of(mail), unserved=not is_said)
            else:
                mail.is_given_back = True

    def _go_on(self, mail: Carried) -> None:
        burst, mail.bursts = mail.bursts[0], mail.bursts[1:]
        self._say(burst, mail, self._words(burst, mail))
        if not mail.bursts:
            mail.ends_at = self._length

    def _say(self, burst: _Burst, mail: Carried | None, words: tuple[bytes, ...]) -> None:
        self._speech += words
        self._length += sum(map(len, words))
        self._asks_for += zip(burst, repeat(burst), repeat(mail))

    def _words(self, burst: _Burst, mail: Carried) -> tuple[bytes, ...]:
        """In pieces: the content is not copied."""
        if burst is _CONTENT:
            return _stuffed(mail), b".\r\n" if mail.raw.endswith(b"\r\n") else b"\r\n.\r\n"
        lines = ""
        if _Part.MAIL in burst:
            size = f" SIZE={len(mail.raw)}" if self._tells_size else ""  # RFC 1870
            lines = f"MAIL FROM:<{mail.mail_from}>{size}\r\n"
        if _Part.RCPT in burst:
            lines += f"RCPT TO:<{mail.rcpt_to}>\r\n"
        if _Part.DATA in burst:
            lines += "DATA\r\n"
        if _Part.CHUNK in burst:
            return f"{lines}BDAT {len(mail.raw)} LAST\r\n".encode(), mail.raw
        return (lines.encode(),)

    def _unwanted(self, part: _Part, mail: Carried | None, reply: Reply) -> None:
        if mail is not None and not mail.is_settled:
            self._refused(part, mail, reply)
        if reply.code == _CLOSING:
            raise ConfusedError("the relay is closing the connection")
        if mail is None or reply.code < 400:
            raise ConfusedError("the relay has lost the thread")

    def _refused(self, part: _Part, mail: Carried, reply: Reply) -> None:
        is_over = reply.code == _CLOSING or _is_enough(reply)
        if is_over and part is _Part.MAIL and mail is not self._first:
            self.is_leaving = mail.is_given_back = True
        else:
            mail.outcome = refusal(reply, _STEPS.get(part, Step.DATA))

    def _burst_answered(self, part: _Part, mail: Carried, reply: Reply) -> None:
        if not mail.is_settled:
            if mail.bursts:
                self._go_on(mail)
                return
            mail.outcome = accepted(reply)
            self._under_way.popleft()
        elif part is _Part.DATA and reply.code in _GO_ON:
            # nobody is to get it, and yet the relay waits for content (RFC 2920 section 3.1)
            self._say((_Part.DOT,), mail, (b".\r\n",))
            mail.ends_at = self._length
        else:
            self._under_way.popleft()
            self._is_unsure = self._is_unsure or part not in (_Part.BODY, _Part.DOT)

    def _step_of(self, mail: Carried) -> Step:
        """What the relay was to answer next about a mail."""
        answers = chain(self._awaited, self._asks_for)
        part = next(part for part, _, about in answers if about is mail)
        return _STEPS.get(part, Step.DATA)


def _manners(offers: Container[str]) -> tuple[_Bursts, int]:
    """How to speak to a relay, and how many mails are under way at a time.

    Two are: one whose end is said, and the envelope of the next.
    """
    if "pipelining" not in offers:
        return _LOCK_STEP, 1
    return _CHUNKING if "chunking" in offers else _PIPELINING, 2


def _is_enough(reply: Reply) -> bool:
    """OpenSMTPD's way to say that a connection has had its hundred mails."""
    return reply.code == 452 and reply.status == "4.5.3"


def _stuffed(mail: Carried) -> bytes:
    """The content with the dots at the beginning of lines doubled (RFC 5321 section 4.5.2).

    To look for them takes 50 us in a mail of 56 KB, more than all the rest.
    """
    if mail.dotless:
        return mail.raw
    stuffed = mail.raw.replace(b"\n.", b"\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
