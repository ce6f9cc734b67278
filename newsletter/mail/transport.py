"""The seam between finished mails and whatever takes them away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from newsletter.delivery import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A finished mail and the envelope it travels in (RFC 5321 section 2.3.1).

    Attributes:
        raw: the octets as they shall arrive.
        sender, recipient: of the envelope, not of the headers.
    """

    raw: bytes
    sender: str
    recipient: str


class Transport(Protocol):
    """Takes finished mails over one connection; used by one thread."""

    def carry(self, mails: Iterable[Envelope]) -> Iterator[Outcome]:
        """Tries to hand mails over; what goes wrong on the way is in their outcomes.

        One outcome for each mail that was taken from `mails`, in that order. Further mails may be
        taken before the outcome of a former one is told, and not all of them need to be.

        Raises:
            MailError: an address that no envelope can hold.
        """
        ...

    def close(self) -> None:
        """Lets go of what is held open; never raises."""
        ...


def send(transport: Transport, raw: bytes, *, sender: str, recipient: str) -> Outcome:
    """Tries to hand a single mail over.

    Raises:
        MailError: an address that no envelope can hold.
    """
    (outcome,) = transport.carry([Envelope(raw=raw, sender=sender, recipient=recipient)])
    return outcome
