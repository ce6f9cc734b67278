"""Raw titles, abstracts, names and addresses of the sources -> clean Unicode text (pure).

The trending page stores abstracts after stripping `$...$` and many backslashes, so math arrives as
bare words (`2.53times`, `sim10`); arXiv keeps the LaTeX. Both leave here as one line of text.
Nothing is escaped here and no HTML entity is decoded: the parsers have decoded once, so `&lt;` in an
abstract is what its author wrote, and templates escape later.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit, urlunsplit

from newsletter.sources import text_tables as tables
from newsletter.tex import ACCENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PASSES: Final = 8
_DEEPEST: Final = 12
_LONGEST_URL: Final = 2000


def clean_text(raw: str) -> str:
    """A title, abstract or summary as one line of clean Unicode, never longer than twice the input.

    Addresses keep every character. Cleaning a cleaned text changes nothing.
    """
    return _until_settled(_clean_once, raw)


def clean_name(raw: str) -> str:
    """A person's or organisation's name on one line: TeX accents resolved, invisible signs removed.

    Bidirectional controls, zero-width and control characters go, so that a name can neither reorder
    the line it stands on nor carry a header into a mail.
    """
    return _until_settled(_clean_name_once, raw)


def safe_url(raw: str) -> str:
    """An address that may stand in a mail, absolute and https, or "" for anything doubtful.

    http becomes https, other characters than ASCII are percent-encoded. Refused: relative addresses,
    other schemes, user names, IP literals (also the `0x7f.1` kind), hosts without a dot or outside
    ASCII, whitespace, quotes, more than 2,000 characters.
    """
    if len(raw) > _LONGEST_URL or not raw or _NOT_IN_URL.search(raw):
        return ""
    try:
        parts = urlsplit(raw)
        port = parts.port
        path, query, mark = (_encoded(part) for part in (parts.path, parts.query, parts.fragment))
    except ValueError:
        return ""
    host = (parts.hostname or "").lower()
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or not _HOST.fullmatch(host):
        return ""
    netloc = host if port in {None, 80, 443} else f"{host}:{port}"
    url = urlunsplit(("https", netloc, path, query, mark))
    return url if len(url) <= _LONGEST_URL else ""


_NOT_IN_URL: Final = re.compile(r'[\s\x00-\x20\x7f-\x9f"<>\\]|^https?:(?!//[^/?#])', re.IGNORECASE)
# Names of letters, digits, hyphens; the last label holds a letter first, so no dotted or hex number.
_HOST: Final = re.compile(
    r"(?=.{3,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*"
)


def _encoded(part: str) -> str:
    return quote(part, safe="%/:;=?@!$&'()*+,~-._#[]")


# --- the passes --------------------------------------------------------------------------------


def _until_settled(step: Callable[[str], str], raw: str) -> str:
    """Repeat `step` until nothing changes: that is what makes cleaning idempotent.

    All recorded texts settle after one change. What does not settle in eight passes is no text but
    noise made for it: only its letters stay, where hardly a rule finds a start.
    """
    text = _characters(raw)
    for noise in (False, True):
        if noise:
            text = _NO_LETTERS.sub(" ", text)
        for _ in range(_PASSES):
            before, text = text, step(text)
            if text == before:
                return text
    return text


_NO_LETTERS: Final = re.compile(r"[\W\d_\x80-\xbf]+")


def _clean_once(text: str) -> str:
    text = _characters(text)
    text = _links(_apply(tables.UNWRAP, text))
    text, addresses = _set_aside(text)
    text = " ".join(_latex(text).split())
    for rules in (tables.WORDS, tables.MARKDOWN, tables.QUOTES, tables.DASHES, tables.SPACING):
        text = _apply(rules, text)
    text = _scripts(text)
    return _put_back(" ".join(text.split()), addresses)


def _clean_name_once(text: str) -> str:
    text = _accents(_characters(text))
    text = re.sub(r"\\([&_%#$])", r"\1", text)
    text = re.sub(r"(?<=[\w.])~(?=\w)", " ", text)
    return " ".join(re.sub(r"[\\{}]", "", text).split())


def _apply(rules: Iterable[tables.Rule], text: str) -> str:
    for rule in rules:
        if rule.needle in text:
            text = rule.pattern.sub(rule.replacement, text)
    return text


# --- characters --------------------------------------------------------------------------------


def _characters(text: str) -> str:
    """Without what cannot be seen, on one line, accents composed (NFC)."""
    if not text.isascii():
        text = tables.MOJIBAKE.sub(_utf8, tables.INVISIBLE.sub("", text))
    text = tables.CONTROL.sub("", text)
    if "\n" in text:
        # `pre-\ntrained` and `https://atomo-\nvideo...` lost a line break only; `low-\nand high-`
        # keeps its space
        text = tables.WRAP.sub("-", tables.SUFFIX_WRAP.sub("", text))
    if not text.isascii():
        text = tables.PILED.sub(r"\1", text)
        text = tables.COMBINED.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)
    return " ".join(text.split())


def _utf8(match: re.Match[str]) -> str:
    decoded = match[0].encode("latin-1").decode("utf-8", "ignore")
    return decoded if decoded.isprintable() else match[0]


# --- addresses ---------------------------------------------------------------------------------

_IN_URL: Final = r"(?:(?![,;)(]{1,3}https?://)[\w.~:/?#@!$&'()*+,;=%-])"
_HTTP: Final = re.compile(rf"https?://\w{_IN_URL}*", re.ASCII | re.IGNORECASE)
# Also addresses without scheme but with a path, and mail addresses: `_` and `~` stay in them.
_ADDRESS: Final = re.compile(
    rf"{_HTTP.pattern}|(?<![\w@./-])(?:[a-z0-9][a-z0-9-]*\.)+[a-z]{{2,}}/{_IN_URL}*"
    r"|(?<![\w.+-])[\w.+-]+@(?:[\w-]+\.)+[a-z]{2,}",
    re.ASCII | re.IGNORECASE,
)
_HAS_NO_SCHEME: Final = re.compile(r"\.[a-z]{2,}/|@\w", re.IGNORECASE)
_FIRST_ASIDE: Final = 0xF0000
_LAST_ASIDE: Final = 0x10FFFD
_ASIDE: Final = re.compile("[\U000f0000-\U0010fffd]")


def _trimmed(url: str) -> str:
    """Without the punctuation of the sentence around it; a closing bracket needs its opening one."""
    surplus = url.count(")") - url.count("(")
    end = len(url)
    while url[end - 1] in ".,;:!?'*" or (url[end - 1] == ")" and surplus > 0):
        surplus -= url[end - 1] == ")"
        end -= 1
    return url[:end]


def _set_aside(text: str) -> tuple[str, list[str]]:
    """The text with a private character in place of each address, and the addresses."""
    addresses: list[str] = []

    def aside(match: re.Match[str]) -> str:
        if _FIRST_ASIDE + len(addresses) > _LAST_ASIDE:
            return match[0]
        kept = _trimmed(match[0])
        addresses.append(kept)
        return chr(_FIRST_ASIDE + len(addresses) - 1) + match[0][len(kept) :]

    pattern = _ADDRESS if _HAS_NO_SCHEME.search(text) else _HTTP
    return pattern.sub(aside, text), addresses


def _put_back(text: str, addresses: list[str]) -> str:
    return _ASIDE.sub(lambda match: addresses[ord(match[0]) - _FIRST_ASIDE], text)


def _links(text: str) -> str:
    r"""`\url{u}`, `\href{u}{t}`, `[t](u)` and the left-over `u{t}` as plain words and address."""
    if "{" in text:
        text = tables.HREF.sub(lambda match: _spaced(match, _link(match[2], match[1])), text)
        text = tables.URL_MACRO.sub(lambda match: _spaced(match, match[1]), text)
        text = tables.URL_BRACED.sub(" {", text)
        text = tables.BRACED_AFTER_URL.sub(_url_then_text, text)
    if "](" in text:
        text = tables.MARKDOWN_LINK.sub(lambda match: _link(match[1], match[2]), text)
    return text


def _spaced(match: re.Match[str], text: str) -> str:
    before = match.string[match.start() - 1 : match.start()]
    return f" {text}" if before.isalnum() else text


def _link(words: str, url: str) -> str:
    words = words.strip()
    return url if not words or _bare(words) == _bare(url) else f"{words} ({url})"


def _url_then_text(match: re.Match[str]) -> str:
    url, words = match[1], match[2]
    if not words or tables.SAYS_NOTHING.fullmatch(words) or _bare(words) in _bare(url):
        return url
    return f"{url} ({words})"


def _bare(address: str) -> str:
    return re.sub(r"^https?://", "", address.strip()).rstrip("/.").lower()


# --- LaTeX -------------------------------------------------------------------------------------

_KEPT_OPEN: Final = "\ue001"
_KEPT_CLOSE: Final = "\ue002"


def _latex(text: str) -> str:
    """Text without macros, groups and math dollars."""
    if not any(sign in text for sign in ("\\", "{", "}", "$", " %", "mathbb")):
        return text
    text = _accents(_apply(tables.LATEX, text))
    text = _apply(tables.ESCAPES, text)
    text = _apply(tables.STRAY_DOLLARS, tables.MATH.sub(_undollared, text))
    text = tables.BLACKBOARD.sub(_double_struck, text)
    text = tables.MATH_ACCENT.sub(
        lambda match: _composed(match[2], tables.MATH_ACCENTS[match[1]]), text
    )
    text = _groups(tables.NAME.sub(_named, text))
    return text.replace(_KEPT_OPEN, "{").replace(_KEPT_CLOSE, "}")


def _accents(text: str) -> str:
    if "\\" not in text:
        return text
    text = tables.ACCENT.sub(_accented, text)
    return tables.LETTER.sub(lambda match: tables.SYMBOLS[match[1]], text)


def _accented(match: re.Match[str]) -> str:
    """The accented letter; where there is none, the sign was a quote: `say \\"hello\\"`."""
    sign, letter = match[1] or match[2], match[3] or match[4] or match[5]
    composed = _composed(letter, ACCENTS[sign])
    if len(composed) == 1:
        return composed
    return sign + letter if sign in "\"'`" else letter


def _composed(letter: str, accent: str) -> str:
    return unicodedata.normalize("NFC", letter + accent)


def _undollared(match: re.Match[str]) -> str:
    """The inside of `$...$`, unless it reads like the words between two prices."""
    return match[0] if tables.PROSE.match(match[1]) else match[1]


def _double_struck(match: re.Match[str]) -> str:
    letter = match[1] or match[2]
    return tables.DOUBLE_STRUCK.get(letter, letter)


def _named(match: re.Match[str]) -> str:
    """A macro without argument: its sign, nothing for a font switch, else its own name."""
    name, space, brace = match.groups()
    if name in tables.SYMBOLS:
        sign = tables.SYMBOLS[name]
        own_dot = sign[-1] == "." and match.string.startswith(".", match.end())
        return (sign[:-1] if own_dot else sign) + space + brace
    if brace:
        return match[0]
    if name in tables.SWITCHES or name in tables.DROPPED:
        return ""
    return (_spaced(match, name) if name in tables.OPERATORS else name) + space


def _groups(text: str) -> str:
    """Braces resolved from the inside out; a set such as `{1, 2}` keeps its own."""
    for _ in range(_DEEPEST if "{" in text else 0):
        before, text = text, tables.GROUP.sub(_group, tables.FRACTION.sub(_fraction, text))
        if text == before:
            break
    text = re.sub(r"(?<=[A-Za-z])\}(?=[A-Za-z])", " ", text)
    return re.sub(r"[\\{}]", "", text)


def _group(match: re.Match[str]) -> str:
    prefix, content = match[1], match[2]
    if not prefix:
        return _braced(content)
    if prefix in "^_":
        return _raised(content) if prefix == "^" else _lowered(content)
    if prefix[0] == "\\":
        name = prefix[1:].rstrip("* ")
        if name in tables.OPERATORS:
            return _spaced(match, f"{name} {content}" if content[:1].isalnum() else name + content)
        return match[0] if name.endswith("frac") else _command(name, content)
    return content


def _braced(content: str) -> str:
    switch = tables.SWITCH.match(content)
    if switch:
        return content[switch.end() :]
    if "," in content and content.strip(" ,"):
        return _KEPT_OPEN + content + _KEPT_CLOSE
    return content


def _command(name: str, content: str) -> str:
    if name in tables.DROPPED:
        return ""
    if name == "sqrt":
        return "√" + _bracketed(content)
    if name in {"footnote", "blfootnote", "thanks"}:
        return f" ({content})"
    if name in tables.MATH_ACCENTS:
        return _composed(content, tables.MATH_ACCENTS[name]) if len(content) == 1 else content
    return content or ("" if name in tables.SWITCHES else name)


def _fraction(match: re.Match[str]) -> str:
    return f"{_bracketed(match[1])}/{_bracketed(match[2])}"


def _bracketed(content: str) -> str:
    content = content.strip()
    return content if re.fullmatch(r"√?\w*|\w+[_^]\w+", content) else f"({content})"


# --- powers and indices ------------------------------------------------------------------------

_ORDINALS: Final = frozenset({"st", "nd", "rd", "th"})
_HIGH_SIGNS: Final = {"∘": "°", "°": "°", "circ": "°", "star": "*", "⋆": "*"}


def _scripts(text: str) -> str:
    if "^" not in text and "_" not in text:
        return text
    text = tables.GREEK_WORD.sub(lambda match: tables.SYMBOLS[match[1]], text)
    if "^" in text:
        text = tables.POWER.sub(lambda match: _raised(match[1]), text)
    if "_" in text:
        text = tables.INDEX.sub(lambda match: match[1] + _lowered(match[2]), text)
    return text


def _raised(content: str) -> str:
    content = content.strip()
    if content in _HIGH_SIGNS or content in "*′†‡" or content in _ORDINALS:
        return _HIGH_SIGNS.get(content, content)
    return _moved(content, "^", tables.SUPERSCRIPTS)


def _lowered(content: str) -> str:
    return _moved(content.strip(), "_", tables.SUBSCRIPTS)


def _moved(content: str, mark: str, glyphs: dict[str, str]) -> str:
    """The content in raised or lowered glyphs if all exist and it is no word; else after its mark."""
    if sum(char.isalpha() for char in content) <= 1 and all(char in glyphs for char in content):
        return "".join(glyphs[char] for char in content)
    return mark + (content if tables.SIMPLE.fullmatch(content) else f"({content})")
