"""Two readers on real list days: what they get is theirs, and every reason is true."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from newsletter.model import Candidate, Paper, Pick, Profile, Sighting, Why
from newsletter.selection import Background, select

DAYS = ("2025-10-13", "2025-10-14", "2025-10-15")
NOW = datetime(2025, 10, 15, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def papers(shared_data: Path) -> dict[str, list[tuple[Paper, int]]]:
    """The papers of some months with their votes, by list day."""
    by_day: dict[str, list[tuple[Paper, int]]] = {}
    with gzip.open(shared_data / "papers_2023-2025.jsonl.gz", "rt") as lines:
        for item in map(json.loads, lines):
            if "2025-08-01" <= item["list_date"] <= DAYS[-1]:
                entry = (_paper(item), item.get("upvotes") or 0)
                by_day.setdefault(item["list_date"], []).append(entry)
    return by_day


@pytest.fixture(scope="module")
def known(papers: dict[str, list[tuple[Paper, int]]]) -> Background:
    return Background.fit([paper for day in papers.values() for paper, _ in day])


def _paper(item: dict) -> Paper:
    return Paper(
        id=item["id"],
        title=" ".join(item["title"].split()),
        abstract=" ".join(item["abstract"].split()),
        authors=tuple(item.get("authors") or ()),
        organization=str(item.get("organization") or ""),
        listed_on=date.fromisoformat(item["list_date"]),
    )


def _candidates(papers: dict[str, list[tuple[Paper, int]]]) -> list[Candidate]:
    found = []
    for day in DAYS:
        at = datetime.combine(date.fromisoformat(day), time(20), UTC)
        ordered = sorted(papers[day], key=lambda entry: -entry[1])
        for rank, (paper, votes) in enumerate(ordered, 1):
            look = Sighting(
                paper_id=paper.id, seen_at=at, rank=rank, source=f"daily:{day}", upvotes=votes
            )
            found.append(Candidate(paper=paper, sightings=(look,)))
    return found


def _picks(profile: Profile, candidates: list[Candidate], known: Background) -> list[Pick]:
    return list(select(profile, candidates, now=NOW, background=known))


INFERENCE = Profile(
    topics=("efficient inference of large language models", "retrieval-augmented generation"),
    keywords=("quantization", "KV cache", "speculative decoding", "mixture of experts"),
    authors=("Song Han", "Tri Dao"),
    max_papers=8,
)
SCENES = Profile(topics=("gaussian splatting", "3D reconstruction"), max_papers=6)
AGENTS = Profile(
    topics=("web agents", "tool use", "GUI automation"), muted=("benchmark",), max_papers=6
)
DIGESTS = (
    (
        INFERENCE,
        [
            "QeRL | you follow Song Han; your keyword “quantization”; most upvoted on 14 October",
            "StreamingVLM | you follow Song Han; your keyword “KV cache”",
            "DeepMMSearch-R1 | your topic “retrieval-augmented generation”",
            "MRMR | your topic “retrieval-augmented generation”",
            "ViCO | your topic “efficient inference of large language models”",
            "SPG | your topic “efficient inference of large language models”",
            (
                "Speculative Jacobi-Denoising Deco | your topic “efficient inference of large language"
                " models”"
            ),
            (
                "Thinking with Camera | a surprise: most upvoted on 13 October, from outside your"
                " interests"
            ),
        ],
    ),
    (
        SCENES,
        [
            (
                "High-Fidelity Simulated Data Gene | your topic “gaussian splatting”; your topic “3D"
                " reconstruction”"
            ),
            "Instant4D | your topic “gaussian splatting”; your topic “3D reconstruction”",
            (
                "Progressive Gaussian Transformer  | your topic “gaussian splatting”; your topic “3D"
                " reconstruction”"
            ),
            "Spatial Forcing | your topic “3D reconstruction”",
            "QeRL | a surprise: most upvoted on 14 October, from outside your interests",
        ],
    ),
    (
        AGENTS,
        [
            "BrowserAgent | your topic “web agents”",
            "A Goal Without a Plan Is Just a W | your topic “web agents”",
            (
                "Advancing End-to-End Pixel Space  | a surprise: most upvoted on 15 October, from"
                " outside your interests"
            ),
        ],
    ),
)


@pytest.mark.parametrize(("profile", "digest"), DIGESTS, ids=["inference", "scenes", "agents"])
def test_a_real_digest_is_the_one_that_was_read_and_found_good(profile, digest, papers, known):
    """Read on 24 November 2026; a change here is to be read again, not just accepted."""
    picks = _picks(profile, _candidates(papers), known)
    assert [_told(pick) for pick in picks] == digest


def _told(pick: Pick) -> str:
    return f"{pick.paper.title.partition(':')[0][:33]} | {'; '.join(map(str, pick.reasons))}"


def test_the_reader_of_robots_gets_robots(papers, known):
    profile = Profile(
        topics=(
            "robot learning and manipulation",
            "vision-language-action models",
            "3D scene understanding",
        ),
        keywords=("diffusion", "world model", "SLAM", "reinforcement learning"),
        max_papers=8,
    )
    picks = _picks(profile, _candidates(papers), known)
    by_topic = [p for p in picks if any(r.why is Why.TOPIC for r in p.reasons)]
    assert len(picks) == 8
    assert len(by_topic) >= 4
    titles = " | ".join(pick.paper.title for pick in picks)
    assert "Vlaser" in titles
    assert "Spatial Forcing" in titles


def test_a_reader_of_something_else_gets_nothing(papers, known):
    profile = Profile(topics=("medieval tax law", "bee keeping"))
    assert select(profile, _candidates(papers), now=NOW, background=known) == ()


def test_a_paper_that_shares_a_mere_word_with_a_topic_is_no_fit_to_it(papers, known):
    candidates = [Candidate(paper=paper) for paper, _ in papers["2025-09-03"]]
    reader = Profile(topics=("hallucination detection",), max_papers=10, surprise=False)
    told = {pick.paper.title[:10] for pick in _picks(reader, candidates, known)}
    assert "ELV-Halluc" in told  # hallucinations of models that watch videos
    assert "C-DiffDet+" not in told  # damaged cars
