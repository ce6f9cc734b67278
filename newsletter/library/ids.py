"""arXiv ids in text: in links, DOIs, citations and by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

# https://info.arxiv.org/help/arxiv_identifier.html: YYMM.number since April 2007, archive/YYMMnnn
# before, with or without a subject class (math.GT/0309136). The archives that ever gave such ids:
_ARCHIVES: Final = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas"
    "|cond-mat|cs|dg-ga|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math-ph|math|mtrl-th|nlin"
    "|nucl-ex|nucl-th|patt-sol|physics|plasm-ph|q-alg|q-bio|quant-ph|solv-int|supr-con"
)
_LAST_SHORT: Final = "1412"  # until December 2014 the number had four digits, since then five
# The number first: a pattern that begins with ten signs runs over 5 MB in a tenth of a second.
_NUMBER: Final = re.compile(
    r"(?:(?<![0-9])(?<![0-9]\.)([0-9]{4})\.([0-9]{4,5})|/([0-9]{7}))(?:v[0-9]{1,3})?(?![0-9]|\.[0-9])"
)
_ARCHIVE: Final = re.compile(
    rf"(?<![a-z0-9-])({_ARCHIVES})(?:\.[a-z]{{2}})?\Z", re.IGNORECASE | re.ASCII
)
_MONTHS: Final = frozenset(f"{month:02}" for month in range(1, 13))

# What stands right before an id that is surely meant as one: arXiv, Hugging Face, alphaXiv and
# their mirrors all write /abs/, /pdf/, /papers/ ..., the DOIs 10.48550/arXiv.
_NAMED: Final = re.compile(
    r"(?:arxiv(?:[ -](?:preprint|e-?prints?|id))?[\s:./_\[({#-]{0,4}"
    r"|(?:\A|[/\s\"'(])(?:abs|pdf|html|papers|overview|format|src|e-print)/)\Z",
    re.IGNORECASE,
)
_LONGEST_NAME: Final = 40
_BEFORE_BARE: Final = frozenset("([{<\"'“‘„«,;:=*_|#>")
_NOT_AFTER_BARE: Final = re.compile(r"[\w%/]|-[0-9]")
_AROUND: Final = re.compile(r"(?:arxiv\s?[:.]\s?)?", re.IGNORECASE)
_CLASS: Final = re.compile(r"(?:\s?\[[A-Za-z.-]{2,20}\])?\s*\Z")


class Mention(NamedTuple):
    """An id (`2503.02130`, `cs/0112017`) and where it stands in the text."""

    arxiv_id: str
    start: int
    end: int


def mentions(text: str, *, bare: bool = True) -> Iterator[Mention]:
    """Every arXiv id in a text, without versions.

    Args:
        bare: also those that nothing but their shape makes an id.
    """
    for mention in _shaped(text):
        if (bare and _is_bare(text, mention)) or _is_named(text, mention):
            yield mention


def whole_id(text: str) -> str:
    """The id that a field of its own holds (`2503.02130v2`, `arXiv:2503.02130 [cs]`), or nothing."""
    text = text.strip() if len(text) < 2 * _LONGEST_NAME else ""
    for mention in _shaped(text):
        if _AROUND.fullmatch(text, 0, mention.start) and _CLASS.match(text, mention.end):
            return mention.arxiv_id
    return ""


def id_among(whole: Iterable[str], parts: Iterable[str]) -> str:
    """The id of a record: a field that is one, else the first one named inside other fields."""
    for text in whole:
        if arxiv_id := whole_id(text):
            return arxiv_id
    named = (mention.arxiv_id for text in parts for mention in mentions(text, bare=False))
    return next(named, "")


def _shaped(text: str) -> Iterator[Mention]:
    """Everything that has the shape of an id."""
    for found in _NUMBER.finditer(text):
        mention = _old(text, found) if found[3] else _new(found)
        if mention:
            yield mention


def _new(found: re.Match[str]) -> Mention | None:
    length = 4 if found[1] <= _LAST_SHORT else 5
    if found[1][2:] not in _MONTHS or len(found[2]) != length:
        return None
    return Mention(f"{found[1]}.{found[2]}", *found.span())


def _old(text: str, found: re.Match[str]) -> Mention | None:
    start = max(0, found.start() - _LONGEST_NAME)
    archive = _ARCHIVE.search(text[start : found.start()])
    if archive is None or found[3][2:4] not in _MONTHS:
        return None
    return Mention(f"{archive[1].lower()}/{found[3]}", start + archive.start(), found.end())


def _is_named(text: str, mention: Mention) -> bool:
    before = text[max(0, mention.start - _LONGEST_NAME) : mention.start]
    return _NAMED.search(before) is not None


def _is_bare(text: str, mention: Mention) -> bool:
    before = text[mention.start - 1 : mention.start] or " "
    opens = before.isspace() or before in _BEFORE_BARE
    return opens and not _NOT_AFTER_BARE.match(text, mention.end)
