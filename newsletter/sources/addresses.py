"""Connections to public addresses only: checked after the name is resolved, so that no name can lie."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError

from newsletter.errors import SourceError
from newsletter.sources.urls import host_of

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """False for loopback, private, link-local, reserved and multicast addresses.

    IPv4 inside IPv6 (mapped, NAT64, 6to4, Teredo) counts as what is inside.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _inner(ip)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def is_this_machine(url: str) -> bool:
    """True when the address says literally that it leads to the machine we run on."""
    host = host_of(url)
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def public_address(host: str, addresses: Sequence[str]) -> str:
    """The address to connect to.

    Raises:
        SourceError: one of them is not public; a name that mixes both is up to something.
    """
    if not addresses or not all(map(is_public, addresses)):
        raise SourceError(
            f"{host} leads to a private or reserved network address, which is not asked "
            "(sources.allow_private = true allows it)"
        )
    return addresses[0]


class _Checked(HTTPConnection):
    """Resolves once, checks, and connects to exactly the address it has checked (DNS rebinding)."""

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        try:
            found = socket.getaddrinfo(name, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(self.host, self, reason) from error
        address = public_address(self.host, [str(entry[4][0]) for entry in found])
        try:
            self._dns_host = address
            return super()._new_conn()
        finally:
            self._dns_host = name  # the certificate is for the name


class _CheckedTls(_Checked, HTTPSConnection):
    """The same with TLS: only the making of the socket is ours."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Checked


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _CheckedTls


class PublicAdapter(HTTPAdapter):
    """A requests adapter whose direct connections reach public addresses only."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools: PoolManager = self.poolmanager
        pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
