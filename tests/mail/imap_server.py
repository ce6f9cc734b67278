"""A small IMAP server for the tests of the mail room: one mailbox, a few commands, adjustable."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

LOGIN = ("reports@newsletter.example", 's3cret "word"')


@dataclass
class Mail:
    """One mail in a folder."""

    raw: bytes
    flags: set[str] = field(default_factory=set)


@dataclass
class Mailroom:
    """The folders by name and UID, and how the server behaves."""

    folders: dict[str, dict[int, Mail]] = field(
        default_factory=lambda: {"INBOX": {}, "Processed mail": {}}
    )
    abilities: str = "UIDPLUS MOVE"
    refuse: str = ""  # a command that gets NO
    hang_up_at: str = ""
    unreadable: dict[int, str] = field(default_factory=dict)  # UIDs, and what is said of them
    says: dict[str, bytes] = field(default_factory=dict)  # raw answers instead of the right ones
    heard: list[str] = field(default_factory=list)
    encrypted: bool = False

    def put(self, raw: bytes) -> int:
        uid = max((max(folder, default=0) for folder in self.folders.values()), default=0) + 1
        self.folders["INBOX"][uid] = Mail(raw)
        return uid

    def left(self, folder: str = "INBOX") -> dict[int, set[str]]:
        return {uid: mail.flags for uid, mail in self.folders[folder].items()}


class _Session:
    """One connection, from the greeting to the goodbye."""

    def __init__(self, room: Mailroom, plug: socket.socket, tls: ssl.SSLContext | None) -> None:
        self._room, self._plug, self._tls = room, plug, tls
        self._file = plug.makefile("rb")
        self._folder = ""

    def run(self) -> None:
        self._say(b"* OK ready\r\n")
        while line := self._file.readline():
            tag, command, rest = _parted(line.decode())
            self._room.heard.append(command)
            if command == self._room.hang_up_at:
                return
            if command in self._room.says:
                self._say(self._room.says[command].replace(b"TAG", tag.encode()))
                continue
            refused = command == self._room.refuse
            word = "NO not now" if refused else getattr(self, f"_{command.lower()}")(rest) or "OK"
            self._say(f"{tag} {word} done\r\n".encode())
            if command == "LOGOUT":
                return
            if command == "STARTTLS" and not refused:
                self._plug = self._tls.wrap_socket(self._plug, server_side=True)
                self._file = self._plug.makefile("rb")
                self._room.encrypted = True

    def close(self) -> None:
        self._file.close()
        self._plug.close()

    def _say(self, octets: bytes) -> None:
        self._plug.sendall(octets)

    def _capability(self, rest: str) -> str:
        more = self._room.abilities if self._folder is None else ""
        starttls = "STARTTLS" if self._tls else ""
        self._say(f"* CAPABILITY IMAP4rev1 {starttls} {more}\r\n".encode())
        return "OK"

    def _starttls(self, rest: str) -> str:
        return "OK"

    def _login(self, rest: str) -> str:
        name, password = (_unquoted(word) for word in re.findall(r'"(?:\\.|[^"])*"', rest))
        if (name, password) != LOGIN:
            return "NO [AUTHENTICATIONFAILED] wrong user or password"
        self._folder = None  # only now it tells all it can do
        return "OK"

    def _select(self, rest: str) -> str:
        self._folder = _unquoted(rest)
        if self._folder not in self._room.folders:
            return "NO no such folder"
        self._say(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] fine\r\n")
        return "OK [READ-WRITE]"

    def _status(self, rest: str) -> str:
        name, _, _ = rest.rpartition(" (")
        if _unquoted(name) not in self._room.folders:
            return "NO no such folder"
        self._say(f"* STATUS {name} (MESSAGES 0)\r\n".encode())
        return "OK"

    def _logout(self, rest: str) -> str:
        self._say(b"* BYE\r\n")
        return "OK"

    def _search(self, rest: str) -> str:
        wanted = [
            str(uid)
            for uid, mail in self._mails.items()
            if not mail.flags & {r"\Seen", r"\Deleted"}
        ]
        self._say(f"* SEARCH {' '.join(reversed(wanted))}\r\n".encode())
        return "OK"

    def _fetch(self, rest: str) -> str:
        uid, limit = re.fullmatch(r"(\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", rest).groups()
        if said := self._room.unreadable.get(int(uid)):
            if said.startswith("BYE"):  # as Dovecot does
                self._say(f"* {said}\r\n".encode())
                raise ConnectionError
            return said
        if (mail := self._mails.get(int(uid))) is not None:
            raw = mail.raw[: int(limit)]
            self._say(
                f"* 1 FETCH (UID {uid} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")\r\n"
            )
        return "OK"

    def _store(self, rest: str) -> str:
        uid, flags = re.fullmatch(r"(\d+) \+FLAGS\.SILENT \((.*)\)", rest).groups()
        self._mails[int(uid)].flags |= set(flags.split())
        return "OK"

    def _copy(self, rest: str) -> str:
        uid, _, folder = rest.partition(" ")
        if _unquoted(folder) not in self._room.folders:
            return "NO [TRYCREATE] no such folder"
        self._room.folders[_unquoted(folder)][int(uid)] = Mail(self._mails[int(uid)].raw)
        return "OK"

    def _move(self, rest: str) -> str:
        word = self._copy(rest)
        if word == "OK":
            del self._mails[int(rest.partition(" ")[0])]
        return word

    def _expunge(self, rest: str) -> str:
        if r"\Deleted" in self._mails[int(rest)].flags:
            del self._mails[int(rest)]
        return "OK"

    @property
    def _mails(self) -> dict[int, Mail]:
        return self._room.folders[self._folder]


def _parted(line: str) -> tuple[str, str, str]:
    tag, _, rest = line.strip("\r\n").partition(" ")
    command, _, rest = rest.removeprefix("UID ").partition(" ")
    return tag, command.upper(), rest


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text.strip().removeprefix('"').removesuffix('"'))


@contextmanager
def imap_running(
    room: Mailroom, *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """The port of a server for this room; connections are served one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=_serve, args=(listener, room, starttls, tls), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _serve(
    listener: socket.socket,
    room: Mailroom,
    starttls: ssl.SSLContext | None,
    tls: ssl.SSLContext | None,
) -> None:
    while True:
        try:
            plug, _ = listener.accept()
        except OSError:
            return
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # answers come in pieces
        with suppress(OSError), plug:
            if tls is not None:
                plug = tls.wrap_socket(plug, server_side=True)
                room.encrypted = True
            session = _Session(room, plug, starttls)
            try:
                session.run()
            finally:
                session.close()
