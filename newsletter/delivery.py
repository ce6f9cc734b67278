"""The nouns of a mail on its way: what it is for, how far it is, how an attempt ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from newsletter.enums import StrEnum

HELD_BACK = "pre-flight: "
"""How `last_error` begins of a mail that did not leave because it would have arrived broken."""


class Result(StrEnum):
    """What a relay made of one mail: taken over, to be tried again later, or refused for good."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt to hand a mail over ended.

    Attributes:
        reply: the SMTP reply code (RFC 5321 section 4.2); 0 where the connection failed.
        status: the enhanced status code (RFC 3463) such as `5.1.1`, where the relay gives one.
        detail: the relay's words on one line, without the address.
        unserved: the relay did not get so far as to speak of this mail (no connection, no login,
            421 before the recipient): another relay may be asked at once without a second copy.
        let_go: our claim was over before all of it was said; the relay has not got it from us.
    """

    result: Result
    reply: int = 0
    status: str = ""
    detail: str = ""
    unserved: bool = False
    let_go: bool = False


class Errand(StrEnum):
    """What a mail of ours is for."""

    DIGEST = "digest"
    CONFIRM = "confirm"
    SETTINGS = "settings"


class DeliveryState(StrEnum):
    """How far a mail is on its way; the last three are final."""

    QUEUED = "queued"
    SENDING = "sending"
    DEFERRED = "deferred"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One mail to one subscriber, from the decision to send it to its end.

    Attributes:
        id: of the digest, or of the mailed token: the content is made from it when it leaves.
        attempts: how often a relay was asked, the present attempt included.
        next_attempt_at: not before this instant.
        leased_until: who is sending it must have finished by then, or somebody else takes over.
        fingerprint: of the octets it was last sent as (see `newsletter.mail.fingerprint`).
    """

    id: str
    errand: Errand
    subscriber_id: str
    created_at: datetime
    next_attempt_at: datetime
    state: DeliveryState = DeliveryState.QUEUED
    attempts: int = 0
    leased_until: datetime | None = None
    last_error: str = ""
    sent_at: datetime | None = None
    fingerprint: str = ""
