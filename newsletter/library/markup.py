"""Zotero RDF -> entries; of any other XML or HTML only the arXiv links count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from newsletter.errors import LibraryError
from newsletter.library.ids import id_among, mentions
from newsletter.library.items import Entries, Item, entry, place
from newsletter.library.titles import plain_title

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LOOKS: Final = re.compile(r"\s*<[?!/]?[A-Za-z-]")
_RDF: Final = re.compile(r"<rdf:RDF\b")
_HEAD: Final = 4000
_TITLE: Final = "{http://purl.org/dc/elements/1.1/}title"
_NO_PAPERS: Final = frozenset(("Attachment", "Collection", "Memo", "Journal", "Series", "UserItem"))
_LONGEST_VALUE: Final = 3000
_MOST_TAGS: Final = 500_000  # a paper of an export has 50; a million would take 300 MB


def looks_like_markup(text: str) -> bool:
    """Whether it begins with a tag."""
    return _LOOKS.match(text) is not None


def looks_like_rdf(text: str) -> bool:
    """Whether it is the RDF that Zotero exports."""
    return looks_like_markup(text) and _RDF.search(text, 0, _HEAD) is not None


def read_rdf(text: str) -> Entries:
    """Every bibliographic item in order.

    Raises:
        LibraryError: it is broken, or defines entities, which no export does.
    """
    # Imported late: no other command reads XML.
    from xml.etree import ElementTree

    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise LibraryError("this RDF defines entities, which no export of Zotero does")
    if text.count("<") > _MOST_TAGS:
        raise LibraryError("this RDF has too many tags for a reading list; divide the file")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without a DTD there are no entities
    except (ElementTree.ParseError, ValueError) as error:
        raise LibraryError(f"this RDF is broken ({error})") from None
    for number, element in enumerate(_papers(root), 1):
        title = element.findtext(_TITLE) or ""
        texts = [text[:_LONGEST_VALUE] for text in element.itertext() if text.strip()]
        own = [value[:_LONGEST_VALUE] for value in element.attrib.values()]
        # rdf:about is the link; an abstract may name other papers, so it comes last.
        arxiv_id = id_among((), (*own, *sorted(texts, key=len)))
        yield entry(place("entry", number), plain_title(title), arxiv_id)


def _papers(root: Element) -> Iterator[Element]:
    return (one for one in root if one.tag.rpartition("}")[2] not in _NO_PAPERS)


def read_links(text: str) -> Entries:
    """Every arXiv link of a page or bookmark file, line by line."""
    for number, line in enumerate(text.split("\n"), 1):
        for found in mentions(line, bare=False):
            yield Item(arxiv_id=found.arxiv_id, where=place("line", number))
