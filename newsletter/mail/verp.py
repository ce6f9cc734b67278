"""Return paths that name the delivery they belong to (VERP), signed so that none can be made up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

from newsletter.errors import MailError
from newsletter.links import Key
from newsletter.mail.wire import address
from newsletter.mail.wording import shorten, tidy

_LOCAL_LIMIT = 64  # octets, RFC 5321 section 4.5.3.1.1
_ID = re.compile(r"[a-z0-9-]{1,45}")
_OURS = re.compile(
    r"<?[^\s<>@]{1,64}\+([a-z0-9-]{1,45})\.([a-z2-7]{16})@[^\s<>@]{1,255}>?", re.ASCII
)
_MAC_OCTETS = 10  # 80 bits: a forger has to send a mail for every guess


class ReturnPaths:
    """Makes the envelope sender of each mail and reads it in what comes back.

    `b+<delivery id>.<16 letters>@bounce.newsletter.example`: what stands behind the plus is the
    subaddress (RFC 5233), which the mail server delivers to the mailbox `b`.

    Args:
        mailbox: where reports go, e.g. `b@bounce.newsletter.example`. SPF is judged on its domain;
            one below the From domain aligns for DMARC.
        keys: the newest (highest version) signs, all of them are still read.

    Raises:
        MailError: the mailbox is no address, or its first part is too long for what is added.
    """

    def __init__(self, mailbox: str, keys: Sequence[Key]) -> None:
        self._local, _, self._domain = address(mailbox).rpartition("@")
        self.renew(keys)
        if len(self._local) > _LOCAL_LIMIT - 50:  # plus, an id of 32 digits, dot, 16 letters
            raise MailError(
                f"“{self._local}” is too long for the mailbox of reports: at most 14 characters"
            )

    def renew(self, keys: Sequence[Key]) -> None:
        """Signs and reads with these keys from now on."""
        self._keys = sorted(keys, key=lambda key: key.version, reverse=True)

    def make(self, delivery_id: str) -> str:
        """The return path of one delivery; the same id gives the same address.

        Raises:
            MailError: the id is none of ours, so that the address would be too long or ambiguous.
        """
        local = f"{self._local}+{delivery_id}.{_mac(self._keys[0], delivery_id)}"
        if not _ID.fullmatch(delivery_id) or len(local) > _LOCAL_LIMIT:
            shown = shorten(tidy(delivery_id), 60)
            raise MailError(f"the delivery id “{shown}” cannot stand in a return path")
        return f"{local}@{self._domain}"

    def read(self, text: str) -> str | None:
        """The delivery a return path belongs to; `None` if we did not make it.

        Case does not matter, for servers change it. Neither do the mailbox and the domain: both may
        have been others when the mail left, and the signature says enough.
        """
        found = _OURS.fullmatch(text.strip().lower())
        if found is None:
            return None
        delivery_id, mac = found.groups()
        genuine = (hmac.compare_digest(_mac(key, delivery_id), mac) for key in self._keys)
        return delivery_id if any(genuine) else None


def _mac(key: Key, delivery_id: str) -> str:
    # The purpose stands in front, so that no signed link can serve as a return path.
    said = f"newsletter.return-path\n{delivery_id}".encode()
    octets = hmac.digest(key.secret.encode(), said, hashlib.sha256)[:_MAC_OCTETS]
    return base64.b32encode(octets).decode().lower()
