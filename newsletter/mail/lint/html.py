"""Pre-flight rules for the HTML part: what clients clip, strip, block or show wrongly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import urlsplit

from bs4 import Tag
from bs4.element import Comment, Doctype

from newsletter.mail.lint.model import Mail, Rule, broken_character

STYLE_LIMIT = 16_000
URL_LIMIT = 2_000
SMALLEST_FONT = 12
PREHEADER = (40, 110)

_FORBIDDEN_TAGS = ["script", "form", "iframe", "object", "embed", "svg", "base", "link", "input"]
_FORBIDDEN_CSS = re.compile(
    r"(?:display\s*:\s*(?:inline-)?(?:flex|grid)|(?<![\w-])position\s*:|(?<![\w-])float\s*:"
    r"|margin[\w-]*\s*:[^;}\"]*(?<![\w.])-\d|var\(|background\s*:[^;}\"]*url\()",
    re.IGNORECASE,
)
_LOCAL_HOSTS = ("127.0.0.1", "localhost")
_IP_HOST = re.compile(r"[\d.]+|.*:.*")
_VOID = re.compile(r"area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr")
_MAY_STAY_OPEN = re.compile(r"p|li|td|tr|th|tbody|thead|option")


def wire_size(mail: Mail) -> str:
    return f"{mail.html_octets:,} octets" if mail.html_octets > mail.html_limit else ""


def _styles(mail: Mail) -> list[str]:
    return [style.get_text() for style in mail.soup.find_all("style")]


def style_size(mail: Mail) -> str:
    total = sum(map(len, _styles(mail)))
    return f"{total:,} characters" if total > STYLE_LIMIT else ""


def nested_at_rules(mail: Mail) -> str:
    """An @ rule inside another makes some clients drop the whole style element."""
    for style in _styles(mail):
        depth_of_rule = 0
        for found in re.finditer(r"@[\w-]+|[{}]", style):
            if found[0] == "{":
                depth_of_rule += 1
            elif found[0] == "}":
                depth_of_rule -= 1
            elif depth_of_rule > 0:
                return found[0]
    return ""


def frame(mail: Mail) -> str:
    doctype = any(isinstance(node, Doctype) for node in mail.soup.contents)
    html = mail.soup.find("html")
    missing = []
    if not doctype:
        missing.append("doctype")
    if not isinstance(html, Tag) or not re.match("[a-z]{2}", str(html.get("lang") or "")):
        missing.append("lang")
    if not mail.soup.find("meta", attrs={"name": "viewport"}):
        missing.append("viewport")
    if "charset=utf-8" not in mail.page.lower():
        missing.append("charset")
    return ", ".join(missing)


def title(mail: Mail) -> str:
    shown = mail.soup.title.get_text() if mail.soup.title else ""
    subject = str(mail.message["Subject"] or "")
    return "" if " ".join(shown.split()) == " ".join(subject.split()) else shown or "none"


def color_schemes(mail: Mail) -> str:
    for name in ("color-scheme", "supported-color-schemes"):
        meta = mail.soup.find("meta", attrs={"name": name})
        if not isinstance(meta, Tag) or meta.get("content") != "light dark":
            return f"no {name}"
    dark = any(re.search(r"prefers-color-scheme\s*:\s*dark", style) for style in _styles(mail))
    return "" if dark else "no dark colours"


def preheader(mail: Mail) -> str:
    first = next(_body_texts(mail), "")
    least, most = PREHEADER
    if not least <= len(first) <= most:
        return f"{len(first)} characters"
    return "repeats the subject" if first == str(mail.message["Subject"] or "") else ""


def _body_texts(mail: Mail) -> Iterator[str]:
    body = mail.soup.body
    for node in body.find_all(string=True) if body else ():
        if not isinstance(node, Comment) and (text := " ".join(node.split())):
            yield text


def leftovers(mail: Mail) -> str:
    """Marks of MJML or Jinja, and values that are not known printed as words.

    The word None may begin a sentence of an abstract, so it counts only where it stands alone.
    """
    found = re.search(r"<mj-[a-z]+|\{\{|\{%|\}\}|%\}", mail.page)
    if found:
        return found[0]
    alone = re.compile(r"(?:None|nan|undefined)(?: (?:upvote|comment|star)s?)?")
    return next((text for text in _body_texts(mail) if alone.fullmatch(text)), "")


def escape_leftovers(mail: Mail) -> str:
    found = re.search(r"=\"[^\"]*\\(?:n|t|u\{|\")", mail.page)
    return found[0][-40:] if found else ""


def active_content(mail: Mail) -> str:
    tag = mail.soup.find(_FORBIDDEN_TAGS)
    if isinstance(tag, Tag):
        return f"<{tag.name}>"
    handlers = (name for tag in mail.soup.select("*") for name in tag.attrs)
    return next((str(name) for name in handlers if name.startswith("on")), "")


def links(mail: Mail) -> str:
    for element in mail.soup.select("[href], [src]"):
        url = str(element.get("href") or element.get("src") or "")
        if fault := _url_fault(url, dev=mail.dev):
            return f"{fault}: {url[:80]}"
    return ""


def _url_fault(url: str, *, dev: bool) -> str:
    if url.startswith("mailto:"):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "not a URL"
    if dev and parts.scheme == "http" and host in _LOCAL_HOSTS:
        return ""
    if parts.scheme != "https" or not host:
        return "not https"
    if "@" in parts.netloc or len(url) > URL_LIMIT:
        return "user info" if "@" in parts.netloc else "too long"
    return "an IP address as host" if _IP_HOST.fullmatch(host) and not dev else ""


def honest_links(mail: Mail) -> str:
    """A link whose text is a URL must lead there: anything else looks like phishing."""
    for link in mail.soup.find_all("a"):
        shown = re.match(r"https?://([^/\s]+)", link.get_text().strip())
        if shown and shown[1] != urlsplit(str(link.get("href"))).netloc:
            return link.get_text().strip()[:80]
    return ""


def layout_tables(mail: Mail) -> str:
    for tag in re.findall(r"<table[^>]*>", mail.page):
        wanted = ('role="presentation"', 'cellpadding="0"', 'cellspacing="0"')
        if not all(attribute in tag for attribute in wanted):
            return str(tag)[:80]
    return ""


def images(mail: Mail) -> str:
    for image in mail.soup.find_all("img"):
        alt, source = image.get("alt"), str(image.get("src"))
        if alt is None or (alt and str(alt) == source.rpartition("/")[2]):
            return "an image without alt text" if alt is None else "a file name as alt text"
        if not str(image.get("width") or "").isdigit():
            return "an image without a width in pixels"
        if "display:block" not in str(image.get("style") or "").replace(" ", ""):
            return "an image that is not display:block"
    return ""


def tracking(mail: Mail) -> str:
    found = re.search(r"<img[^>]*(?:width|height)=\"[01](?:px)?\"", mail.page)
    return found[0][:80] if found else ""


def headings(mail: Mail) -> str:
    levels = [int(tag.name[1]) for tag in mail.soup.find_all(re.compile(r"^h[1-6]$"))]
    if levels.count(1) != 1 or levels[0] != 1 or 2 not in levels:
        return f"{levels.count(1)} h1, {levels.count(2)} h2"
    skipped = any(lower > upper + 1 for upper, lower in pairwise(levels))
    return "a level is skipped" if skipped else ""


def comments_balanced(mail: Mail) -> str:
    opened, closed = mail.page.count("<!--[if"), mail.page.count("<![endif]")
    return "" if opened == closed else f"{opened} opened, {closed} closed"


def tags_balanced(mail: Mail) -> str:
    parser = _Balance()
    parser.feed(mail.page)
    parser.close()
    return parser.fault


class _Balance(HTMLParser):
    """Remembers the first end tag that closes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self.fault = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if not _VOID.fullmatch(tag):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<br />` opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open[-1] != tag and _MAY_STAY_OPEN.fullmatch(self._open[-1]):
            self._open.pop()
        if self._open and self._open[-1] == tag:
            self._open.pop()
        elif not self.fault:
            opened = f"<{self._open[-1]}> is open" if self._open else "nothing is open"
            self.fault = f"</{tag}> where {opened}"


def risky_css(mail: Mail) -> str:
    inline = (str(element.get("style")) for element in mail.soup.find_all(style=True))
    for css in (*_styles(mail), *inline):
        if found := _FORBIDDEN_CSS.search(css):
            return found[0]
    return ""


def font_sizes(mail: Mail) -> str:
    for element in mail.soup.find_all(style=True):
        style = str(element.get("style")).replace(" ", "")
        sizes = [float(size) for size in re.findall(r"font-size:(\d+(?:\.\d+)?)px", style)]
        hidden = "display:none" in style or not element.get_text(strip=True)
        if sizes and 0 < sizes[-1] < SMALLEST_FONT and not hidden:
            return f"{sizes[-1]:g} px: {element.get_text(strip=True)[:40]}"
    return ""


def unsubscribe(mail: Mail) -> str:
    link = next((link for link in mail.soup.find_all("a") if _is_way_out(link, mail)), None)
    if link is None:
        return "no link"
    hidden = "display:none" in str(link.get("style") or "").replace(" ", "")
    return "the link is hidden" if hidden else ""


def _is_way_out(link: Tag, mail: Mail) -> bool:
    """In English by its word, in other languages by where it leads."""
    said = link.get_text(strip=True)
    if mail.is_english:
        return "unsubscribe" in said.lower()
    return bool(said) and link.get("href") == mail.unsubscribe_url


def reason(mail: Mail) -> str:
    return mail.lacks_reason(mail.visible_text())


def broken_characters(mail: Mail) -> str:
    return broken_character(unescape(mail.page))


HTML_RULES: tuple[Rule, ...] = (
    ("HTML small enough not to be clipped", wire_size),
    ("styles of at most 16,000 characters", style_size),
    ("no @ rule inside an @ rule", nested_at_rules),
    ("doctype, lang, viewport, charset", frame),
    ("title is the subject", title),
    ("colour schemes declared, dark colours given", color_schemes),
    ("preheader first, 40 to 110 characters", preheader),
    ("no template leftovers", leftovers),
    ("no escape leftovers in attributes", escape_leftovers),
    ("no active content", active_content),
    ("links are https and absolute", links),
    ("link texts lead where they say", honest_links),
    ("layout tables are marked as such", layout_tables),
    ("images have alt text and width", images),
    ("no tracking pixel", tracking),
    ("one h1, h2 below it", headings),
    ("conditional comments balanced", comments_balanced),
    ("tags balanced", tags_balanced),
    ("no CSS that clients drop", risky_css),
    ("no type below 12 px", font_sizes),
    ("unsubscribe link visible", unsubscribe),
    ("reason line with the address", reason),
    ("no broken or steering characters", broken_characters),
)
