"""Pre-flight rules for the text part, and for what both parts must have in common."""

from __future__ import annotations

import re

from newsletter.mail.lint.model import Mail, Rule, broken_character
from newsletter.mail.scripts import columns
from newsletter.mail.templating import TEXT_WIDTH as WRAPPED_AT
from newsletter.mail.wording import UNKNOWN

TEXT_WIDTH = 78

# Such figures have a line to themselves; elsewhere a paper may speak of "undefined stars".
_FIGURE = r"(?:upvote|comment|star)s?"
_FIGURES = re.compile(
    rf"(?:A surprise, )?(?:[\d,]+ {_FIGURE}, )*(?:None|nan|undefined) {_FIGURE}(?:, \S+ {_FIGURE})*"
)
_URL = re.compile(r"https?://[^\s<>\"]+")


def not_empty(mail: Mail) -> str:
    return "" if mail.text.strip() else "empty"


def widths(mail: Mail) -> str:
    """A URL or an address may be longer than a line; it stands alone and cannot be broken."""
    long = (line for line in mail.text.splitlines() if len(line) > TEXT_WIDTH)
    return next((line[:60] for line in long if " " in line.strip()), "")


def urls_alone(mail: Mail) -> str:
    for line in mail.text.splitlines():
        if _URL.search(line) and not _URL.fullmatch(line.strip()):
            return line.strip()[:80]
    return ""


def no_markup(mail: Mail) -> str:
    found = re.search(r"</?[a-z]+[ >]|&(amp|lt|gt|quot|nbsp|#\d+);", mail.text)
    return found[0] if found else ""


def unsubscribe(mail: Mail) -> str:
    if not re.search("unsubscribe", mail.text, re.IGNORECASE):
        return "the word is missing"
    has_url = mail.unsubscribe_url in mail.text.split()
    return "" if has_url else "the URL of List-Unsubscribe is missing"


def reason(mail: Mail) -> str:
    """Why the reader gets this, with the address it goes to."""
    return mail.lacks_reason(" ".join(mail.text.split()))


def leftovers(mail: Mail) -> str:
    found = re.search(r"\{\{|\{%|\}\}|%\}", mail.text)
    return found[0] if found else _unknown_alone(mail.text.splitlines())


def _unknown_alone(lines: list[str]) -> str:
    """A word for what is not known on a line of its own, where no neighbour was too long for it."""
    for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        word, following = line.strip(), after.strip().partition(" ")[0]
        fits = max(columns(before + word), columns(line + following)) < WRAPPED_AT
        if fits and word in UNKNOWN:
            return word
        begun = columns(before + word.partition(" ")[0]) >= WRAPPED_AT  # or goes on a paragraph
        is_start = not fits and not before.strip()  # of a paragraph, cut where a long word follows
        if not begun and not is_start and _FIGURES.fullmatch(word):
            return word
    return ""


def broken_characters(mail: Mail) -> str:
    return broken_character(mail.text + str(mail.message["Subject"] or ""))


def same_links(mail: Mail) -> str:
    targets = {str(link.get("href")) for link in mail.soup.find_all("a")}
    lost = [url for url in _URL.findall(mail.text) if url not in targets]
    return lost[0] if lost else ""


def same_titles(mail: Mail) -> str:
    flat = " ".join(mail.text.split())
    for heading in mail.soup.find_all(["h1", "h2"]):
        title = " ".join(heading.get_text().split())
        if title not in flat:
            return title[:80]
    return ""


TEXT_RULES: tuple[Rule, ...] = (
    ("text: not empty", not_empty),
    ("text: lines of at most 78 characters", widths),
    ("text: URLs on lines of their own", urls_alone),
    ("text: no tags or entities", no_markup),
    ("text: unsubscribe named, with its URL", unsubscribe),
    ("text: reason line with the address", reason),
    ("text: no template leftovers", leftovers),
    ("text: no broken or steering characters", broken_characters),
)

SHARED_RULES: tuple[Rule, ...] = (
    ("every URL of the text is in the HTML", same_links),
    ("every title of the HTML is in the text", same_titles),
)
