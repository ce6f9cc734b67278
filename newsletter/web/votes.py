"""More like this, less like this, follow, mute: each page says what it will change before it does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from newsletter.config import check_wishes
from newsletter.errors import ConfigError
from newsletter.links import Way
from newsletter.mail.view import AUTHORS_SHOWN
from newsletter.mail.wording import long_date, plain, readable, shorten
from newsletter.membership import is_subscribed, one_line, wishes_of
from newsletter.model import Feedback, Paper, Pick, Verdict
from newsletter.selection.effect import Move
from newsletter.web.bearers import LinkError, digest_of, path, subject_of
from newsletter.web.cards import card_of
from newsletter.web.effects import (
    Effects,
    Voting,
    contains,
    left_out_by,
    place_in,
    written_by,
)
from newsletter.web.posted import PostedAnything
from newsletter.web.site import Site

_WAYS = {Way.MORE: Verdict.MORE, Way.LESS: Verdict.LESS}
_WORDS_SHOWN = 6
_MOVES_SHOWN = 8
_LONGEST_WORD = 100


class Votes:
    """The pages behind the links of each paper in a mail; GET shows, POST acts."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._effects = Effects(site)
        self.router = APIRouter()
        add = self.router.add_api_route
        for way in _WAYS:
            vote = _VotePages(site, self._effects, way)
            add(f"/{way}/{{token}}", vote.show, methods=["GET"])
            add(f"/{way}/{{token}}", vote.apply, methods=["POST"])
            add(f"/{way}/{{token}}/undo", vote.undo, methods=["POST"])
        tune = _TunePages(site)
        add("/tune/{token}", tune.show, methods=["GET"])
        add("/tune/{token}/follow", tune.follow, methods=["POST"])
        add("/tune/{token}/mute", tune.mute, methods=["POST"])


class _VotePages:
    """One of the two votes."""

    def __init__(self, site: Site, effects: Effects, way: Way) -> None:
        self._site = site
        self._effects = effects
        self._way = way

    def show(self, token: str) -> HTMLResponse:
        """The paper, and what the vote would have changed in its digest."""
        return self._page(token, voting_of(self._site, self._way, token))

    def apply(self, token: str) -> HTMLResponse:
        """The vote counts; once more is no second vote."""
        voting = voting_of(self._site, self._way, token)
        reader, paper = voting.reader.id, voting.paper.id
        self._site.subscriptions.rate(reader, paper, _WAYS[self._way], now=self._site.now())
        return self._page(token, voting_of(self._site, self._way, token), done="voted")

    def undo(self, token: str) -> HTMLResponse:
        """The vote on this paper is taken back, whichever it was."""
        voting = voting_of(self._site, self._way, token)
        self._site.subscriptions.undo(voting.reader.id, voting.paper.id)
        return self._page(token, voting_of(self._site, self._way, token), done="undone")

    def _page(self, token: str, voting: Voting, *, done: str = "") -> HTMLResponse:
        site, verdict = self._site, _WAYS[self._way]
        asked = Feedback(
            subscriber_id=voting.reader.id,
            paper_id=voting.paper.id,
            verdict=verdict,
            at=site.now(),
        )
        effect = self._effects.of_vote(voting, asked)
        other = Way.LESS if self._way is Way.MORE else Way.MORE
        return site.pages.page(
            "vote.html.j2",
            **_shown(site, token, voting),
            way=self._way.value,
            done=done,
            voted=voting.vote.verdict.value if voting.vote else "",
            voted_on=long_date(voting.vote.at.date()) if voting.vote else "",
            moves=[_move_shown(move) for move in effect[:_MOVES_SHOWN]],
            further=max(len(effect) - _MOVES_SHOWN, 0),
            other=path(site, other, voting.digest.id, voting.paper.id),
            tune=path(site, Way.TUNE, voting.digest.id, voting.paper.id),
        )


