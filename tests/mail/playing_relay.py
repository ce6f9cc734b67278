"""A relay that plays a part: keeps to RFC 5321, 2920 and 3030, and misbehaves exactly where told."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

PIPELINING = ("PIPELINING", "SIZE 10240000")
CHUNKING = ("PIPELINING", "CHUNKING", "SIZE 10240000")
MANNERS = {"lock-step": (), "pipelining": PIPELINING, "chunking": CHUNKING}

HANG_UP = "hang up"  # without an answer, replies that were held back lost
ANSWER_AND_HANG_UP = "answer and hang up"

_NUMBER = re.compile(rb"\+?(\d+)@")


@dataclass
class Part:
    """What is played, and what was seen.

    Attributes:
        acts: by number of the mail and stage (`mail`, `rcpt`, `data`, `end`, `rset`): what happens
            there instead of a good answer, each once. A number below 0 counts connections.
        fragment: replies are sent in pieces of so many octets; 0: whole.
        is_patient: replies are held back while there is more to read (RFC 2920 section 3.2).
        asks_anyway: 354 to DATA even if nobody is to get the mail.
        keeps_refused: a refused BDAT leaves the transaction open, as with Exim.
        abrupt: hangs up with a reset.
        per_connection: more mails get `452 4.5.3`.
        taken: mails accepted and answered, by number, in order.
        unsaid: mails accepted whose answer never left.
        wrongs: what no client should have done.
    """

    offers: tuple[str, ...] = ()
    acts: dict[tuple[int, str], list[str]] = field(default_factory=dict)
    fragment: int = 0
    is_patient: bool = False
    asks_anyway: bool = False
    keeps_refused: bool = False
    abrupt: bool = False
    per_connection: int = 10_000
    greeting: str = "220 play.example"
    taken: list[int] = field(default_factory=list)
    unsaid: list[int] = field(default_factory=list)
    octets: dict[int, bytes] = field(default_factory=dict)
    wrongs: list[str] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    connections: int = 0
    goodbyes: int = 0


class _HungUpError(Exception):
    pass


class _Guest:
    """One connection."""

    def __init__(self, part: Part, connection: socket.socket) -> None:
        self.part = part
        self.connection = connection
        self.unread = b""
        self.unsaid: list[tuple[bytes, int | None]] = []
        self.sender: int | None = None
        self.recipient: int | None = None
        self.in_mail = False
        self.mails = 0

    def serve(self) -> None:
        with suppress(_HungUpError, OSError):
            self.say(self.part.greeting)
            while True:
                self.obey(self.line())
        for _, mail in self.unsaid:
            if mail is not None:
                self.part.unsaid.append(mail)
        self.part_with()

    def part_with(self) -> None:
        if self.part.fragment:  # many small segments wait for one another: let them leave first
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_WR)
                while self.connection.recv(1 << 16):
                    pass
        elif self.part.abrupt:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def obey(self, line: bytes) -> None:
        verb, _, rest = line.strip().partition(b" ")
        self.part.heard.append(line.strip())
        answer = getattr(self, f"on_{verb.decode('ascii', 'replace').lower()}", None)
        if answer is None:
            self.part.wrongs.append(f"unknown command {line[:40]!r}")
            self.say("500 what?")
        else:
            answer(rest)

    def on_ehlo(self, rest: bytes) -> None:
        lines = ["play.example", *self.part.offers]
        text = [f"250{'-' if line != lines[-1] else ' '}{line}" for line in lines]
        self.say("\r\n".join(text))

    def on_quit(self, rest: bytes) -> None:
        self.part.goodbyes += 1
        self.say("221 bye")
        self.flush()
        raise _HungUpError

    def on_rset(self, rest: bytes) -> None:
        self.forget()
        self.play(-self.part.connections, "rset", "250 forgotten")

    def on_mail(self, rest: bytes) -> None:
        number = _number(rest)
        if self.in_mail:
            self.say("503 5.5.1 nested MAIL")
        elif self.mails >= self.part.per_connection:
            self.say("452 4.5.3 too many messages sent")
        elif self.play(number, "mail", "250 2.1.0 sender fine"):
            self.in_mail, self.sender = True, number

    def on_rcpt(self, rest: bytes) -> None:
        number = _number(rest)
        if not self.in_mail:
            self.say("503 5.5.1 no MAIL")
            return
        if number != self.sender:
            self.part.wrongs.append(f"recipient {number} under sender {self.sender}")
        if self.play(number, "rcpt", "250 2.1.5 recipient fine"):
            self.recipient = number

    def on_data(self, rest: bytes) -> None:
        if self.unread:
            self.part.wrongs.append("spoke on after DATA")
        if self.recipient is None and not (self.part.asks_anyway and self.in_mail):
            self.say("554 5.5.1 no valid recipients" if self.in_mail else "503 5.5.1 no MAIL")
            return
        if not self.play(self.sender or 0, "data", "354 go on"):
            return
        lines = []
        while (line := self.line()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        self.end(b"".join(lines))

    def on_bdat(self, rest: bytes) -> None:
        size, _, last = rest.partition(b" ")
        if "CHUNKING" not in self.part.offers or last != b"LAST":
            self.part.wrongs.append("BDAT that nobody offered")
        raw = self.octets(int(size))
        if self.recipient is None:
            if not self.part.keeps_refused:
                self.forget()
            self.say("503 5.5.1 BDAT needs a recipient")
        else:
            self.end(raw)

    def end(self, raw: bytes) -> None:
        number = self.recipient
        self.forget()
        if number is None:
            self.say("554 5.5.1 no valid recipients")
            return
        self.mails += 1
        self.part.octets[number] = raw
        self.play(number, "end", f"250 2.0.0 taken as {number}", mail=number)

    def forget(self) -> None:
        self.in_mail, self.sender, self.recipient = False, None, None

    def play(self, number: int, stage: str, good: str, mail: int | None = None) -> bool:
        """Says the good answer or what the part has instead; whether it was good."""
        acts = self.part.acts.get((number, stage))
        act = acts.pop(0) if acts else good
        if act == HANG_UP:
            if mail is not None:
                self.part.unsaid.append(mail)
            raise _HungUpError
        if act == ANSWER_AND_HANG_UP:
            self.say(good, mail)
            self.flush()
            raise _HungUpError
        is_good = act[:1] == good[:1]
        self.say(act, mail if is_good else None)
        if act.startswith("421"):
            self.flush()
            raise _HungUpError
        return is_good

    def say(self, text: str, mail: int | None = None) -> None:
        self.unsaid.append((text.encode("latin-1") + b"\r\n", mail))
        if not self.part.is_patient or self.part.fragment:
            self.flush()

    def flush(self) -> None:
        while self.unsaid:
            words, mail = self.unsaid[0]
            size = self.part.fragment or len(words)
            for start in range(0, len(words), size):
                self.connection.sendall(words[start : start + size])
            self.unsaid.pop(0)
            if mail is not None:
                self.part.taken.append(mail)

    def line(self) -> bytes:
        while b"\n" not in self.unread:
            self.more()
        line, end, self.unread = self.unread.partition(b"\n")
        return line + end

    def octets(self, count: int) -> bytes:
        while len(self.unread) < count:
            self.more()
        found, self.unread = self.unread[:count], self.unread[count:]
        return found

    def more(self) -> None:
        self.flush()
        data = self.connection.recv(1 << 16)
        if not data:
            raise _HungUpError
        self.unread += data


def _number(text: bytes) -> int:
    found = _NUMBER.search(text)
    return int(found[1]) if found else -1


@contextmanager
def playing(part: Part, *, small: bool = False) -> Iterator[int]:
    """The port where the part is played, one connection after another; `small`: tiny buffers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if small:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        thread = Thread(target=_play, args=(listener, part), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(20)
            assert not thread.is_alive(), "the relay still plays"


def _play(listener: socket.socket, part: Part) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        part.connections += 1
        _Guest(part, connection).serve()
