"""Feedback -> taste: what the votes of a reader make of their profile (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from newsletter.model import Feedback, Profile, Verdict

HALF_LIFE = timedelta(days=180)  # interests move on: after this a vote counts half
VOTES_OF_A_DAY = 5  # more of one kind in a day share this much: one angry evening is one voice


@dataclass(frozen=True, slots=True, kw_only=True)
class VotedProfile(Profile):
    """A profile with votes in it. `weights`: how much each paper voted on counts, 0 to 1."""

    weights: tuple[tuple[str, float], ...] = ()


def with_votes(profile: Profile, votes: Iterable[Feedback], *, now: datetime) -> Profile:
    """The profile as the votes on papers make it: more is liked, less is disliked.

    A vote counts at once, fades with its age, and shares its weight with others of its kind and
    day. What the reader wrote into the profile themselves does not fade.
    """
    said = {vote.paper_id: vote for vote in votes}
    if not said:
        return profile
    own = {field.name: getattr(profile, field.name) for field in fields(Profile)}
    for name, verdict in (("liked", Verdict.MORE), ("disliked", Verdict.LESS)):
        kept = [text for text in own[name] if text not in said]
        voted = [paper for paper, vote in said.items() if vote.verdict is verdict]
        own[name] = tuple(dict.fromkeys((*kept, *voted)))
    return VotedProfile(**own, weights=tuple(sorted(_weights(said, now).items())))


def weights_in(profile: Profile) -> Mapping[str, float]:
    """How much each paper voted on counts; what is not named counts 1."""
    return dict(profile.weights) if isinstance(profile, VotedProfile) else {}


def _weights(said: Mapping[str, Feedback], now: datetime) -> dict[str, float]:
    cast = Counter((vote.at.date(), vote.verdict) for vote in said.values())
    return {
        paper: _of_age(now - vote.at)
        * min(1.0, VOTES_OF_A_DAY / cast[vote.at.date(), vote.verdict])
        for paper, vote in said.items()
    }


def _of_age(age: timedelta) -> float:
    """In whole days, so that a taste stays the same value for a day."""
    return float(0.5 ** (max(age.days, 0) / HALF_LIFE.days))
