"""Feedback -> taste: what the votes of a reader make of their profile (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from newsletter.model import Feedback, Profile, Verdict


def with_votes(profile: Profile, votes: Iterable[Feedback]) -> Profile:
    """The profile as the votes on papers make it: more is liked, less is disliked."""
    said = {vote.paper_id: vote.verdict for vote in votes}
    liked = (p for p, verdict in said.items() if verdict is Verdict.MORE)
    disliked = (p for p, verdict in said.items() if verdict is Verdict.LESS)
    return replace(
        profile,
        liked=tuple(dict.fromkeys((*(p for p in profile.liked if p not in said), *liked))),
        disliked=tuple(dict.fromkeys((*(p for p in profile.disliked if p not in said), *disliked))),
    )
