"""The answers, in the order in which they count: sent, left out, not entitled, not due, not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from newsletter.delivery import Delivery, DeliveryState
from newsletter.explain.editions import Editions, Look, is_same
from newsletter.mail.wording import edition_name, long_date, short_date
from newsletter.model import Paper, Reason, Status, Subscriber
from newsletter.schedule import zone_of
from newsletter.selection import Encoder, Ranked, Ranking, Verdict
from newsletter.store import Kept, Store


class Answer(StrEnum):
    """Why, in one word."""

    SENT = "sent"
    ON_ITS_WAY = "on_its_way"
    NOT_DELIVERED = "not_delivered"
    NOT_SUBSCRIBED = "not_subscribed"
    NOT_ACTIVE = "not_active"
    SUPPRESSED = "suppressed"
    NOT_DUE = "not_due"
    NOT_LISTED = "not_listed"
    QUIET = "quiet"
    KNOWN = "known"
    MUTED = "muted"
    BELOW_CUT = "below_cut"
    SIMILAR = "similar"
    NO_PLACE = "no_place"
    CHANGED = "changed"


_LEFT_OUT = {
    Verdict.NEXT: Answer.NO_PLACE,
    Verdict.SIMILAR: Answer.SIMILAR,
    Verdict.BELOW_CUT: Answer.BELOW_CUT,
    Verdict.MUTED: Answer.MUTED,
    Verdict.SENT_BEFORE: Answer.KNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the decision was made of; scores are comparable within one edition only.

    Attributes:
        score, taste, trend: see `Ranked`.
        least_picked: score of the last paper with a place; `None` where none has one.
        least_wanted: the reader's own least score.
        place: by score among the `fitting` papers, which share `places`; 0 for one that does not fit.
        candidates: papers that were looked at.
    """

    score: float
    taste: float
    trend: float
    least_picked: float | None
    least_wanted: float
    place: int
    fitting: int
    places: int
    candidates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer; `reasons` spoke, or would have spoken, for the paper."""

    answer: Answer
    sentences: tuple[str, ...]
    reasons: tuple[Reason, ...] = ()
    figures: Figures | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator decides: list days looked back over, how many papers are worth a mail, and
    the model that tells what papers mean, if any.
    """

    days: int
    min_papers: int
    encoder: Encoder | None = None


def explain(store: Store, kept: Kept, paper: Paper, rules: Rules, *, now: datetime) -> Explanation:
    """Why this person got this paper, did not, or does not yet.

    What was decided earlier is decided again, with the profile, votes and looks of that moment;
    word statistics and the facts of papers are today's.
    """
    case = _Case(store, kept, paper, rules, now)
    return case.sent() or case.past() or case.standing() or case.coming() or case.unseen()


