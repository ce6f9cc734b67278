"""Texts that try to become something else, and judges that see whether one did."""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from html.parser import HTMLParser

PRODUCT = str(7391 * 13)  # what a template engine would make of the sums below

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(2)>',
    "svg": "'><svg/onload=alert(3)>",
    "address": "javascript:alert(4)",
    "area": "</textarea></title></style><b>out</b>",
    "comment": "<!-- --><![CDATA[ ]]> <!--",
    "entity": "&lt;script&gt;alert(5)&lt;/script&gt;&#60;img src=x onerror=alert(6)&#62;",
    "header": "Ines\r\nBcc: victim@reader.example\r\nX-Evil: yes\r\n\r\nBuy now",
    "line": "Ines\nX-Evil: yes",
    "coded": "Ines%0d%0aX-Evil: yes",
    "word": "=?utf-8?q?Ines=0D=0AX-Evil:_yes?=",
    "sql": "'; DROP TABLE subscribers;--",
    "sql or": "' OR '1'='1' --",
    "jinja": "{{7391*13}} {% raise %} {# gone #}",
    "jinja open": "{% raw %} {{ self.__init__.__globals__ }}",
    "shell": "${7391*13} $(reboot) `reboot` #{7391*13}",
    "erb": "<%= 7391*13 %> <?= 7391*13 ?>",
    "format": "{0.__class__} {name} %s %(x)s %n",
    "right to left": "safe\u202egpj.exe \u2066x\u2069",
    "nul": "a\x00b",
    "escape": "\x1b[31mred\x1b]0;title\x07\x9b2J",
    "separators": "one\u2028two\u2029three\x85four\x0bfive",
    "unseen": "\ufeff\u200bseen\u00ad\U000e0041",
    "emoji": "💥👩\u200d👩\u200d👧 \U0001f1e9\U0001f1ea",
    "accents": "zalgo" + "\u0301" * 300,
    "formula": '=HYPERLINK("https://evil.example";"x")',
    "long": "quite long " * 930,
    "long word": "x" * 10_000,
}

_LOUD = frozenset(("iframe", "object", "embed", "base", "applet", "frame", "svg", "math", "b-evil"))
_ADDRESSES = ("href", "src", "action", "formaction", "data", "poster", "srcset", "xlink:href")
_STEERING = frozenset(("Cc", "Cs", "Zl", "Zp"))
_STRANGE = re.compile("[\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")


class _Page(HTMLParser):
    """What a browser would find: faults, and the text that is seen."""

    def __init__(self, home: str) -> None:
        super().__init__(convert_charrefs=True)
        self._home = home
        self.faults: list[str] = []
        self.texts: list[str] = []
        self._silent = ""
        self._field = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _LOUD or (tag == "script" and not given.get("src", "").startswith("/assets/")):
            self.faults.append(f"<{tag}>")
        self.faults += [f"{tag} {name}" for name in given if name.startswith("on")]
        self.faults += [
            f"{tag} {name}={given[name]}" for name in _ADDRESSES if not self._fits(given.get(name))
        ]
        if tag in ("style", "script"):
            self._silent = tag
        self._field = tag == "textarea"

    def handle_endtag(self, tag: str) -> None:
        self._field = False
        if tag == self._silent:
            self._silent = ""

    def handle_data(self, data: str) -> None:
        if self._field:  # what was typed, in a box that nothing gets out of
            data = _STRANGE.sub("", data)
        if not self._silent:
            self.texts.append(data)

    def _fits(self, address: str | None) -> bool:
        if address in (None, "data:,") or address.startswith(
            ("/", "#", "?", "mailto:", self._home)
        ):
            return True
        return bool(re.match(r"https://[a-z0-9.-]+(/|$)", address)) or address == ""


def judge_html(text: str, home: str) -> str:
    """The text that a reader of this HTML sees, once it is certain that it is nothing but text."""
    page = _Page(home)
    page.feed(text)
    page.close()
    assert not page.faults, "; ".join(page.faults)
    seen = "".join(page.texts)
    judge_text(seen)
    return seen


def judge_text(text: str) -> None:
    """Nothing was calculated, nothing steers a terminal or turns what stands around it."""
    assert PRODUCT not in text
    assert not _OVERRIDES.search(text)
    assert not [c for c in text if unicodedata.category(c) in _STEERING and c not in "\t\r\n"]


def letters(text: str) -> str:
    """What is left of a text however it was cleaned, shortened or wrapped: its first letters."""
    told = re.sub(r"[\r\n].*", "", unescape(text), flags=re.DOTALL)
    return "".join(re.findall(r"[A-Za-z0-9]", told))[:20]
