"""Everything kept about one person, as plain JSON values: what a reader may ask for."""

from __future__ import annotations

from typing import Any

from newsletter.delivery import Delivery
from newsletter.membership import Consent, Token, one_line, wishes_of
from newsletter.model import Digest, Feedback
from newsletter.store import Kept, Register
from newsletter.store.plain import profile_to_json, wishes_to_json


def dossier(register: Register, kept: Kept) -> dict[str, Any]:
    """The person's data."""
    subscriber = kept.subscriber
    return {
        "id": subscriber.id,
        "email": subscriber.email,
        "status": subscriber.status.value,
        "status_at": kept.status_at.isoformat(),
        "status_reason": kept.status_reason,
        "since": subscriber.since.isoformat() if subscriber.since else None,
        "paused_until": subscriber.paused_until.isoformat() if subscriber.paused_until else None,
        "next_due_at": subscriber.next_due_at.isoformat() if subscriber.next_due_at else None,
        "wishes": wishes_to_json(wishes_of(subscriber)),
        "profiles": [
            {"version": v.version, "at": v.at.isoformat(), "profile": profile_to_json(v.profile)}
            for v in register.profiles(subscriber.id)
        ],
        "consents": [_consent(consent) for consent in register.consents(subscriber.id)],
        "votes": [_vote(vote) for vote in register.votes(subscriber.id)],
        "digests": [_digest(digest) for digest in register.digests.of(subscriber.id)],
        "quiet_editions": list(register.digests.quiet_since_last(subscriber.id)),
        "mails": [_mail(delivery) for delivery in register.outbox.of(subscriber.id)],
        "soft_bounces": [day.isoformat() for day in register.soft_bounces(subscriber.id)],
        "links_mailed": [_token(token) for token in register.addresses.tokens_of(kept.key)],
    }


def _consent(consent: Consent) -> dict[str, Any]:
    return {"at": consent.at.isoformat(), "origin": consent.origin, "wording": consent.wording}


def _vote(vote: Feedback) -> dict[str, Any]:
    return {"paper_id": vote.paper_id, "verdict": vote.verdict.value, "at": vote.at.isoformat()}


def _digest(digest: Digest) -> dict[str, Any]:
    return {
        "edition": digest.edition,
        "made_at": digest.created_at.isoformat(),
        "papers": [
            {
                "id": pick.paper.id,
                "title": one_line(pick.paper.title),
                "why": [one_line(str(reason)) for reason in pick.reasons],
            }
            for pick in digest.picks
        ],
    }


def _mail(delivery: Delivery) -> dict[str, Any]:
    return {
        "for": delivery.errand.value,
        "state": delivery.state.value,
        "created_at": delivery.created_at.isoformat(),
        "sent_at": delivery.sent_at.isoformat() if delivery.sent_at else None,
        "attempts": delivery.attempts,
        "last_error": delivery.last_error,
    }


def _token(token: Token) -> dict[str, Any]:
    return {
        "for": token.purpose.value,
        "issued_at": token.issued_at.isoformat(),
        "expires_at": token.expires_at.isoformat(),
        "used_at": token.used_at.isoformat() if token.used_at else None,
        "wishes": wishes_to_json(token.wishes) if token.wishes else None,
    }
