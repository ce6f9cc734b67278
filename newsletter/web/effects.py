"""What a vote, a follow or a mute would have done to one digest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from newsletter.model import Candidate, Digest, Feedback, Paper, Profile, Subscriber, id_from_title
from newsletter.selection import Background, Ranking, rank
from newsletter.selection.effect import Move, moves
from newsletter.selection.learn import with_votes
from newsletter.selection.texts.matching import Mutes, Names
from newsletter.web.site import Site

_KEPT = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Voting:
    """A paper somebody may vote on from one of their digests.

    Attributes:
        rank: its place in that digest; 0 where it does not stand in it any more.
        votes: every vote of the reader that stands.
    """

    digest: Digest
    reader: Subscriber
    paper: Paper
    rank: int
    votes: tuple[Feedback, ...]

    @property
    def vote(self) -> Feedback | None:
        """The vote on this paper."""
        return next((vote for vote in self.votes if vote.paper_id == self.paper.id), None)

    @property
    def others(self) -> tuple[Feedback, ...]:
        """The votes on other papers."""
        return tuple(vote for vote in self.votes if vote.paper_id != self.paper.id)


class Effects:
    """Ranks a digest's candidates anew with another taste; what was asked is remembered.

    Choosing takes a good part of a second of one core, so one is made at a time.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str, Profile], Ranking] = OrderedDict()

    def of_vote(self, voting: Voting, vote: Feedback) -> tuple[Move, ...]:
        """Which picks of the digest this vote would have moved.

        The paper itself is left out of both rankings and keeps its place: a paper one voted on is
        known, and never chosen again.
        """
        profile, now = voting.reader.profile, self._site.now()
        before = self._ranking(voting, with_votes(profile, voting.others, now=now))
        after = self._ranking(voting, with_votes(profile, (*voting.others, vote), now=now))
        return moves(before.picks, after.picks, held=voting.rank)

    def _ranking(self, voting: Voting, taste: Profile) -> Ranking:
        places = taste.max_papers - bool(voting.rank)
        if places < 1:
            return Ranking()
        key = (voting.digest.id, voting.paper.id, taste)
        with self._lock:
            known = self._kept.pop(key, None) or self._rank(
                voting, replace(taste, max_papers=places)
            )
            self._kept[key] = known
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return known

    def _rank(self, voting: Voting, taste: Profile) -> Ranking:
        digest = voting.digest
        with self._site.store.register() as register:
            sent = register.ledger.sent_to(voting.reader.id)
        then_new = {pick.paper.id for pick in digest.picks}
        return rank(
            taste,
            self._candidates(digest),
            already_sent=(sent - then_new) | {voting.paper.id},
            background=self._site.chooser.pool.background,
            now=digest.created_at,
        )

    def _candidates(self, digest: Digest) -> Sequence[Candidate]:
        """What the digest was chosen from; the present pool where its days are in it."""
        pool = self._site.chooser.pool.candidates
        days = sorted(pick.paper.listed_on for pick in digest.picks if pick.paper.listed_on)
        if not days:
            return pool
        known = {candidate.paper.id for candidate in pool}
        if not known.issuperset(pick.paper.id for pick in digest.picks):
            return self._site.store.candidates(listed=(days[0], days[-1]))
        return [c for c in pool if c.paper.listed_on is None or c.paper.listed_on <= days[-1]]


def place_in(digest: Digest, paper_id: str) -> tuple[int, Paper | None]:
    """Where a paper stands in a digest, and the paper; (0, None) where it does not.

    A link may name a paper by the hash of its title that has an arXiv id by now.
    """
    for place, pick in enumerate(digest.picks, start=1):
        if paper_id in (pick.paper.id, id_from_title(pick.paper.title)):
            return place, pick.paper
    return 0, None


def left_out_by(word: str, papers: Iterable[Paper], background: Background) -> tuple[Paper, ...]:
    """The papers that would not appear with this muted."""
    mutes = Mutes.of((word,), background.acronyms.long_forms)
    return tuple(paper for paper in papers if mutes.first(paper))


def written_by(author: str, papers: Iterable[Paper]) -> tuple[Paper, ...]:
    """The papers of somebody who is followed."""
    names = Names.of((author,))
    return tuple(paper for paper in papers if names.found(paper.authors))


def contains(words: Collection[str], word: str) -> bool:
    """Whether a list of a profile names it, in whatever case."""
    return word.casefold() in {known.casefold() for known in words}
