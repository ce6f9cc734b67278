"""Real titles, written as exports write them, find the papers they belong to."""

from __future__ import annotations

import gzip
import json

import pytest

from newsletter.library import match, read_library
from newsletter.model import Paper
from newsletter.sources.text import clean_text


@pytest.fixture(scope="module")
def real_papers(shared_data):
    with gzip.open(shared_data / "papers_2023-2025.jsonl.gz") as lines:
        rows = [json.loads(line) for line in lines]
    return [(row["title"], Paper(id=row["id"], title=clean_text(row["title"]))) for row in rows]


def bibtex(raw: str) -> str:
    return f"@misc{{key,\n  title = {{{raw}}},\n}}\n"


@pytest.mark.parametrize(
    ("write", "expected"), [(bibtex, 0.998), (lambda raw: " ".join(raw.split()) + "\n", 0.995)]
)
def test_real_titles_find_their_papers(real_papers, write, expected):
    stored = {paper.id: paper for _, paper in real_papers}
    stored |= {paper.key: paper for _, paper in real_papers}
    found = 0
    for start in range(0, len(real_papers), 2000):
        text = "".join(write(raw) for raw, _ in real_papers[start : start + 2000])
        report = match(
            read_library(text),
            lambda ids, keys: {name: stored[name] for name in (*ids, *keys) if name in stored},
        )
        found += report.matched

    assert found >= expected * len(real_papers)