class _Case:
    """One person and one paper."""

    def __init__(self, store: Store, kept: Kept, paper: Paper, rules: Rules, now: datetime) -> None:
        self._store = store
        self._kept = kept
        self._reader = kept.subscriber
        self._paper = paper
        self._rules = rules
        self._now = now
        self._editions = Editions(
            store, self._reader, paper, days=rules.days, now=now, encoder=rules.encoder
        )
        with store.overview() as overview:
            self._sent_in = overview.digest_with(self._reader.id, paper)
        with store.register() as register:
            self._suppressed = register.addresses.suppressed(kept.key)

    def sent(self) -> Explanation | None:
        """It stood in a digest that counts as sent."""
        if not self._sent_in:
            return None
        gone = "It stood in an earlier digest, which is not kept any more."
        return self._in_digest(self._sent_in) or Explanation(answer=Answer.SENT, sentences=(gone,))

    def past(self) -> Explanation | None:
        """An earlier edition brought it without arriving, or left it out; the newest one counts."""
        for look in self._editions.past():
            if told := self._in_digest(look.digest_id) or self._left_out(look):
                return replace(told, sentences=(*told.sentences, *self._and_now()))
        return None

    def standing(self) -> Explanation | None:
        """Nothing is made for them, or nothing reaches them."""
        if not (stands := self._stands()):
            return None
        answer = Answer.SUPPRESSED if self._suppressed else Answer.NOT_ACTIVE
        return Explanation(answer=answer, sentences=(stands,))

    def coming(self) -> Explanation | None:
        """The next digest is going to look at it."""
        look = self._editions.coming()
        judged = self._editions.judged(look) if look else None
        if look is None or judged is None:
            return None
        ranking, found = judged
        figures = _figures(ranking, found, self._reader)
        answer = _LEFT_OUT.get(found.verdict, Answer.NOT_DUE)
        told = "As things are, it is going to be in it."
        if found.verdict is not Verdict.PICKED:
            told = f"As things are, it is left out of it: {_why(found, figures)}."
        return Explanation(
            answer=answer,
            sentences=(self._when(look), told),
            reasons=found.reasons,
            figures=figures,
        )

    def unseen(self) -> Explanation:
        """No digest of theirs looked at its day."""
        day = self._paper.listed_on
        listed = f"was listed on {short_date(day)}" if day else "stood on no day's list"
        first = self._editions.first_made_at
        since = (
            f"their first one here was made on {self._at(first)}" if first else "none was made yet"
        )
        told = (
            f"It {listed} and was first read on {self._at(self._editions.seen_at)}: no digest of "
            "theirs looked, or is going to look, at that day."
        )
        rule = (
            f"A digest looks at the newest {self._rules.days} list days, at more of them after a "
            f"gap; {since}."
        )
        return Explanation(answer=Answer.NOT_LISTED, sentences=(told, rule))

    def _in_digest(self, digest_id: str) -> Explanation | None:
        """Where it stood in a digest, and what became of the mail."""
        with self._store.register() as register:
            digest = register.digests.get(digest_id)
            delivery = register.outbox.get(digest_id)
        picks = digest.picks if digest else ()
        place = next((n for n, pick in enumerate(picks) if is_same(pick.paper, self._paper)), -1)
        if digest is None or place < 0:
            return None
        answer, fate = _fate(delivery, self._at)
        where = f"It stands at place {place + 1} of {len(picks)} in their digest of"
        return Explanation(
            answer=answer,
            sentences=(f"{where} {edition_name(digest.edition)} ({digest.id}).", fate),
            reasons=picks[place].reasons,
        )

    def _left_out(self, look: Look) -> Explanation | None:
        """How an edition looked at it; `None` if it did not."""
        judged = self._editions.judged(look)
        if judged is None:
            return None
        ranking, found = judged
        figures = _figures(ranking, found, self._reader)
        answer = _LEFT_OUT.get(found.verdict)
        edition = f"{'digest' if look.digest_id else 'edition'} of {edition_name(look.edition)}"
        quiet = "" if look.digest_id else ", which brought no mail,"
        said = f"Their {edition}{quiet} left it out: {_why(found, figures)}."
        if answer is None and look.digest_id:
            answer = Answer.CHANGED
            said = (
                f"Their {edition} left it out, although by what is known today it had a place: "
                "papers were completed or read since."
            )
        elif answer is None:
            answer = Answer.QUIET
            said = (
                f"It fitted, but their {edition} brought no mail: papers that fitted: "
                f"{len(ranking.picks)}, needed: {self._rules.min_papers} (digest.min_papers)."
            )
        return Explanation(answer=answer, sentences=(said,), reasons=found.reasons, figures=figures)

    def _and_now(self) -> tuple[str, ...]:
        """What stands in the way today, or the next chance."""
        if stands := self._stands():
            return (stands,)
        look = self._editions.coming()
        judged = self._editions.judged(look) if look else None
        if look and judged and judged[1].verdict is Verdict.PICKED:
            return (self._when(look), "As things are, it is going to be in it.")
        return ()

    def _stands(self) -> str:
        """Why nothing reaches them; empty for somebody active."""
        reader = self._reader
        if self._suppressed:
            return f"Nothing is mailed to them: the address is suppressed ({self._suppressed})."
        if reader.status is Status.ACTIVE:
            return ""
        until = f" until {short_date(reader.paused_until)}" if reader.paused_until else ""
        why = f" ({self._kept.status_reason})" if self._kept.status_reason else ""
        since = self._at(self._kept.status_at)
        return f"They are {reader.status}{until}, since {since}{why}: no digest is made for them."

    def _when(self, look: Look) -> str:
        due = self._reader.next_due_at
        if due and due <= self._now:
            return (
                f"Their next digest is due since {self._at(due)} and not made yet; "
                "`newsletter run` makes it."
            )
        return f"Their next digest is due on {self._at(look.at)}."

    def _at(self, instant: datetime) -> str:
        """An instant by their clock."""
        local = instant.astimezone(zone_of(self._reader.timezone))
        return f"{long_date(local.date())} at {local:%H:%M} ({self._reader.timezone})"


def _fate(delivery: Delivery | None, at: Callable[[datetime], str]) -> tuple[Answer, str]:
    """What became of the mail; `at` words an instant."""
    if delivery is None:
        return Answer.SENT, "What became of its mail is not kept."
    if delivery.state is DeliveryState.SENT and delivery.sent_at:
        return Answer.SENT, f"The relay took the mail on {at(delivery.sent_at)}."
    said = f" ({delivery.last_error})" if delivery.last_error else ""
    if delivery.state is DeliveryState.FAILED:
        return Answer.NOT_DELIVERED, f"Its mail was given up{said}."
    if delivery.state is DeliveryState.CANCELLED:
        return Answer.NOT_DELIVERED, f"Its mail was cancelled before it left{said}."
    tries = f"attempts so far: {delivery.attempts}" if delivery.attempts else "not tried yet"
    return Answer.ON_ITS_WAY, f"Its mail is {delivery.state}, {tries}{said}."


def _figures(ranking: Ranking, found: Ranked, reader: Subscriber) -> Figures:
    picked = [item.score for item in ranking if item.verdict is Verdict.PICKED]
    fits = (Verdict.PICKED, Verdict.NEXT, Verdict.SIMILAR)
    fitting = [item.score for item in ranking if item.verdict in fits]
    better = sum(score > found.score for score in fitting)
    return Figures(
        score=found.score,
        taste=found.taste,
        trend=found.trend,
        least_picked=min(picked, default=None),
        least_wanted=reader.profile.min_score,
        place=better + 1 if found.verdict in fits else 0,
        fitting=len(fitting),
        places=reader.profile.max_papers,
        candidates=len(ranking),
    )


def _why(found: Ranked, figures: Figures) -> str:
    if found.verdict is Verdict.NEXT:
        return (
            f"no place was left; by score it was number {figures.place} of the "
            f"{figures.fitting} papers that fit (places: {figures.places})"
        )
    # The notes speak to the reader; the quoted part is theirs and stays.
    head, mark, quoted = found.note.partition("“")
    return f"{head.replace('your ', 'their ').replace('you ', 'they ')}{mark}{quoted}"
