"""The seam between finished mails and whatever takes them away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from newsletter.delivery import Outcome


class Envelope(NamedTuple):
    """A finished mail and the envelope it travels in (RFC 5321 section 2.3.1).

    Attributes:
        raw: the octets as they shall arrive.
        sender, recipient: of the envelope, not of the headers.
        dotless: whoever made `raw` has seen to it that no line of it begins with a dot, so that
            nobody has to look for one. Where that is not true, a mail can be cut off or another
            one be smuggled in.
        is_ours: asked before anything of it is said: false once another process may have it.
    """

    raw: bytes
    sender: str
    recipient: str
    dotless: bool = False
    is_ours: Callable[[], bool] = lambda: True


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
