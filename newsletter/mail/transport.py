"""The seam between a finished mail and whatever takes it away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from newsletter.delivery import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A finished mail and the envelope it travels in (RFC 5321 section 2.3.1).

    Attributes:
        raw: the octets as they shall arrive.
        sender, recipient: of the envelope, not of the headers.
        dotless: whoever made `raw` has seen to it that no line of it begins with a dot, so that
            nobody has to look for one. Where that is not true, a mail can be cut off or another
            one be smuggled in.
    """

    raw: bytes
    sender: str
    recipient: str
    dotless: bool = False


class Transport(Protocol):
    """Takes finished mails, one at a time; used by one thread."""

    def send(self, raw: bytes, *, sender: str, recipient: str) -> Outcome:
        """Tries to hand one mail over; what goes wrong on the way is in the outcome.

        Args:
            raw: the octets as they shall arrive.
            sender, recipient: the envelope (RFC 5321 section 2.3.1), not the headers.

        Raises:
            MailError: an address that no envelope can hold.
        """
        ...

    def close(self) -> None:
        """Lets go of what is held open; never raises."""
        ...
