"""Three ways to use a page: with scripts, without, and with the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page

_MOST_TABS = 250


class Visitor:
    """Somebody in front of a browser; what they notice is written down."""

    scripts = True

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._watch)

    def goes_to(self, url: str) -> None:
        self.home = "/".join(url.split("/")[:3])
        answer = self.page.goto(url)
        assert answer
        assert answer.status == 200, url

    def writes(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def ticks(self, label: str) -> None:
        self.page.get_by_label(label).check()

    def chooses(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(label=option)

    def opens(self, words: str) -> None:
        """A part of the form that is folded."""
        self.page.locator("summary", has_text=words).click()

    def presses(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def sees(self, words: str) -> None:
        self.page.get_by_text(words).first.wait_for()

    def sees_in_preview(self, title: str) -> None:
        """The picks for what was typed; without scripts they must be asked for."""
        if not self.scripts:
            self.presses("Show me the picks")
        self.page.locator("#preview").get_by_text(title).first.wait_for()

    def _hear(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _watch(self, request: object) -> None:
        url = str(getattr(request, "url", ""))
        if not url.startswith((self.home, "data:", "blob:")):
            self.complaints.append(f"asked elsewhere: {url}")


class WithoutScripts(Visitor):
    """The same with JavaScript switched off."""

    scripts = False


class ByKeyboard(Visitor):
    """Tab, arrows, letters, Enter and Space; never a pointer."""

    def writes(self, label: str, text: str) -> None:
        field = self.page.get_by_label(label, exact=True)
        self._reaches(field)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def ticks(self, label: str) -> None:
        box = self.page.get_by_label(label)
        self._reaches(box)
        self.page.keyboard.press("Space")
        assert box.is_checked()

    def chooses(self, label: str, option: str) -> None:
        field = self.page.get_by_label(label, exact=True)
        self._reaches(field)
        self.page.keyboard.type(option)

    def opens(self, words: str) -> None:
        self._reaches(self.page.locator("summary", has_text=words))
        self.page.keyboard.press("Enter")

    def presses(self, name: str) -> None:
        self._reaches(self.page.get_by_role("button", name=name, exact=True).first)
        self.page.keyboard.press("Enter")

    def _reaches(self, wanted: Locator) -> None:
        wanted.wait_for(state="attached")
        for _ in range(_MOST_TABS):
            if wanted.evaluate("it => it === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard never reached {wanted}")


@contextmanager
def visiting(kind: type[Visitor], browser: Browser) -> Iterator[Visitor]:
    """A window of a browser with one page."""
    size = {"width": 375, "height": 800}
    with browser.new_context(java_script_enabled=kind.scripts, viewport=size) as context:
        yield kind(context.new_page())
