"""A reason is what decided: on real papers, without it a pick loses much of its lead over the cut."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from newsletter.model import Candidate, Paper, Profile, Reason, Why
from newsletter.selection import Background, Ranked, Verdict, rank
from newsletter.selection.reasons import shortened

NOW = datetime(2025, 10, 17, 21, tzinfo=UTC)
WEEK = ("2025-10-13", "2025-10-17")

READERS = {
    "inference": Profile(
        topics=("efficient inference of large language models", "retrieval-augmented generation"),
        keywords=("quantization", "KV cache"),
    ),
    "robots": Profile(
        topics=("robot learning and manipulation", "3D scene understanding"),
        keywords=("SLAM", "world model"),
    ),
    "video": Profile(topics=("video generation with diffusion models",)),
    "reasoning": Profile(topics=("reinforcement learning with verifiable rewards",)),
    "likes one": Profile(liked=("2510.08555",)),
    "likes some": Profile(liked=("2510.08555", "2510.08540", "2510.08558")),
    "likes and asks": Profile(
        topics=("video generation with diffusion models", "tool use"), liked=("2510.08555",)
    ),
}
FIELDS = {
    Why.TOPIC: "topics",
    Why.KEYWORD: "keywords",
    Why.LIKED: "liked",
}


@pytest.fixture(scope="module")
def papers(shared_data: Path) -> list[Paper]:
    """What was listed in half a year before the end of the week."""
    with gzip.open(shared_data / "papers_2023-2025.jsonl.gz", "rt") as lines:
        items = [json.loads(line) for line in lines]
    return [_paper(item) for item in items if "2025-04-01" <= item["list_date"] <= WEEK[1]]


def _paper(item: dict) -> Paper:
    return Paper(
        id=item["id"],
        title=" ".join(item["title"].split()),
        abstract=" ".join(item["abstract"].split()),
        authors=tuple(item.get("authors") or ()),
        listed_on=date.fromisoformat(item["list_date"]),
    )


@pytest.fixture(scope="module")
def known(papers: list[Paper]) -> Background:
    return Background.fit(papers)


@pytest.mark.parametrize("name", READERS)
def test_without_its_reason_a_pick_loses_half_of_its_lead_over_the_cut(name, papers, known):
    week = [p for p in papers if WEEK[0] <= str(p.listed_on) <= WEEK[1]]
    candidates = [Candidate(paper=paper) for paper in week]
    profile = replace(READERS[name], trend_weight=0.0, max_papers=8)
    ranked = list(rank(profile, candidates, now=NOW, background=known))
    picks = [item for item in ranked if item.verdict is Verdict.PICKED]
    cut = min(item.score for item in picks)
    assert len(picks) > 2
    for pick in picks:
        poorer = _without(profile, pick.reasons, papers)
        after = {r.paper.id: r for r in rank(poorer, candidates, now=NOW, background=known)}
        lost = pick.score - _taste(after[pick.paper.id], poorer)
        assert lost >= (pick.score - cut) / 2, (pick.paper.title, pick.reasons)


def _without(profile: Profile, reasons: tuple[Reason, ...], papers: list[Paper]) -> Profile:
    """The profile without what the reasons name; where several are named, each would suffice."""
    titles = {paper.id: shortened(paper.title) for paper in papers}
    for reason in reasons:
        field = FIELDS[reason.why]
        kept = (t for t in getattr(profile, field) if titles.get(t, t) != reason.detail)
        profile = replace(profile, **{field: tuple(kept)})
    return profile


def _taste(item: Ranked, profile: Profile) -> float:
    """Its taste; none where nothing is left that could fit."""
    return 0.0 if profile.says_nothing else item.taste
