"""A small DNS server on this machine: it answers by UDP what the test wrote down, else NXDOMAIN."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset


class Zone:
    """What the server knows: (name, kind) -> records in zone file form."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.refuses = False
        self.asked: list[str] = []
        self._records: dict[tuple[str, str], list[str]] = {}

    def put(self, name: str, kind: str, *records: str) -> None:
        """These records and no others of the kind."""
        self._records[(f"{name.lower()}.", kind)] = list(records)

    def text(self, name: str, *texts: str) -> None:
        """TXT records, each cut into strings of at most 200 characters."""
        cut = (" ".join(f'"{t[at : at + 200]}"' for at in range(0, len(t), 200)) for t in texts)
        self.put(name, "TXT", *cut)

    def resolver(self) -> dns.resolver.Resolver:
        """Asks this server only."""
        made = dns.resolver.Resolver(configure=False)
        made.nameservers = ["127.0.0.1"]
        made.port = self.port
        return made

    def answer(self, wire: bytes) -> bytes:
        """What is sent back."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{name} {kind}")
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if self.refuses:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif records := self._records.get((name, kind)):
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
        elif not any(known == name for known, _ in self._records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()


@contextmanager
def dns_running() -> Iterator[Zone]:
    """The server in a thread of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        zone = Zone(sock.getsockname()[1])
        thread = Thread(target=_serve, args=(sock, zone))
        thread.start()
        try:
            yield zone
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.sendto(b"", ("127.0.0.1", zone.port))
            thread.join(10)


def _serve(sock: socket.socket, zone: Zone) -> None:
    while True:
        wire, whom = sock.recvfrom(4096)
        if not wire:  # the end
            return
        sock.sendto(zone.answer(wire), whom)
