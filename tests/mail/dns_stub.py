"""A name server on this machine that knows one sender's records and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Records = Mapping[tuple[str, str], str]


@contextmanager
def name_server(records: Records) -> Iterator[int]:
    """Its UDP port; records are told by (name, type)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        thread = Thread(target=_serve, args=(listening, records))
        thread.start()
        try:
            yield port
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
                caller.sendto(b"", ("127.0.0.1", port))
            thread.join()


def _serve(listening: socket.socket, records: Records) -> None:
    while True:
        wire, caller = listening.recvfrom(4096)
        if not wire:
            return
        listening.sendto(_answer(dns.message.from_wire(wire), records).to_wire(), caller)


def _answer(query: dns.message.Message, records: Records) -> dns.message.Message:
    answer = dns.message.make_response(query, recursion_available=True)
    (asked,) = query.question
    name = asked.name.to_text(omit_final_dot=True).lower()
    kind = dns.rdatatype.to_text(asked.rdtype)
    if (name, kind) in records:
        answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, records[name, kind]))
    elif all(known != name for known, _ in records):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer
