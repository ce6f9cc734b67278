"""Whom we trust when a relay or a mailbox speaks TLS, and when we may do without."""

from __future__ import annotations

import ipaddress
import ssl
from contextlib import suppress

from newsletter.errors import MailError


def trust(ca_file: str) -> ssl.SSLContext:
    """Certificates and host names are checked, TLS 1.2 is the least (Python's own defaults).

    Args:
        ca_file: PEM file of the certificates to trust instead of the system's; empty: the system's.

    Raises:
        MailError: the file cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        raise MailError(
            f"the certificates to trust cannot be read from {ca_file}: {error.strerror or error}"
        ) from error


def is_loopback(host: str) -> bool:
    """Whether what is said to this host never leaves the machine."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.lower() == "localhost"
