"""Only public addresses are connected to, and only the one that was checked."""

from __future__ import annotations

import socket

import pytest
from source_server import Answer, Reader, World

from newsletter.errors import SourceError
from newsletter.sources.addresses import is_public, is_this_machine


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "huggingface.co",
        "",
    ],
)
def test_private_and_reserved_addresses_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_open_internet_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "0x7f.1", "2130706433"])
def test_the_own_machine_is_refused_however_it_is_written(world: World, reader: Reader, host):
    port = world.base.rpartition(":")[2]
    fetcher = reader.fetcher(allow_private=False, hosts=(host,))
    with pytest.raises(SourceError, match="private or reserved network address"):
        fetcher.get(f"http://{host}:{port}/papers")
    assert world.asked == []


def test_the_own_machine_may_be_asked_where_the_operator_named_it_as_a_source(world, reader):
    world.routes["/page"] = Answer(body=b"hello")
    fetcher = reader.fetcher(
        base_url="https://huggingface.co", allow_private=False, named=(world.base,)
    )

    assert fetcher.get(f"{world.base}/page").body == b"hello"


def answers(*addresses: str):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]


def test_a_name_with_one_private_address_among_public_ones_is_refused(reader, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers("8.8.8.8", "10.0.0.1"))
    fetcher = reader.fetcher(allow_private=False, obey_robots=False)
    with pytest.raises(SourceError, match=r"huggingface\.co leads to a private"):
        fetcher.get("http://huggingface.co/papers")


def test_the_name_is_resolved_once_and_the_checked_address_is_connected_to(reader, monkeypatch):
    asked: list[str] = []

    def resolve(host: str, *_: object, **__: object):
        asked.append(host)
        if len(asked) > 1:
            raise OSError("no connection is made in this test")
        return answers("8.8.8.8")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    fetcher = reader.fetcher(allow_private=False, obey_robots=False, attempts=1)
    with pytest.raises(SourceError, match="the connection failed"):
        fetcher.get("http://huggingface.co/papers")
    assert asked == ["huggingface.co", "8.8.8.8"]


def test_a_name_that_does_not_resolve_is_told_so(reader, monkeypatch):
    def resolve(*_: object, **__: object):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    fetcher = reader.fetcher(allow_private=False, obey_robots=False, attempts=2)
    with pytest.raises(SourceError, match=r"cannot be resolved \(tried 2 times\)"):
        fetcher.get("https://huggingface.co/papers?token=s3cret")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000/page.html", True),
        ("http://localhost/page.html", True),
        ("http://[::1]:8000/", True),
        ("http://localhost.example.org/", False),
        ("http://127.0.0.1.example.org/", False),
        ("http://10.1.2.3/", False),
        ("https://huggingface.co/papers", False),
    ],
)
def test_only_an_address_that_says_so_is_this_machine(url, expected):
    assert is_this_machine(url) is expected