class _TunePages:
    """Follow an author of a paper, mute what it is about."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def show(self, token: str, word: str = "") -> HTMLResponse:
        """Who and what could be followed and muted; `word` is looked at before it is muted."""
        voting = voting_of(self._site, Way.TUNE, token)
        return self._page(token, voting, word=one_line(word)[:_LONGEST_WORD])

    def follow(self, token: str, sent: PostedAnything) -> HTMLResponse:
        """One of the paper's authors is followed, or with `stop` not any more."""
        voting = voting_of(self._site, Way.TUNE, token)
        author, stop = one_line(sent.last("author")), sent.last("stop") == "yes"
        if not contains((*voting.paper.authors, *voting.reader.profile.authors), author):
            return self._page(token, voting, trouble="Please choose one of the authors below.")
        if trouble := self._trouble(voting, "authors", author):
            return self._page(token, voting, trouble=trouble)
        self._site.subscriptions.follow(voting.reader.id, author, now=self._site.now(), stop=stop)
        return self._done(token, "follow", author, stop=stop)

    def mute(self, token: str, sent: PostedAnything) -> HTMLResponse:
        """Papers about a word never appear, or with `stop` may again."""
        voting = voting_of(self._site, Way.TUNE, token)
        word, stop = one_line(sent.last("word")), sent.last("stop") == "yes"
        if trouble := self._trouble(voting, "muted", word):
            return self._page(token, voting, word=word[:_LONGEST_WORD], wrong=trouble)
        self._site.subscriptions.mute(voting.reader.id, word, now=self._site.now(), stop=stop)
        return self._done(token, "mute", word, stop=stop)

    def _trouble(self, voting: Voting, key: str, word: str) -> str:
        if not word:
            return "Please write a word or a phrase."
        if len(word) > _LONGEST_WORD:
            return f"Please keep it under {_LONGEST_WORD} characters."
        known = getattr(voting.reader.profile, key)
        try:
            check_wishes({key: (*known, word)}, key, base=wishes_of(voting.reader))
        except ConfigError as error:
            return f"This cannot be added: {error.problems[0]}"
        return ""

    def _done(self, token: str, act: str, word: str, *, stop: bool) -> HTMLResponse:
        voting = voting_of(self._site, Way.TUNE, token)
        return self._page(token, voting, done={"act": act, "word": word, "stop": stop})

    def _page(
        self,
        token: str,
        voting: Voting,
        *,
        word: str = "",
        wrong: str = "",
        trouble: str = "",
        done: dict[str, Any] | None = None,
    ) -> HTMLResponse:
        site = self._site
        return site.pages.page(
            "tune.html.j2",
            status=422 if wrong or trouble else 200,
            **_shown(site, token, voting),
            authors=self._authors(voting),
            mutes=[_mute_shown(site, voting, one) for one in _words_of(voting.paper)],
            picks=len(voting.digest.picks),
            tried=_mute_shown(site, voting, word) if word and not wrong else None,
            word=word,
            wrong=wrong,
            trouble=trouble,
            done=done,
            longest=_LONGEST_WORD,
            more=path(site, Way.MORE, voting.digest.id, voting.paper.id),
            less=path(site, Way.LESS, voting.digest.id, voting.paper.id),
        )

    def _authors(self, voting: Voting) -> list[dict[str, Any]]:
        pool = [candidate.paper for candidate in self._site.chooser.pool.candidates]
        names = dict.fromkeys(one_line(name) for name in voting.paper.authors)
        return [
            {
                "name": name,
                "followed": contains(voting.reader.profile.authors, name),
                "papers": len(written_by(name, pool)),
            }
            for name in list(filter(None, names))[:AUTHORS_SHOWN]
        ]


class UnlistedError(LinkError):
    """A true link about a paper that is kept no more."""

    title = "This paper is not here any more"
    sentence = (
        "It was taken out of our lists, so there is nothing to vote on. Your profile is as it was."
    )


def voting_of(site: Site, way: Way, token: str) -> Voting:
    """What a link of a paper is about."""
    digest_id, paper_id = subject_of(site, way, token, parts=2)
    digest, reader = digest_of(site, digest_id)
    rank, paper = place_in(digest, paper_id)
    paper = paper or site.store.find_papers([paper_id]).get(paper_id)
    if paper is None:
        raise UnlistedError
    votes = site.subscriptions.votes(reader.id)
    return Voting(digest=digest, reader=reader, paper=paper, rank=rank, votes=votes)


def _shown(site: Site, token: str, voting: Voting) -> dict[str, Any]:
    """What all pages about a paper show."""
    picks = (pick for pick in voting.digest.picks if pick.paper.id == voting.paper.id)
    pick = next(picks, Pick(paper=voting.paper, score=0.0, reasons=()))
    return {
        "token": token,
        "card": card_of(pick, voting.rank, abstract=voting.reader.profile.abstract_length),
        "subscribed": is_subscribed(voting.reader.status),
        "preferences": path(site, Way.PREFERENCES, voting.reader.id),
        "view": path(site, Way.VIEW, voting.digest.id),
    }


def _move_shown(move: Move) -> dict[str, Any]:
    kind = "in" if move.before is None else "out" if move.after is None else "up"
    return {
        "title": plain(move.paper.title),
        "before": move.before,
        "after": move.after,
        "kind": kind if kind != "up" or move.up else "down",
    }


def _words_of(paper: Paper) -> tuple[str, ...]:
    """What a paper says it is about, as it would be muted."""
    words = (one_line(word) for word in (*paper.keywords, paper.organization))
    fitting = (word for word in words if 2 < len(word) <= _LONGEST_WORD)
    return tuple(dict.fromkeys(fitting))[:_WORDS_SHOWN]


def _mute_shown(site: Site, voting: Voting, word: str) -> dict[str, Any]:
    papers = [pick.paper for pick in voting.digest.picks]
    out = left_out_by(word, papers, site.chooser.pool.background)
    return {
        "word": word,
        "muted": contains(voting.reader.profile.muted, word),
        "count": len(out),
        "titles": [shorten(readable(paper.title), 120) for paper in out],
    }
