"""Under which names the studio answers, by where a request came in."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from newsletter.preview.guard import Guard


def status(server: str, host: str) -> int:
    """What is answered on that address of ours to who asks for that name."""
    inner = FastAPI()
    inner.add_api_route("/", lambda: "digests")

    async def app(scope, receive, send) -> None:
        await Guard(inner)({**scope, "server": (server, 8000)}, receive, send)

    return TestClient(app).get("/", headers={"Host": host}).status_code


@pytest.mark.parametrize(
    "host", ["192.168.1.7:8000", "[fd00::7]:8000", "localhost", "studio", "desk.local:8000"]
)
def test_a_network_of_ones_own_is_answered_by_number_and_by_names_of_its_own(host):
    assert status("192.168.1.7", host) == 200


@pytest.mark.parametrize("host", ["evil.example", "192.168.1.7.evil.example:8000", "[::1"])
def test_a_name_that_leads_here_from_elsewhere_is_refused_in_a_network_too(host):
    assert status("192.168.1.7", host) == 403


def test_over_loopback_only_local_names_count():
    assert (status("127.0.0.1", "desk.local"), status("127.0.0.1", "localhost")) == (403, 200)
