"""More, less, follow, mute: each page says what would change, one button does it, undo takes it back."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from newsletter.links import Way
from newsletter.mail.digest import digest_id
from newsletter.model import (
    Entry,
    Feedback,
    Listing,
    Paper,
    Pick,
    Profile,
    Tier,
    Verdict,
    id_from_title,
)
from newsletter.pipeline import record
from newsletter.selection import Background
from newsletter.web.effects import Effects, Voting, left_out_by, place_in, written_by

FIRST, SECOND, THIRD = "2604.00001", "2604.00002", "2604.00003"


@pytest.fixture
def reader(web):
    return web.reader()


@pytest.fixture
def digest(web, reader):
    return web.app.store.digest(digest_id(reader.id, "2026-04-03"))


def votes(web, reader):
    return {vote.paper_id: vote.verdict for vote in web.app.subscriptions.votes(reader.id)}


@pytest.mark.parametrize("way", [Way.MORE, Way.LESS])
def test_page_shows_the_paper_and_the_effect_and_changes_nothing(web, reader, digest, way):
    before = web.dump()
    answer = web.client.get(web.path(way, digest.id, FIRST if way is Way.MORE else SECOND))
    assert answer.status_code == 200
    assert ("Quantization of" if way is Way.MORE else "KV cache compression") in answer.text
    assert "Had you said so before, this digest would have looked like this" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert web.dump() == before


@pytest.mark.parametrize(("way", "verdict"), [(Way.MORE, Verdict.MORE), (Way.LESS, Verdict.LESS)])
def test_button_votes_and_undo_takes_it_back(web, reader, digest, way, verdict):
    link = web.path(way, digest.id, FIRST)
    answer = web.client.post(link)
    assert answer.status_code == 200
    assert "Noted." in answer.text
    assert f'action="{link}/undo"' in answer.text
    assert votes(web, reader) == {FIRST: verdict}
    answer = web.client.post(f"{link}/undo")
    assert "Taken back." in answer.text
    assert votes(web, reader) == {}


def test_vote_counts_once_however_often_it_is_sent(web, reader, digest):
    link = web.path(Way.MORE, digest.id, FIRST)
    for _ in range(3):
        assert web.client.post(link).status_code == 200
    assert len(web.app.subscriptions.votes(reader.id)) == 1


def test_vote_that_stands_is_shown_and_the_other_takes_its_place(web, reader, digest):
    web.client.post(web.path(Way.MORE, digest.id, FIRST))
    assert "You said more like this on Friday, 3 April 2026" in re.sub(
        "<[^>]*>", "", web.client.get(web.path(Way.MORE, digest.id, FIRST)).text
    )
    less = web.client.get(web.path(Way.LESS, digest.id, FIRST)).text
    assert "Your new vote takes its place" in less
    web.client.post(web.path(Way.LESS, digest.id, FIRST))
    assert votes(web, reader) == {FIRST: Verdict.LESS}


def test_effect_before_and_after_the_vote_is_the_same_story(web, reader, digest):
    link = web.path(Way.LESS, digest.id, SECOND)
    asked = re.findall(r'<ul class="moves">.*?</ul>', web.client.get(link).text, re.DOTALL)
    told = re.findall(r'<ul class="moves">.*?</ul>', web.client.post(link).text, re.DOTALL)
    assert asked == told != []


def test_effect_counts_places_around_the_paper_voted_on(web, reader, digest):
    voting = Voting(digest=digest, reader=reader, paper=digest.picks[1].paper, rank=2, votes=())
    vote = Feedback(
        subscriber_id=reader.id, paper_id=voting.paper.id, verdict=Verdict.LESS, at=web.at
    )
    moved = Effects(web.site).of_vote(voting, vote)
    places = {p for move in moved for p in (move.before, move.after)}
    assert 2 not in places
    assert voting.paper.id not in {move.paper.id for move in moved}
    assert {move.paper.id for move in moved if move.before} <= {
        pick.paper.id for pick in digest.picks
    }


def test_votes_work_for_somebody_unsubscribed(web, reader, digest):
    web.app.subscriptions.unsubscribe(reader.id, now=web.at)
    link = web.path(Way.MORE, digest.id, FIRST)
    assert "in case you come back" in web.client.get(link).text
    assert web.client.post(link).status_code == 200
    assert votes(web, reader) == {FIRST: Verdict.MORE}


def test_votes_work_when_the_pool_has_moved_on(web, reader, digest):
    before = web.client.get(web.path(Way.MORE, digest.id, THIRD)).text
    web.later(days=30)
    entry = Entry(
        paper=Paper(
            id="2605.00001",
            title="Something of next month",
            abstract="Efficient inference of tomorrow.",
            listed_on=date(2026, 5, 3),
        ),
        rank=1,
        upvotes=9,
    )
    day = date(2026, 5, 3)
    listing = Listing(source=f"daily:{day}", tier=Tier.API, entries=(entry,), listed_on=day)
    record(web.app.store, listing, now=web.at)
    web.site.chooser.refresh()
    page = web.client.get(web.path(Way.MORE, digest.id, THIRD))
    assert page.status_code == 200
    assert "next month" not in page.text
    assert ("moves" in page.text) == ("moves" in before)


def test_paper_that_left_the_digest_can_still_be_voted_on(web, reader, digest):
    link = web.path(Way.MORE, digest.id, "2604.00012")
    assert "Not in this digest any more" in web.client.get(link).text
    assert web.client.post(link).status_code == 200
    assert votes(web, reader) == {"2604.00012": Verdict.MORE}


@pytest.mark.parametrize("way", [Way.MORE, Way.LESS, Way.TUNE])
def test_paper_that_is_not_stored_gets_a_kind_page(web, reader, digest, way):
    before = web.dump()
    link = web.path(way, digest.id, "9999.99999")
    answer = web.client.get(link)
    assert answer.status_code == 404
    assert "not here any more" in answer.text
    tail = "/follow" if way is Way.TUNE else ""
    assert web.client.post(link + tail).status_code == 404
    assert web.dump() == before


@pytest.mark.parametrize("way", [Way.MORE, Way.LESS, Way.TUNE])
def test_links_of_somebody_forgotten_say_that_nothing_is_kept(web, reader, digest, way):
    web.app.subscriptions.forget(reader.id, now=web.at)
    answer = web.client.get(web.path(way, digest.id, FIRST))
    assert answer.status_code == 410
    assert "Nothing is kept about you any more" in answer.text


def test_link_that_names_a_paper_by_its_title_finds_it(digest):
    paper = digest.picks[1].paper
    assert place_in(digest, id_from_title(paper.title)) == (2, paper)
    assert place_in(digest, "9999.99999") == (0, None)


def test_one_paper_digest_has_no_other_to_move(web):
    reader = web.reader("one@reader.example")
    changed = replace(reader.profile, max_papers=1)
    digest = web.app.store.digest(digest_id(reader.id, "2026-04-03"))
    alone = replace(digest, picks=digest.picks[:1])
    voting = Voting(
        digest=alone,
        reader=replace(reader, profile=changed),
        paper=alone.picks[0].paper,
        rank=1,
        votes=(),
    )
    vote = Feedback(subscriber_id=reader.id, paper_id=FIRST, verdict=Verdict.MORE, at=web.at)
    assert Effects(web.site).of_vote(voting, vote) == ()


# -- follow and mute


def tune(web, digest, paper: str = FIRST) -> str:
    return web.path(Way.TUNE, digest.id, paper)


def test_tune_page_offers_authors_and_words_with_their_effect(web, reader, digest):
    before = web.dump()
    page = web.client.get(tune(web, digest)).text
    assert "Ada Byron" in page
    assert "2 papers on the lists of the last days" in page
    assert "quantization" in page
    assert "would have left out 1 of these 4" in page
    assert web.dump() == before


def test_follow_and_its_undo(web, reader, digest):
    link = tune(web, digest)
    page = web.client.post(f"{link}/follow", data={"author": "Ada Byron"})
    assert page.status_code == 200
    assert "You follow Ada Byron." in page.text
    assert web.app.subscriptions.get(reader.id).profile.authors == ("Ada Byron",)
    assert "Following" in web.client.get(link).text
    page = web.client.post(f"{link}/follow", data={"author": "Ada Byron", "stop": "yes"})
    assert "You do not follow" in page.text
    assert web.app.subscriptions.get(reader.id).profile.authors == ()


def test_only_authors_of_the_paper_can_be_followed_here(web, reader, digest):
    before = web.dump()
    for author in ("Somebody Else", "", "\u202e", "x" * 3000):
        answer = web.client.post(f"{tune(web, digest)}/follow", data={"author": author})
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    assert web.dump() == before


def test_mute_and_its_undo(web, reader, digest):
    link = tune(web, digest)
    page = web.client.post(f"{link}/mute", data={"word": " quantization\r\n"})
    assert "“quantization” is muted." in page.text
    assert web.app.subscriptions.get(reader.id).profile.muted == ("quantization",)
    page = web.client.post(f"{link}/mute", data={"word": "quantization", "stop": "yes"})
    assert "may appear again" in page.text
    assert web.app.subscriptions.get(reader.id).profile.muted == ()


def test_own_word_is_tried_before_it_is_muted(web, reader, digest):
    before = web.dump()
    page = web.client.get(tune(web, digest), params={"word": "Language"}).text
    assert "would have left out 2 of these 4" in page
    assert "Speculative decoding with small drafts" in page
    assert "Mute “Language”" in page
    assert web.dump() == before


@pytest.mark.parametrize("word", ["", "   ", "\u200b", "x" * 101])
def test_word_that_cannot_be_muted_is_told_beside_its_field(web, reader, digest, word):
    before = web.dump()
    answer = web.client.post(f"{tune(web, digest)}/mute", data={"word": word})
    assert answer.status_code == 422
    assert 'aria-describedby="word-wrong"' in answer.text
    assert web.dump() == before


def test_hostile_words_are_shown_as_text(web, reader, digest):
    nasty = "<script>alert(1)</script>{{7777*7779}}'\"--"
    link = tune(web, digest)
    for page in (
        web.client.get(link, params={"word": nasty}).text,
        web.client.post(f"{link}/mute", data={"word": nasty}).text,
        web.client.get(link).text,
    ):
        assert "<script>alert" not in page
        assert "{{7777*7779}}" in page or "60497283" not in page
    assert web.app.subscriptions.get(reader.id).profile.muted == (nasty,)


def test_tuning_works_for_somebody_unsubscribed(web, reader, digest):
    web.app.subscriptions.unsubscribe(reader.id, now=web.at)
    answer = web.client.post(f"{tune(web, digest)}/mute", data={"word": "robot"})
    assert answer.status_code == 200
    assert web.app.subscriptions.get(reader.id).profile.muted == ("robot",)


def test_left_out_and_written_by_look_at_what_the_selection_looks_at():
    papers = (
        Paper(id="1", title="KV caches", authors=("Levine, Sergey",)),
        Paper(id="2", title="Robots", authors=("Ada Byron",)),
    )
    assert [paper.id for paper in left_out_by("kv cache", papers, Background.fit(()))] == ["1"]
    assert [paper.id for paper in written_by("Sergey Levine", papers)] == ["1"]


def test_effects_are_remembered_and_do_not_grow(web, reader, digest, monkeypatch):
    import newsletter.web.effects as module

    made = []
    real = module.rank
    monkeypatch.setattr(module, "rank", lambda *a, **k: made.append(1) or real(*a, **k))
    effects = Effects(web.site)
    voting = Voting(digest=digest, reader=reader, paper=digest.picks[0].paper, rank=1, votes=())
    vote = Feedback(subscriber_id=reader.id, paper_id=FIRST, verdict=Verdict.MORE, at=web.at)
    for _ in range(3):
        effects.of_vote(voting, vote)
    assert len(made) == 2
    for n in range(140):
        other = replace(reader, profile=Profile(topics=(f"topic {n}",), max_papers=2))
        effects.of_vote(replace(voting, reader=other), vote)
    assert len(effects._kept) == 128


def test_pick_without_days_uses_the_present_pool(web, reader, digest):
    timeless = replace(
        digest,
        picks=tuple(
            Pick(paper=replace(p.paper, listed_on=None), score=p.score, reasons=p.reasons)
            for p in digest.picks
        ),
    )
    voting = Voting(digest=timeless, reader=reader, paper=timeless.picks[0].paper, rank=1, votes=())
    vote = Feedback(subscriber_id=reader.id, paper_id=FIRST, verdict=Verdict.LESS, at=web.at)
    assert isinstance(Effects(web.site).of_vote(voting, vote), tuple)
