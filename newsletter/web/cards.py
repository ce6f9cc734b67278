"""Papers as cards of a page, worded like the cards of the mail."""

from __future__ import annotations

from dataclasses import replace

from newsletter.mail.view import Card
from newsletter.mail.view import card as mail_card
from newsletter.mail.wording import shorten
from newsletter.model import Candidate, Pick

_ABSTRACT = 280


def card_of(pick: Pick, rank: int, *, abstract: int = _ABSTRACT) -> Card:
    """A pick as a card, without links to vote by."""
    whole = mail_card(pick, rank, None)
    return replace(whole, abstract=shorten(whole.abstract, abstract))


def card_of_candidate(candidate: Candidate, rank: int) -> Card:
    """A listed paper as a card, without reasons."""
    pick = Pick(
        paper=candidate.paper,
        score=0.0,
        reasons=(),
        upvotes=candidate.upvotes,
        comments=candidate.comments,
        stars=candidate.stars,
    )
    return card_of(pick, rank)
