"""An e-mail address as somebody typed it -> the form we send to and the key that makes it unique."""

from __future__ import annotations

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from newsletter.errors import AddressError, harmless

_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One address.

    Attributes:
        written: for the envelope: the local part as written (its case may matter to its server,
            RFC 5321 section 2.4), the domain in lower-case ASCII (IDNA).
        key: equal for two spellings of one mailbox: no server in use tells `Ines` from `ines`.
    """

    written: str
    key: str


def mailbox(text: str) -> Mailbox:
    """Reads an address without asking any server.

    Raises:
        AddressError: with the reason in a sentence.
    """
    try:
        # No SMTPUTF8: a local part beyond ASCII is refused now, not at the first digest.
        found = validate_email(
            text.strip(), check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError as error:
        raise AddressError(f"{_shown(text)} is no e-mail address we can use: {error}") from None
    written = found.ascii_email or found.normalized
    return Mailbox(written=written, key=written.lower())


def _shown(text: str) -> str:
    plain = harmless(text.strip())
    return f"“{plain if len(plain) <= _SHOWN else plain[:_SHOWN] + '…'}”"
