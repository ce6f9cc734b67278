"""How often may one network, and everybody together, do something: moving windows of flat size.

The library `limits` 5.8.0 was tried and left: its memory storage reads the clock itself, runs a
thread of its own and keeps one key for every network for good (measured: 5,001 keys after 5,000
networks had expired).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

_SUBNET_BITS = 64  # what one IPv6 customer gets at least; within it addresses cost nothing
NOWHERE = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most so many within any `seconds` on end; `most` 0 forbids it altogether."""

    most: int
    seconds: float


class Gate:
    """Counts what networks did, each on its own and all together; instants are seconds.

    Who asks counts only what `wait` and `wait_of_all` allowed. So the table never holds more
    networks than all together may do within the longest period of one network.
    Not thread-safe: the doorman holds the lock.
    """

    def __init__(self, *, each: Sequence[Limit], together: Limit) -> None:
        self._each = tuple(each)
        self._together = together
        self._kept = max(limit.most for limit in each)
        self._longest = max(limit.seconds for limit in each)
        self._all: deque[float] = deque(maxlen=together.most)
        self._networks: OrderedDict[str, deque[float]] = OrderedDict()  # last seen comes last

    def __len__(self) -> int:
        """How many networks are remembered."""
        return len(self._networks)

    def wait(self, network: str, now: float) -> float:
        """Seconds until this network may once more; 0 if it may now."""
        times = self._networks.get(network, ())
        return max(_wait(times, limit, now) for limit in self._each)

    def wait_of_all(self, now: float) -> float:
        """Seconds until anybody may once more; 0 if they may now."""
        return _wait(self._all, self._together, now)

    def count(self, network: str, now: float) -> None:
        """Writes down that the network did it, and forgets those whose last time is long ago."""
        times = self._networks.setdefault(network, deque(maxlen=self._kept))
        times.append(now)
        self._networks.move_to_end(network)
        self._all.append(now)
        self._forget(now - self._longest)

    def since(self, instant: float) -> int:
        """How often it was done after that instant, all together."""
        return sum(at > instant for at in self._all)

    def networks_since(self, instant: float) -> int:
        """How many of the remembered networks did it after that instant."""
        return sum(times[-1] > instant for times in self._networks.values())

    def _forget(self, instant: float) -> None:
        while self._networks:
            network, times = next(iter(self._networks.items()))
            if times[-1] > instant:
                return
            del self._networks[network]


def _wait(times: Sequence[float], limit: Limit, now: float) -> float:
    if len(times) < limit.most:
        return 0.0
    if not limit.most:
        return limit.seconds
    return max(0.0, times[-limit.most] + limit.seconds - now)


def network_of(client: str) -> str:
    """Whom a client counts as: the IPv4 address, the /64 of an IPv6 address, or `NOWHERE`.

    Everything that is no address shares one place, so that garbage buys nothing.
    """
    try:
        address = _unwrapped(ip_address(client.strip()))
    except ValueError:
        return NOWHERE
    if isinstance(address, IPv4Address):
        return str(address)
    spare = 128 - _SUBNET_BITS
    return f"{IPv6Address(int(address) >> spare << spare)}/{_SUBNET_BITS}"


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """`::ffff:192.0.2.1` is 192.0.2.1: what a socket for both families says of IPv4 clients."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
