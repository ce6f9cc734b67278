"""A small world of papers with planted topics, for the tests of the selection room."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from newsletter.model import Candidate, Paper, Sighting

NOW = datetime(2026, 4, 3, 21, tzinfo=UTC)
DAY = date(2026, 4, 3)

TOPICS = {
    "graph neural networks": "graph neural network message passing node edge molecule",
    "speech recognition": "speech recognition audio acoustic transcript phoneme speaker",
    "robot manipulation": "robot manipulation grasp gripper arm policy tactile",
    "protein folding": "protein folding residue structure backbone sequence ligand",
}
_FILLER = """
we propose a method that improves results on many tasks with data training model evaluation
baseline analysis experiments framework approach large performance study general efficient
"""
FILLER = _FILLER.split()


def planted(topic: str, number: int, *, upvotes: int | None = None) -> Candidate:
    """Paper `number` about a topic: its words planted among filler, different in every paper."""
    chance = random.Random(f"{topic}-{number}")
    own = TOPICS[topic].split() * 2
    abstract = own + chance.choices(FILLER, k=40) + [f"{topic.split()[0]}{number}x"] * 3
    chance.shuffle(abstract)
    code = list(TOPICS).index(topic)
    paper = Paper(
        id=f"26{code:02d}.{number:05d}",
        title=f"Study {number} of {topic} with {chance.choice(own)}",
        abstract=f"A paper on {topic}. " + " ".join(abstract),
        listed_on=DAY,
    )
    return seen(paper, upvotes=upvotes, rank=number + 1)


def seen(
    paper: Paper, *, upvotes: int | None = None, rank: int = 1, before: int | None = None
) -> Candidate:
    """The paper on today's list; with `before`, also seen a day ago with so many votes."""
    looks = [(NOW - timedelta(days=1), before)] if before is not None else []
    looks.append((NOW - timedelta(hours=1), upvotes))
    return Candidate(
        paper=paper,
        sightings=tuple(
            Sighting(paper_id=paper.id, seen_at=at, rank=rank, source=f"daily:{DAY}", upvotes=votes)
            for at, votes in looks
        ),
    )


def world(each: int = 8, *, votes: bool = False) -> list[Candidate]:
    """So many papers about each planted topic; with votes, earlier numbers have more."""
    return [
        planted(topic, number, upvotes=100 - 7 * number - place if votes else None)
        for place, topic in enumerate(TOPICS)
        for number in range(each)
    ]
