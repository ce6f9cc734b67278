"""What an unusable document looks like, in words that help the person who asked for it."""

from __future__ import annotations

import re

_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,500})</title", re.IGNORECASE)
_LOGIN_TITLE = re.compile(r"log ?in|sign ?in", re.IGNORECASE)
_PASSWORD = re.compile(r"""type\s*=\s*["']?password""", re.IGNORECASE)
_CHALLENGE = re.compile(
    r"gokuProps|challenge-container|cf-challenge|cf_chl|h-captcha|g-recaptcha|AwsWafCaptcha"
    r"|verify (?:that )?you(?: are|'re) (?:a )?(?:human|not a robot)|<title>Just a moment",
    re.IGNORECASE,
)
_MAGIC = {
    b"\x1f\x8b": "gzip data (unpack the file first)",
    b"PK\x03\x04": "a ZIP archive (unpack the file first)",
    b"%PDF": "a PDF",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"SQLite format 3": "a SQLite database",
}


def is_html(text: str) -> bool:
    """True when the text begins like a web page."""
    start = text[:2000].lstrip().lower()
    return start.startswith(("<!doctype html", "<html", "<head", "<body", "<!--")) or (
        start.startswith("<") and "<html" in start
    )


def looks_like(html: str) -> str:
    """The kind of an HTML page that holds no papers.

    Ordinary pages of the site load a `challenge.js` too; only on a page without a title does it tell.
    """
    if not html.strip():
        return "an empty document"
    title = _TITLE.search(html)
    name = " ".join(title[1].split())[:80] if title else ""
    if _PASSWORD.search(html) or _LOGIN_TITLE.search(name):
        return "an HTML login page"
    if _CHALLENGE.search(html) or (not name and "challenge.js" in html):
        return "a challenge page for browsers (WAF or captcha)"
    if name:
        return f"an HTML page titled “{name}”"
    return "an HTML page without papers" if "<" in html else "plain text"


def binary_kind(data: bytes) -> str:
    """The kind of bytes that are no text, empty for text."""
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return f"binary data: {kind}"
    if b"\x00" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "binary data"
    return ""
