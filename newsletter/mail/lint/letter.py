"""Pre-flight rules for service letters: those of a digest that are not about lists, and their own."""

from __future__ import annotations

import re

from newsletter.mail.lint import headers, html, text
from newsletter.mail.lint.model import Mail, Rule

SINGLE = (
    *("from", "to", "subject", "date", "message-id", "mime-version", "content-type"),
    *("auto-submitted", "form-sub"),
)

_ABOUT_LISTS = {
    headers.single_headers,
    headers.list_id,
    headers.list_unsubscribe,
    headers.one_click,
    headers.feedback_id,
    html.unsubscribe,
    text.unsubscribe,
}


def single_headers(mail: Mail) -> str:
    return mail.not_once(SINGLE)


def no_list(mail: Mail) -> str:
    """Who has not subscribed cannot unsubscribe, and no client should offer it."""
    marks = (name for name in mail.fields if name.startswith("list-") or name == "feedback-id")
    return ", ".join((*marks, *(name for name in mail.fields if name == "precedence")))


def form_mail(mail: Mail) -> str:
    """The mark of a mail that answers a web form (draft-levine-mailbomb-header-02 section 3)."""
    value = mail.one("form-sub")
    return "" if re.fullmatch(r"v=1(?:\s*;\s*[A-Za-z][A-Za-z0-9]*=[^\s;\"]+)*", value) else value


def bare_address(mail: Mail) -> str:
    """A name beside the address would be the word of whoever filled in the form."""
    value = mail.one("to")
    return value if re.search(r"[<>\"\s,]", value) else ""


def one_link(mail: Mail) -> str:
    """One button and nothing else to click, so that a form can never smuggle a link in."""
    targets = {str(link.get("href")) for link in mail.soup.find_all("a")}
    shown = set(re.findall(r"https?://\S+", mail.text))
    if len(targets) != 1:
        return ", ".join(sorted(targets)) or "no link"
    return "" if shown == targets else "the text part does not show the link"


_SHARED = (
    *headers.HEADER_RULES,
    *text.TEXT_RULES,
    *html.HTML_RULES,
    *text.SHARED_RULES,
)
LETTER_RULES: tuple[Rule, ...] = (
    *((name, judge) for name, judge in _SHARED if judge not in _ABOUT_LISTS),
    ("letter: each header exactly once", single_headers),
    ("letter: nothing of a list", no_list),
    ("letter: marked as the answer to a form", form_mail),
    ("letter: the bare address in To", bare_address),
    ("letter: one link, in both parts", one_link),
)
