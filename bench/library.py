"""Measures how fast reading lists are read and matched against 10,000 stored papers.

    python bench/library.py             # 2,000 synthetic entries of every kind
    python bench/library.py FILE ...    # reading lists of your own

Each step is repeated and its median printed.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from newsletter.library import Library, Report, match, read_library
from newsletter.model import Entry, Listing, Paper, Tier
from newsletter.store import Store, open_store

ENTRIES = 2000
STORED = 10_000
REPEATS = 3
WORDS = (
    "sparse dense efficient neural causal robust adaptive latent visual spoken planning diffusion"
    " attention retrieval reasoning alignment quantization pruning agents robots language vision"
    " transformers networks policies benchmarks tokens graphs memory speech video proteins"
)
SENTENCE = r"We present a \emph{simple} method with $O(n^2)$ cost; it gains 2.3\% on {ImageNet}. "


def title(number: int) -> str:
    """One of many distinct titles."""
    words = random.Random(number).sample(WORDS.split(), 6)
    return f"{' '.join(words).title()} {number}"


def arxiv_id(number: int) -> str:
    """One of many distinct ids."""
    return f"24{1 + number % 12:02}.{number:05}"


def bibtex(number: int) -> str:
    """As Zotero writes it, with an abstract of 1,100 characters; three of four with an id."""
    where = f"  eprint = {{{arxiv_id(number)}}},\n  archiveprefix = {{arXiv}},\n"
    return (
        f'@article{{author{number}title,\n  title = {{{{{title(number)}}} for M{{\\"u}}ller}},\n'
        f'  author = {{M{{\\"u}}ller, Ada and Example, Bo}},\n  year = {{2024}},\n'
        f"{where if number % 4 < 3 else ''}  abstract = {{{SENTENCE * 14}}},\n"
        f"  keywords = {{Computer Science - Machine Learning}}\n}}\n\n"
    )


def ris(number: int) -> str:
    """As Mendeley writes it."""
    return (
        f"TY  - JOUR\nT1  - {title(number)}\nAU  - Example, Ada\nN2  - {SENTENCE * 14}\n"
        f"UR  - http://arxiv.org/abs/{arxiv_id(number)}\nER  - \n\n"
    )


def csl(number: int) -> dict[str, str]:
    """As Zotero writes it."""
    url = f"http://arxiv.org/abs/{arxiv_id(number)}"
    return {"id": str(number), "title": title(number), "URL": url, "abstract": SENTENCE * 14}


def table() -> str:
    """As Zotero writes it."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["Key", "Title", "DOI", "Url", "Abstract Note"])
    for n in range(ENTRIES):
        rows.writerow([f"K{n}", title(n), "", f"http://arxiv.org/abs/{arxiv_id(n)}", SENTENCE * 14])
    return out.getvalue()


def lists() -> dict[str, str]:
    """A list of each kind."""
    numbers = range(ENTRIES)
    return {
        "BibTeX": "".join(map(bibtex, numbers)),
        "RIS": "".join(map(ris, numbers)),
        "CSL-JSON": json.dumps([csl(number) for number in numbers]),
        "CSV": table(),
        "titles": "\n".join(map(title, numbers)),
        "links": "\n".join(f"https://arxiv.org/abs/{arxiv_id(number)}" for number in numbers),
    }


def filled() -> Store:
    """A store in memory; every tenth entry of the lists is in it."""
    papers = (
        Paper(id=arxiv_id(n * 10), title=title(n * 10), abstract=SENTENCE * 14)
        for n in range(STORED)
    )
    entries = tuple(Entry(paper=paper, rank=rank) for rank, paper in enumerate(papers, 1))
    store = open_store("sqlite://")
    for start in range(0, STORED, 500):
        part = Listing(source="bench", tier=Tier.API, entries=entries[start : start + 500])
        store.record(part, datetime(2026, 4, 3, 12, tzinfo=UTC))
    return store


def measure(name: str, text: str | bytes, store: Store) -> None:
    """Prints one line."""
    reading, matching = [], []
    for _ in range(REPEATS):
        start = perf_counter()
        library: Library = read_library(text)
        read = perf_counter()
        report: Report = match(library, store.find_papers)
        reading.append(read - start)
        matching.append(perf_counter() - read)
    both = median(reading) + median(matching)
    print(
        f"{name:12}{len(text) / 1e6:6.2f} MB{median(reading):8.3f} s read"
        f"{median(matching):8.3f} s matched{report.entries / both:10,.0f} entries/s   {report}"
    )


def main(files: list[str]) -> None:
    """Measures and prints."""
    given = {Path(name).name: Path(name).read_bytes() for name in files} or lists()
    store = filled()
    print(f"{store.count():,} papers are stored")
    for name, text in given.items():
        measure(name, text, store)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1:])
