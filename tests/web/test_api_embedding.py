"""The form of docs/api.md works in a page of another site, in a real browser."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from serving import serving
from web_world import HOME, Site

from newsletter.web.build import build_site

WAIT_MS = 20_000
ICON = '<link rel="icon" href="data:,">'  # else the browser asks for one, sooner or later


@dataclass
class Lab:
    """The web server of a lab: one page and its script."""

    origin: str = ""
    files: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = made.files.get(self.path, "")
            kind = "text/javascript" if self.path.endswith(".js") else "text/html"
            raw = text.encode()
            self.send_response(200 if text else 404)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    with serving(Handler) as port:
        made.origin = f"http://127.0.0.1:{port}"
        yield made


@dataclass
class Asked:
    """What reached the newsletter: method and path of every request."""

    url: str = ""
    requests: list[str] = field(default_factory=list)


@contextmanager
def running(site: Site) -> Iterator[Asked]:
    """The installation on a free port."""
    asked, app = Asked(), build_site(site.site)

    async def listening(scope, receive, send) -> None:
        if scope["type"] == "http":
            asked.requests.append(f"{scope['method']} {scope['path']}")
        await app(scope, receive, send)

    with closing(socket.create_server(("127.0.0.1", 0))) as bound:
        asked.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(listening, log_config=None, lifespan="off"))
        thread = Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield asked
        finally:
            server.should_exit = True
            thread.join()


def blocks(root: Path, kind: str) -> list[str]:
    text = (root / "docs" / "api.md").read_text(encoding="utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def script(root) -> str:
    return blocks(root, "js")[0]


@pytest.fixture
def with_proof(root) -> str:
    """The script changed as the document says."""
    first, second = blocks(root, "js")
    changed = first.replace("(event) => {\n  event.prev", "async (event) => {\n  event.prev")
    changed = changed.replace(
        'form.website.value, ""]', "form.website.value, await solve(shown.challenge)]"
    )
    assert changed.count("async (event)") == changed.count("await solve(") == 1
    return changed + second


def opened(
    chromium, lab: Lab, root: Path, script: str, asked: Asked, complaints: list[str] | None = None
):
    """The lab's page, ready to be filled in; what the console says joins the complaints."""
    lab.files = {
        "/": f"<!doctype html><title>Lab</title>{ICON}{blocks(root, 'html')[0]}",
        "/papers.js": script.replace(HOME, asked.url),
    }
    heard = [] if complaints is None else complaints
    page = chromium.new_page()
    page.set_default_timeout(WAIT_MS)
    page.on("console", lambda said: heard.append(said.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(f"{lab.origin}/")
    page.wait_for_function("document.querySelector('span').textContent !== ''")
    return page


def fill_in(chromium, lab: Lab, root: Path, script: str, site: Site, asked: Asked) -> list[str]:
    """A reader of the lab's page; returns what the console complained about."""
    complaints: list[str] = []
    page = opened(chromium, lab, root, script, asked, complaints)
    assert page.locator("span").text_content() == site.site.settings.consent

    page.get_by_label("What do you work on?").fill("robot manipulation")
    page.get_by_label("E-mail", exact=True).fill("ines@lab.example")
    page.locator("li").first.wait_for()
    assert "Robot manipulation" in page.locator("li").first.text_content()
    assert "your topic “robot manipulation”" in page.locator("ul").text_content()

    page.get_by_label("I would like").check()
    site.later(seconds=30)
    page.get_by_role("button", name="Subscribe").click()
    page.wait_for_function("document.querySelector('output').value !== ''")
    complaints.append(page.locator("output").text_content().partition(".")[0])
    page.close()
    return complaints


@pytest.mark.browser
@pytest.mark.parametrize("way", ["script", "with_proof"])
def test_a_reader_subscribes_on_a_page_of_another_site(request, chromium, lab, root, tmp_path, way):
    script = request.getfixturevalue(way)
    site = Site(tmp_path, f'[web]\ncors_origins = ["{lab.origin}"]')
    with running(site) as asked:
        said = fill_in(chromium, lab, root, script, site, asked)
    mails = site.deliver()
    held = site.app.subscriptions.find("ines@lab.example")
    proofs, origin = len(site.site.doorman._proofs), consent_origin(site)
    site.close()

    assert said == ["Thank you"]
    assert [mail["to"] for mail in mails] == ["ines@lab.example"]
    assert held.profile.topics == ("robot manipulation",)
    assert origin == f"api {lab.origin}"
    assert proofs == (way == "with_proof")
    assert {"OPTIONS /api/v1/preview", "OPTIONS /api/v1/subscriptions"} <= set(asked.requests)


@pytest.mark.browser
@pytest.mark.parametrize("way", ["script", "with_proof"])
def test_a_form_that_was_open_for_days_is_taken_when_it_is_sent_again(
    request, chromium, lab, root, tmp_path, way
):
    script = request.getfixturevalue(way)
    site = Site(tmp_path, f'[web]\ncors_origins = ["{lab.origin}"]')
    with running(site) as asked:
        page = opened(chromium, lab, root, script, asked)
        page.get_by_label("E-mail", exact=True).fill("ines@lab.example")
        page.get_by_label("I would like").check()
        said = []
        for days in (2, 0):
            site.later(days=days, seconds=30)
            page.evaluate("document.querySelector('output').value = ''")
            with page.expect_response("**/api/v1/form"):
                page.get_by_role("button", name="Subscribe").click()
            said.append(page.locator("output").text_content().partition(" ")[0])
        page.close()
    mails, proofs = site.deliver(), len(site.site.doorman._proofs)
    site.close()

    assert said == ["This", "Thank"]
    assert [mail["to"] for mail in mails] == ["ines@lab.example"]
    assert proofs == (way == "with_proof")


def consent_origin(site: Site) -> str:
    desk = site.app.subscriptions
    return desk.export(desk.find("ines@lab.example").id)["consents"][0]["origin"]


@pytest.mark.browser
def test_a_page_of_a_site_that_is_not_named_learns_nothing(chromium, lab, tmp_path):
    site = Site(tmp_path, '[web]\ncors_origins = ["https://lab.example"]')
    lab.files = {"/": "<!doctype html><title>Lab</title>"}
    with running(site) as asked:
        page = chromium.new_page()
        page.goto(f"{lab.origin}/")
        reached = page.evaluate(
            "(url) => fetch(url).then(() => 'answered', () => 'refused')",
            f"{asked.url}/api/v1/form",
        )
        page.close()
    site.close()

    assert reached == "refused"


def test_the_script_of_the_document_is_short(script):
    code = [line for line in script.splitlines() if line.strip() and not line.startswith("//")]

    assert len(code) <= 25
