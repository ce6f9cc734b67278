"""Pasted text -> entries: arXiv ids and links wherever they stand, and titles one a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from newsletter.library.ids import mentions
from newsletter.library.items import Entries, Entry, Item, Rejected, entry, place
from newsletter.library.titles import LONGEST_TITLE, plain_title

_LONGEST_LINE: Final = 1000
_LONGEST_NAME: Final = 40
_MOST_WORDS: Final = 40
_BULLET: Final = re.compile(
    r"(?:\s*(?:[-*+•–—▪◦·‣>]+|\[[ xX]?\]|\[[0-9]{1,4}\]|\(?[0-9]{1,4}[.)])(?=\s)){0,4}\s*"
)
_MARKDOWN_LINK: Final = re.compile(r"!?\[([^\[\]]{1,400})\]\(([^()\s]{1,1000})\)")
_URL: Final = re.compile(
    r"(?:https?://|www\.)\S+|\b(?:[a-z]{2,8}\.)?(?:arxiv|huggingface|hf|alphaxiv)\.[a-z]{2,3}/\S+",
    re.IGNORECASE,
)
_ID_NAME: Final = re.compile(r"(?:arxiv(?:[ -]preprint)?[\s:.]{0,3}){0,3}\Z", re.IGNORECASE)
_ID_TAIL: Final = re.compile(r"(?:v[0-9]+)?(?:\.pdf)?(?:\s?\[[A-Za-z.-]{2,12}\])?")
_TAGS: Final = re.compile(r"\[[^\[\]]{0,40}\]|\((?:pdf|abs|html|link|code|paper)?\)", re.IGNORECASE)
_EDGE: Final = " \t-–—:|,;()[]<>*_`\"'“”•·"
_PARTING: Final = frozenset("-–—:|,;()[]<>\t.")
_TITLE_LABEL: Final = re.compile(r"\s*title\s?:\s*", re.IGNORECASE)
_OTHER_LABEL: Final = re.compile(
    r"\s*(?:authors?|subjects?|comments?|journal-ref|abstract|date|from|to|doi|categories"
    r"|report-no|msc-class|acm-class|license|submitted|cite as)\s?:",
    re.IGNORECASE,
)
_HEADING: Final = re.compile(r"\s*#{1,6}\s")
_SENTENCES: Final = re.compile(r"[^\W\d_]{4}\.\s+[^\W\d_]|\bet al\b\.?[ ,]*[^\s.,]")
_TWO_WORDS: Final = re.compile(r"\w[\W_]+\w")
_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_QUOTED: Final = re.compile(r"[“\"]([^“”\"]{12,300})[”\"]")
_YEAR: Final = re.compile(r"\((?:19|20)[0-9]{2}[^()]{0,20}\)[.,:]?\s+")
_END: Final = re.compile(r"[.?!](?:\s|\Z)")
_IS_PROSE: Final = "it reads like running text, not like a title"
_ASIDE: Final = "\x1f"  # no text holds it: control characters are gone


def read_lines(text: str) -> Entries:
    """Every id, and every line without one that can be a title.

    Where paragraphs part the papers, a title and a link in one paragraph are one paper.
    """
    paragraphs = _paragraphs(text)
    first = next(paragraphs, [])
    second = next(paragraphs, None)
    for paragraph in (first, *([second] if second else ()), *paragraphs):
        yield from _together(paragraph, is_one_of_many=second is not None)


def _paragraphs(text: str) -> Iterator[list[tuple[int, str]]]:
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            lines.append((number, line))
        elif lines:
            yield lines
            lines = []
    if lines:
        yield lines


def _together(paragraph: list[tuple[int, str]], *, is_one_of_many: bool) -> Entries:
    found = (one for number, line in paragraph for one in _entries(place("line", number), line))
    labelled = len(paragraph) < 20 and any(_TITLE_LABEL.match(line) for _, line in paragraph)
    if len(paragraph) > 1 and (labelled or (is_one_of_many and len(paragraph) == 2)):
        return iter(_merged([*found]))
    return found


def _merged(entries: list[Entry]) -> list[Entry]:
    """One item of a title and an id; any other company stays as it is."""
    items = [one for one in entries if isinstance(one, Item)]
    titles = [one.title for one in items if one.title]
    ids = [one for one in items if one.arxiv_id]
    if len(items) == 2 and len(titles) == len(ids) == 1:
        return [replace(ids[0], title=titles[0], where=items[0].where)]
    return entries


def _entries(where: str, line: str) -> Entries:
    ids = dict.fromkeys(mention.arxiv_id for mention in mentions(line))
    if not ids:
        yield from _title_alone(where, line)
        return
    title = _title_beside(line) if len(ids) == 1 and len(line) <= _LONGEST_LINE else ""
    yield from (Item(title=title, arxiv_id=arxiv_id, where=where) for arxiv_id in ids)


def _title_alone(where: str, line: str) -> Entries:
    if len(line) > _LONGEST_LINE:
        yield Rejected(where=where, why="it is too long for a title and names no arXiv paper")
        return
    if _OTHER_LABEL.match(line) or not any(map(str.isalnum, line)):
        return
    text = _TITLE_LABEL.sub("", _BULLET.sub("", line, count=1), count=1)
    text = _URL.sub(" ", _MARKDOWN_LINK.sub(r"\1 ", text))
    words = _cited(text) if _is_prose(text) else text
    problem = _IS_PROSE if text and not words else _why_no_title(words.strip())
    if problem or _HEADING.match(line):
        yield Rejected(where=where, why=problem or "it is a heading")
    else:
        yield entry(where, plain_title(_unwrapped(words)), "")


def _unwrapped(text: str) -> str:
    """Without the marks of a list or of emphasis around it; closing brackets belong to it."""
    return text.strip().strip("*_`|•·").strip(" \t-–—:|,;")


def _title_beside(line: str) -> str:
    """The title that stands on a line with one id, if it is surely one and no remark."""
    for words, _ in _MARKDOWN_LINK.findall(line):
        if not _why_no_title(words) and not any(mentions(words)):
            return plain_title(words)
    sides = [side for side in _without_ids(line).split(_ASIDE) if len(_WORD.findall(side)) > 1]
    if len(sides) != 1:
        return ""
    side = _BULLET.sub("", sides[0], count=1)
    cited = _cited(side) if _is_prose(side) else side
    words = _TAGS.sub(" ", _TITLE_LABEL.sub("", cited, count=1)).strip(_EDGE)
    surely = cited != side or _is_parted(side) or _is_title_case(words)
    return plain_title(words) if surely and not _why_no_title(words) else ""


def _without_ids(line: str) -> str:
    """The line with a sign in place of every address and id."""
    rest = _URL.sub(_ASIDE, line)
    for mention in reversed([*mentions(rest)]):
        tail = _ID_TAIL.match(rest, mention.end)
        end = tail.end() if tail else mention.end
        near = max(0, mention.start - _LONGEST_NAME)
        before = rest[:near] + _ID_NAME.sub("", rest[near : mention.start])
        rest = before + _ASIDE + rest[end:]
    return rest


def _is_parted(side: str) -> bool:
    """Whether a sign stands between the words and the id: `Title - id`, `id: Title`, `Title (id)`."""
    text = side.strip(" ")
    return text[:1] in _PARTING or text[-1:] in _PARTING


def _is_title_case(text: str) -> bool:
    words = _WORD.findall(text)
    return len(words) > 2 and sum(word[0].isupper() for word in words) >= 0.6 * len(words)


def _is_prose(text: str) -> bool:
    return _SENTENCES.search(text) is not None or text.count(" ") > _MOST_WORDS


def _cited(text: str) -> str:
    """The title in a citation (in quotes, or behind the year), or nothing."""
    if quoted := _QUOTED.search(text):
        return quoted[1].strip(" ,.")
    year = _YEAR.search(text)
    end = _END.search(text, year.end()) if year else None
    return text[year.end() : end.end()].strip(" ,.") if year and end else ""


def _why_no_title(text: str) -> str:
    """What speaks against a text as title; empty if nothing does."""
    letters = sum(map(str.isalpha, text))
    if letters < 4 or 3 * letters < len("".join(text.split())):
        return "it names no arXiv paper and is too little for a title"
    if not _TWO_WORDS.search(text) and text.isascii():
        return "a single word teaches nothing as a title"
    if text.count(" ") > _MOST_WORDS or len(text) > LONGEST_TITLE or text[-1] == ":":
        return _IS_PROSE
    return ""
