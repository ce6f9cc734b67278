"""The script of the public forms in a real browser: strict policy, no waiting, proofs that count."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, expect

from newsletter.web.doorman import Answer, Doorman, Knock, Rules

pytestmark = pytest.mark.browser

_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_FORM = """<!doctype html><html lang="en"><title>Form</title>
<script type="module" src="/assets/0123/proof.js"></script>
<form method="post" action="/send" data-proof="/proof">
  <label>E-mail <input name="email" required></label>
  <input type="hidden" name="proof">
  <button name="wish" value="daily">Daily</button>
  <button name="wish" value="weekly">Weekly</button>
</form>"""
_SENT = '<!doctype html><html lang="en"><title>Sent</title><p id="sent">Thank you</p>'

Open = Callable[..., Page]


class Place:
    """A server with a form, a doorman behind it, and a /proof that can be made slow or broken."""

    def __init__(self, script: bytes) -> None:
        self.now = datetime(2026, 4, 3, 12, tzinfo=UTC)
        rules = Rules(proof_iterations=50, proof_tries=20)
        self.doorman = Doorman(rules, "a key", now=lambda: self.now, alarm=lambda *_: None)
        self.stamp = self.doorman.stamp()
        self.now += timedelta(minutes=1)
        self.script = script
        self.challenges = 0
        self.broken = False
        self.flowing = Event()
        self.flowing.set()
        self.sent: list[dict[str, str]] = []
        handler = type("Handler", (_Handler,), {"place": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def close(self) -> None:
        self.flowing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def knock(self, proof: str) -> Answer:
        return self.doorman.knock(Knock(client="192.0.2.7", proof=proof, stamp=self.stamp)).answer

    def proves(self, proof: str) -> bool:
        """Whether the doorman takes it for a proof and not for none."""
        before = len(self.doorman._proofs)
        return self.knock(proof) is Answer.LET_IN and len(self.doorman._proofs) == before + 1


class _Handler(BaseHTTPRequestHandler):
    place: Place

    def do_GET(self) -> None:
        if self.path == "/proof":
            self._challenge()
        elif self.path.endswith("/proof.js"):
            self._answer(self.place.script, "text/javascript")
        elif self.path == "/":
            self._answer(_FORM.encode(), "text/html; charset=utf-8")
        else:
            self._answer(b"", "image/png", 204)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        fields = parse_qs(body, keep_blank_values=True)
        self.place.sent.append({name: values[0] for name, values in fields.items()})
        self._answer(_SENT.encode(), "text/html; charset=utf-8")

    def _challenge(self) -> None:
        self.place.challenges += 1
        self.place.flowing.wait(60)
        body = json.dumps(self.place.doorman.challenge()).encode()
        self._answer(body, "application/json", 503 if self.place.broken else 200)

    def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("content-security-policy", _POLICY)
        self.send_header("x-content-type-options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def place(root: Path) -> Iterator[Place]:
    started = Place((root / "templates" / "web" / "proof.js").read_bytes())
    yield started
    started.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the console of the browser said; a test that provokes something clears it."""
    return []


@pytest.fixture
def open_form(chromium: Browser, place: Place, complaints: list[str]) -> Iterator[Open]:
    """Opens the form; at the end nothing may have been said on the console."""
    contexts = []

    def opened(host: str = "127.0.0.1", **options: object) -> Page:
        context = chromium.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(f"{said.type}: {said.text}"))
        page.goto(f"http://{host}:{place.port}/")
        return page

    yield opened
    place.flowing.set()
    for context in contexts:
        context.close()
    assert complaints == []


def touch(page: Page) -> None:
    page.get_by_label("E-mail").fill("reader@newsletter.example")


def send(page: Page, wish: str = "Daily") -> None:
    page.get_by_role("button", name=wish).click()
    expect(page.locator("#sent")).to_be_visible()


def test_proof_of_the_browser_is_accepted_by_the_doorman(place, open_form):
    page = open_form()
    touch(page)
    expect(page.locator("[name=proof]")).not_to_have_value("")
    send(page)
    assert place.proves(place.sent[0]["proof"])
    assert place.challenges == 1


def test_nothing_is_asked_for_before_a_reader_touches_the_form(place, open_form):
    page = open_form()
    page.wait_for_load_state("networkidle")
    assert place.challenges == 0


def test_form_sent_at_once_waits_for_its_proof(place, open_form):
    place.flowing.clear()
    page = open_form()
    touch(page)
    page.get_by_role("button", name="Weekly").click()
    expect(page.locator("form")).to_have_attribute("aria-busy", "true")
    page.get_by_role("button", name="Weekly").click()  # impatience sends nothing twice
    assert place.sent == []
    place.flowing.set()
    expect(page.locator("#sent")).to_be_visible()
    assert place.proves(place.sent[0].pop("proof"))
    assert place.sent == [{"email": "reader@newsletter.example", "wish": "weekly"}]


def test_form_does_not_wait_for_more_than_three_seconds(place, open_form):
    place.flowing.clear()
    page = open_form()
    page.clock.install()
    page.reload()
    touch(page)
    page.get_by_role("button", name="Daily").click()
    expect(page.locator("form")).to_have_attribute("aria-busy", "true")
    page.clock.fast_forward(2_000)  # and the clock runs on meanwhile
    assert place.sent == []
    page.clock.fast_forward(1_100)
    expect(page.locator("#sent")).to_be_visible()
    assert place.sent == [{"email": "reader@newsletter.example", "proof": "", "wish": "daily"}]


def test_form_is_sent_when_there_is_no_challenge(place, open_form, complaints):
    place.broken = True
    page = open_form()
    touch(page)
    send(page)
    assert place.sent[0]["proof"] == ""
    assert all("503" in said for said in complaints), complaints
    complaints.clear()


@pytest.mark.parametrize(
    ("host", "options"),
    [("lan.example", {}), ("127.0.0.1", {"java_script_enabled": False})],
    ids=["plain http on a LAN", "no JavaScript"],
)
def test_form_works_without_proof_where_the_browser_cannot_make_one(
    place, open_form, host, options
):
    page = open_form(host, **options)
    touch(page)
    send(page)
    assert place.challenges == 0
    assert place.sent[0]["proof"] == ""
    assert place.knock("") is Answer.LET_IN


def test_who_comes_back_to_the_form_sends_another_proof(place, open_form):
    page = open_form()
    for _ in range(2):
        touch(page)
        send(page)
        page.go_back()
        expect(page.locator("[name=proof]")).to_have_value("")
    first, second = (sent["proof"] for sent in place.sent)
    assert place.proves(first)
    assert place.proves(second)


def test_challenge_with_the_default_rules_is_solved(place, open_form):
    place.doorman = Doorman(Rules(), "a key", now=lambda: place.now, alarm=lambda *_: None)
    page = open_form()
    touch(page)
    expect(page.locator("[name=proof]")).not_to_have_value("", timeout=60_000)
    send(page)
    assert place.proves(place.sent[0]["proof"])
