"""Addresses: which may be asked, and how they are shown without their secrets."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urljoin, urlsplit

from newsletter.errors import SourceError

_WEB = ("http", "https")


def shown(url: str) -> str:
    """The address for a message: without user, password, query and fragment, which may be secret."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    bare = re.sub(r"(?<=://)[^/@]*@", "", bare)
    return bare + ("?…" if len(bare) < len(url) and "?" in url else "")


def host_of(url: str) -> str:
    """The host in lower case, empty if there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def checked(url: str, hosts: Collection[str]) -> str:
    """The address as it may be asked.

    Args:
        hosts: lower-case names that may be asked, compared exactly.

    Raises:
        SourceError: not http(s), malformed, with a user name in it, or a host that is not allowed.
    """
    parts = _split(url)
    if parts.scheme not in _WEB:
        raise _refused(url, "only http and https addresses can be read")
    if parts.username is not None or parts.password is not None:
        raise _refused(url, "an address with a user name or password in it is not used")
    host = parts.hostname or ""
    if not host:
        raise _refused(url, "this address names no host")
    if host not in hosts:
        raise _refused(url, f"{host} is not among the allowed hosts (extra_hosts)")
    return url


def followed(url: str, location: str, hosts: Collection[str]) -> str:
    """Where a redirect leads, if it may be followed.

    Raises:
        SourceError: it leaves the allowed hosts or falls from https to http.
    """
    try:
        target = urljoin(url, location)
    except ValueError:
        raise _refused(url, "it redirects to something that is no address") from None
    if url.startswith("https:") and not target.startswith("https:"):
        raise _refused(url, "it redirects from https to an unprotected address")
    return checked(target, hosts)


def same_site(one: str, other: str) -> bool:
    """True for the same scheme, host and port."""
    return _site(one) == _site(other)


def _site(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def _split(url: str) -> SplitResult:
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise _refused(url, "there is a blank, a backslash or a control character in the address")
    try:
        url.encode("utf-8")
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError:
        raise _refused(url, "this is no usable address") from None
    return parts


def _refused(url: str, why: str) -> SourceError:
    return SourceError(why, source=shown(url)[:200])
