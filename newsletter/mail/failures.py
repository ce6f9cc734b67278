"""What a failed delivery says of a mailbox: gone for good, or not now (pure)."""

from __future__ import annotations

import re

# Hard is only what says that this mailbox does not exist. All else may be about the mail, about us
# or about a bad day; it counts, and who keeps failing is dropped in the end (`bouncing`). Sources:
# RFC 3463 section 3, and the registry it founded (RFC 5248) where an RFC is named.
#
#   status          meaning                                            verdict
#   5.1.1, 5.1.2    no such mailbox; no such domain                    hard
#   5.1.3           not an address                                     hard
#   5.1.6           moved, nobody knows where                          hard
#   5.1.10          the domain says it takes no mail (RFC 7505)        hard
#   5.2.1           mailbox disabled (Gmail: also "at a rate that")    hard, if the words agree
#   5.0.0, 5.1.0    "other": the words of the reply decide, see below
#   5.1.4, 5.1.9    ambiguous; relayed beyond what can be known        soft
#   5.1.7, 5.1.8    our own address is refused                         soft
#   5.2.2           mailbox full                                       soft
#   5.2.3, 5.2.4    mail too long; trouble with a list behind it       soft
#   5.3.x           system full, too old, misconfigured                soft
#   5.4.x           network and routing; 5.4.7: gave up after days     soft
#   5.5.x, 5.6.x    protocol; content and conversion: our mail         soft
#   5.7.x           policy, spam, authentication (RFC 7372): us        soft
#   4.x.x           a failure for now, or tried for too long           soft
#
# A missing word is a reader lost, a soft verdict too many only a few days: in doubt, soft.
_GONE = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"))
_VAGUE = frozenset(("5.0.0", "5.1.0"))

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)", re.ASCII)
_REPLY = re.compile(r"(?<![\d.])([245]\d\d)(?=[ -])", re.ASCII)
_NO_MAILBOX = frozenset(("550", "551", "553"))  # RFC 5321 section 4.2.3
_POLICY = re.compile(
    r"spam|spf|dkim|dmarc|dns|block|black|bann|deny|denied|policy|reput|listed|rbl|abus|junk|virus"
    r"|content|auth|sender|relay|rate|limit|too many|quota|full|size|large|greylist|try again|later",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"(?:no such|unknown|unrouteable|non-?existent|invalid) (?:local )?(?:user|mailbox|recipient|"
    r"address|account|person)"
    r"|(?:user|mailbox|recipient|account)(?: is| was)? (?:unknown|not found|does ?n[o']t exist)"
    r"|does not exist|mailbox unavailable|no mailbox (?:here|by that name)",
    re.IGNORECASE,
)


def is_permanent(status: str, words: str = "") -> bool:
    """Whether a refusal means that the mailbox is gone for good.

    Args:
        status: enhanced status code such as `5.1.1`; empty or nonsense where none was given.
        words: what the refusing server said, with its reply code if known.
    """
    code = _precise(status, words)
    if _said(_REPLY, words).startswith("4"):
        return False  # tried for days and never refused
    if code in _VAGUE or not code:
        return _speaks_of_nobody(words)
    return code in _GONE and not (code == "5.2.1" and _POLICY.search(words[:1000]))


def status_in(text: str) -> str:
    """The first enhanced status code of a text, leading zeros gone; empty if there is none."""
    found = _STATUS.search(text[:1000])
    return ".".join(str(int(part)) for part in found.groups()) if found else ""


def _precise(status: str, words: str) -> str:
    """Exim writes 5.0.0 into every report; the code of the reply itself knows better."""
    code = status_in(status)
    return (status_in(words) or code) if code in _VAGUE or not code else code


def _speaks_of_nobody(words: str) -> bool:
    words = words[:1000]
    if _said(_REPLY, words) not in _NO_MAILBOX or _POLICY.search(words):
        return False
    return _NOBODY.search(words) is not None


def _said(pattern: re.Pattern[str], words: str) -> str:
    found = pattern.search(words[:1000])
    return found[1] if found else ""
