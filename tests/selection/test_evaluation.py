"""The evaluation, on planted topics: who reads about one gets its papers first."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from selection_world import TOPICS, world

from newsletter.model import Paper, Profile
from newsletter.selection import Background, score

WORLD = [candidate.paper for candidate in world(80)]
STORED = [paper for paper in WORLD if int(paper.id[5:]) < 60]
CANDIDATES = [paper for paper in WORLD if int(paper.id[5:]) >= 60]
KNOWN = Background.fit(STORED)


def _gain(profile: Profile, topic: str) -> float:
    """nDCG@10 of the papers planted for a topic."""
    scores = score(profile, CANDIDATES, background=KNOWN)
    best = np.argsort(-scores, kind="stable")[:10]
    hits = [_is_about(CANDIDATES[at], topic) for at in best]
    worth = 1 / np.log2(np.arange(2, 12))
    return float(worth @ hits / worth.sum())


def _is_about(paper: Paper, topic: str) -> bool:
    return f"of {topic}" in paper.title


def _some(topic: str, count: int) -> tuple[str, ...]:
    return tuple([paper.id for paper in STORED if _is_about(paper, topic)][:count])


@pytest.mark.parametrize("topic", TOPICS)
def test_topics_liked_papers_and_both_find_what_was_planted(topic):
    assert KNOWN.rows.dense.shape[1] > 20, "the latent space takes part"
    liked = _some(topic, 5)
    for profile in (
        Profile(topics=(topic,)),
        Profile(liked=liked),
        Profile(topics=(topic,), liked=liked),
    ):
        assert _gain(profile, topic) > 0.95


@pytest.mark.parametrize("topic", TOPICS)
def test_a_disliked_topic_leaves_the_top(topic):
    other = next(t for t in TOPICS if t != topic)
    both = Profile(topics=(topic, other))
    less = Profile(topics=(topic, other), disliked=_some(other, 3))
    assert _gain(less, other) < _gain(both, other)
    assert _gain(less, topic) > 0.9


@pytest.fixture
def bench(root: Path) -> Iterator[ModuleType]:
    """The script of `make evaluate`."""
    spec = importlib.util.spec_from_file_location("bench_evaluate", root / "bench" / "evaluate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = path


def test_without_the_reading_lists_one_sentence_says_what_is_missing(bench, tmp_path, capsys):
    bench.DATA = tmp_path
    bench.main([])
    said = capsys.readouterr().out
    assert "The reading lists are missing" in said
    assert said.count("\n") == 1


def test_the_table_shows_how_far_we_are_ahead_and_how_sure_that_is(bench):
    ours = {"weekly_hf": ({"a": 0.7, "b": 0.9}, {"a": 0.1, "b": 0.3})}
    theirs = {"bm25": {"weekly_hf": ({"a": 0.6, "b": 0.8}, {"a": 0.2, "b": 0.4})}}
    lines = bench.table(ours, theirs).splitlines()
    assert lines[0] == "| nDCG@10 on dev | ours | bm25 |"
    assert lines[2] == "| weekly_hf | **0.800** | 0.700 (+0.100, +0.100 to +0.100) |"
    assert lines[3] == "| … disliked@10 (low is good) | 0.20 | 0.30 |"
