"""Cleaning holds on everything recorded: 10,161 papers, the seed, the API answers and the feeds."""

from __future__ import annotations

import gzip
import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from newsletter.sources.text import clean_name, clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ATOM = "{http://www.w3.org/2005/Atom}"
LEFT_OVERS = {
    "escaped percent": r"\\%",
    "backslash": r"\\",
    "brace before a macro": r"\{\\",
    "double hyphen": r"--",
    "glued times": r"(?<=\d)times|(?<![A-Za-z])times(?=\d)",
    "glued sim": r"(?<![A-Za-z-])sim(?!2[a-z]{3})(?=\d)",
    "lost sign by number": r"(?<=[a-z)])x201[34]",
    "TeX quotes": r"``|''",
    "hard wrap": r"\n|\s\s",
    "space before punctuation": r" [.,;](?: |$)",
    "comment residue": r"[.!?] %[A-Za-z]",
    "invisible": r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ufffd]",
}


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> list[tuple[str, str]]:
    """Every raw text with its name, from all recordings."""
    return [
        *_papers(shared_data / "papers_2023-2025.jsonl.gz"),
        *_answers(shared_data / "api"),
        *_seed(shared_data / "seed" / "trending_page.txt"),
        *_feeds(shared_data / "feeds"),
    ]


def _papers(path: Path) -> Iterator[tuple[str, str]]:
    if not path.is_file():
        pytest.skip("the recorded papers are not beside this checkout")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            paper = json.loads(line)
            yield paper["id"], paper["title"]
            yield paper["id"], paper["abstract"]


def _answers(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.json")):
        for item in json.loads(path.read_text(encoding="utf-8")):
            paper = item["paper"]
            for key in ("title", "summary", "ai_summary"):
                yield paper["id"], paper.get(key) or ""


def _seed(path: Path) -> Iterator[tuple[str, str]]:
    for number, block in enumerate(path.read_text(encoding="utf-8").split("\n\n")):
        yield f"seed block {number}", block


def _feeds(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.xml")):
        for entry in ET.parse(path).getroot().iter(f"{ATOM}entry"):
            for tag in ("title", "summary"):
                yield path.name, entry.findtext(f"{ATOM}{tag}") or ""


def _without_addresses(text: str) -> str:
    return re.sub(r"https?://[^\s)]+", "URL", text)


@pytest.fixture(scope="module")
def cleaned(recorded: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Name, raw text and clean text."""
    return [(name, raw, clean_text(raw)) for name, raw in recorded]


@pytest.mark.parametrize("pattern", LEFT_OVERS.values(), ids=LEFT_OVERS.keys())
def test_no_recorded_text_keeps_an_artefact(
    cleaned: list[tuple[str, str, str]], pattern: str
) -> None:
    suspects = [(name, text) for name, _, text in cleaned if re.search(pattern, text)]
    left = [(n, text) for n, text in suspects if re.search(pattern, _without_addresses(text))]
    assert left == []


def test_cleaning_a_recorded_text_twice_changes_nothing(
    cleaned: list[tuple[str, str, str]],
) -> None:
    for _, _, clean in cleaned[::7]:
        assert clean_text(clean) == clean


def test_every_recorded_address_survives(cleaned: list[tuple[str, str, str]]) -> None:
    """All but one: 2511.06251 repeats the end of its address as the text of the link."""
    lost = set()
    for name, raw, clean in cleaned:
        for address in re.findall(r"https?://[A-Za-z0-9._~/?=&%#+-]+", re.sub("-\n", "-", raw)):
            if address.rstrip(".,;:") not in clean:
                lost.add(name)
    assert lost <= {"2511.06251"}


def test_almost_every_recorded_word_stays_as_it_is(cleaned: list[tuple[str, str, str]]) -> None:
    """Cleaning is a repair, not a rewrite: at most one word in a thousand goes (`times`, `textbf`)."""
    before = after = 0
    for _, raw, clean in cleaned:
        words = re.findall(r"[A-Za-z]{4,}", raw)
        kept = set(re.findall(r"[A-Za-z]{4,}", clean))
        before += len(words)
        after += sum(word in kept for word in words)
    assert after >= 0.999 * before


def test_recorded_author_names_are_clean_already(shared_data: Path) -> None:
    for path in sorted((shared_data / "api").glob("*.json"))[:5]:
        for item in json.loads(path.read_text(encoding="utf-8")):
            for author in item["paper"]["authors"]:
                assert clean_name(author["name"]) == " ".join(author["name"].split())
