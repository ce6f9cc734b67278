"""Choosing papers for one reader, on a small world of planted topics."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from selection_world import NOW, TOPICS, planted, seen, world

from newsletter.model import Candidate, Paper, Pick, Profile, Why
from newsletter.selection import Background, Ranked, Verdict, rank, score, select

QUIET = {"surprise": False}


def _topics_of(picks: tuple[Pick, ...]) -> set[str]:
    return {topic for topic in TOPICS for pick in picks if f"of {topic}" in pick.paper.title}


def _verdicts(profile: Profile, candidates: list[Candidate], **more: object) -> dict[str, Ranked]:
    return {item.paper.id: item for item in rank(profile, candidates, now=NOW, **more)}


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_brings_its_papers_and_no_others(topic):
    picks = select(Profile(topics=(topic,), max_papers=6), world(), now=NOW)
    assert len(picks) == 6
    assert _topics_of(picks) == {topic}
    assert all(str(pick.reasons[0]) == f"your topic “{topic}”" for pick in picks)


def test_a_topic_that_nothing_fits_brings_nothing():
    profile = Profile(topics=("medieval tax law of northern Italy",))
    assert select(profile, world(votes=True), now=NOW) == ()


def test_three_topics_all_get_their_share_even_when_one_has_most_papers():
    crowd = [planted("speech recognition", i) for i in range(30)]
    few = [planted("robot manipulation", i) for i in range(2)]
    more = [planted("protein folding", i) for i in range(2)]
    rest = [planted("graph neural networks", i) for i in range(10)]
    topics = ("speech recognition", "robot manipulation", "protein folding")
    for places in (3, 5, 8):
        picks = select(
            Profile(topics=topics, max_papers=places, **QUIET), crowd + few + more + rest, now=NOW
        )
        assert len(picks) == places
        assert _topics_of(picks) == set(topics)


def test_a_liked_paper_brings_papers_like_it_and_is_named():
    papers = world()
    liked = papers[0].paper
    picks = select(Profile(liked=(liked.id,), max_papers=4), papers, now=NOW)
    assert _topics_of(picks) == {"graph neural networks"}
    assert all(pick.paper.id != liked.id for pick in picks)
    assert picks[0].reasons[0].why is Why.LIKED
    assert picks[0].reasons[0].detail == liked.title


@pytest.mark.parametrize("spelling", ["{}", "{}v2", "arXiv:{}", "https://arxiv.org/abs/{}v1"])
def test_a_liked_paper_may_be_named_by_id_version_or_link(spelling):
    papers = world()
    known = Background.fit([c.paper for c in papers])
    plain = score(Profile(liked=("2600.00000",)), [c.paper for c in papers], background=known)
    other = score(
        Profile(liked=(spelling.format("2600.00000"),)),
        [c.paper for c in papers],
        background=known,
    )
    assert np.array_equal(plain, other)


def test_a_liked_text_works_like_a_paper_and_an_unknown_id_says_nothing():
    papers = [c.paper for c in world()]
    by_text = score(Profile(liked=(TOPICS["protein folding"],)), papers)
    assert papers[int(by_text.argmax())].id.startswith("2603.")
    assert not score(Profile(liked=("1234.56789",)), papers).any()


def test_a_disliked_paper_pushes_its_like_down():
    papers = [c.paper for c in world()]
    both = Profile(topics=("speech recognition", "robot manipulation"))
    less = replace(both, disliked=(papers[8].id, papers[9].id))
    speech = [i for i, p in enumerate(papers) if p.id.startswith("2601.")]
    assert score(less, papers)[speech].max() < score(both, papers)[speech].max()


def test_a_keyword_must_occur_and_is_named_in_the_subscribers_spelling():
    papers = world()
    hit = seen(Paper(id="9999.00001", title="A new way", abstract="It shrinks KV-caches."))
    (pick,) = select(Profile(keywords=("KV cache",)), [*papers, hit], now=NOW)
    assert pick.paper.id == "9999.00001"
    assert str(pick.reasons[0]) == "your keyword “KV cache”"


def test_a_followed_author_organisation_and_category_are_each_reason_enough():
    paper = Paper(
        id="9999.00001",
        title="A new way",
        authors=("Sergey Levine",),
        organization="NVIDIA Research",
        categories=("cs.RO",),
    )
    for profile, reason in (
        (Profile(authors=("S. Levine",)), "you follow S. Levine"),
        (Profile(organizations=("nvidia",)), "from nvidia, which you follow"),
        (Profile(categories=("Robotics",)), "in Robotics, which you follow"),
    ):
        picks = select(profile, [*world(), seen(paper)], now=NOW)
        assert [str(pick.reasons[0]) for pick in picks] == [reason]


def test_a_topic_that_is_a_category_name_finds_the_papers_of_the_category():
    paper = Paper(id="9999.00001", title="A new way", categories=("cs.SD",))
    picks = select(Profile(topics=("Sound",)), [*world(), seen(paper)], now=NOW)
    assert [pick.paper.id for pick in picks] == ["9999.00001"]


def test_what_is_muted_is_out_and_the_note_names_the_word():
    profile = Profile(topics=("speech recognition",), muted=("phoneme",))
    verdicts = _verdicts(profile, world())
    speech = [item for item in verdicts.values() if item.paper.id.startswith("2601.")]
    assert {item.verdict for item in speech} == {Verdict.MUTED}
    assert {item.note for item in speech} == {"you muted “phoneme”"}


def test_what_was_sent_is_out_by_id_by_title_key_and_as_a_title_twin():
    papers = world()
    speech = [c for c in papers if c.paper.id.startswith("2601.")]
    twin = seen(replace(speech[0].paper, id="2612.99999"))
    sent = (speech[0].paper.id, speech[1].paper.key)
    verdicts = _verdicts(
        Profile(topics=("speech recognition",)), [*papers, twin], already_sent=sent
    )
    for paper_id in (speech[0].paper.id, speech[1].paper.id, "2612.99999"):
        assert verdicts[paper_id].verdict is Verdict.SENT_BEFORE


def test_a_title_twin_and_a_near_copy_of_a_pick_are_called_much_the_same():
    papers = world()
    original = papers[8].paper
    twin = seen(replace(original, id="2612.00001", abstract=""))
    copy = seen(replace(original, id="2612.00002", title=original.title + " Revisited"))
    verdicts = _verdicts(Profile(topics=("speech recognition",)), [*papers, twin, copy])
    family = [verdicts[i] for i in (original.id, "2612.00001", "2612.00002")]
    assert sum(item.verdict is Verdict.PICKED for item in family) == 1
    others = [item for item in family if item.verdict is not Verdict.PICKED]
    assert {item.verdict for item in others} == {Verdict.SIMILAR}
    assert all(item.note.startswith("much the same as “Study") for item in others)


def test_a_title_twin_of_the_very_first_paper_is_called_much_the_same():
    newest = {"listed_on": NOW.date() + timedelta(days=1)}
    said = {"title": "Speech recognition", "abstract": "On speech recognition."}
    first = Paper(id="2612.00001", **said, **newest)
    papers = [first, replace(first, id="2612.00002"), *(c.paper for c in world())]
    verdicts = _verdicts(Profile(topics=("speech recognition",), **QUIET), papers)
    twins = [verdicts[paper.id].verdict for paper in papers[:2]]
    assert sorted(twins) == [Verdict.PICKED, Verdict.SIMILAR]


def test_what_came_next_stands_after_the_picks_best_first():
    ranking = rank(Profile(topics=("speech recognition",), max_papers=3, **QUIET), world(), now=NOW)
    verdicts = [item.verdict for item in ranking]
    assert verdicts == sorted(verdicts, key=list(Verdict).index)
    following = [item.score for item in ranking if item.verdict is Verdict.NEXT]
    assert len(following) == 5
    assert following == sorted(following, reverse=True)
    assert len(ranking) == len(world())


def test_a_surprise_is_one_rising_paper_from_outside_labelled_and_last():
    profile = Profile(topics=("speech recognition",), max_papers=4)
    picks = select(profile, world(votes=True), now=NOW)
    assert len(picks) == 4
    assert [pick.reasons[0].why is Why.SURPRISE for pick in picks] == [False, False, False, True]
    assert picks[-1].reasons[0].detail == "most upvoted on 3 April, from outside your interests"
    assert not picks[-1].paper.id.startswith("2601.")


def test_no_surprise_without_votes_without_fitting_papers_or_when_not_wanted():
    fitting = Profile(topics=("speech recognition",), max_papers=4)
    assert len(_topics_of(select(fitting, world(), now=NOW))) == 1
    calm = replace(fitting, surprise=False)
    assert len(_topics_of(select(calm, world(votes=True), now=NOW))) == 1
    nothing = Profile(topics=("medieval tax law",))
    assert select(nothing, world(votes=True), now=NOW) == ()


def test_trend_weight_moves_between_taste_and_trend():
    papers = world(votes=True)
    only_trend = Profile(topics=("speech recognition",), trend_weight=1, max_papers=1)
    (pick,) = select(only_trend, papers, now=NOW)
    assert pick.paper.id == "2600.00000"
    only_taste = Profile(topics=("protein folding",), trend_weight=0, max_papers=8, **QUIET)
    for item in rank(only_taste, papers, now=NOW):
        assert item.score == item.taste


def test_a_profile_that_says_nothing_follows_the_trend_and_says_so():
    (first, *_) = select(Profile(max_papers=3), world(votes=True), now=NOW)
    assert [str(reason) for reason in first.reasons] == ["most upvoted on 3 April"]


def test_without_profile_and_votes_the_order_of_the_list_decides():
    papers = [planted("speech recognition", i) for i in range(5)]
    picks = select(Profile(max_papers=3), reversed(papers), now=NOW)
    assert [pick.paper.id for pick in picks] == [c.paper.id for c in papers[:3]]
    assert str(picks[0].reasons[0]) == "on the list of 3 April"


def test_the_least_score_of_a_profile_raises_the_cut():
    profile = Profile(topics=("speech recognition",), **QUIET)
    scores = sorted(pick.score for pick in select(profile, world(), now=NOW))
    stricter = replace(profile, min_score=scores[-2])
    assert len(select(stricter, world(), now=NOW)) == 2


def test_a_score_does_not_change_with_the_batch_when_the_background_is_given():
    papers = [c.paper for c in world()]
    known = Background.fit(papers)
    profile = Profile(topics=tuple(TOPICS), liked=(papers[3].id,), disliked=(papers[20].id,))
    together = score(profile, papers, background=known)
    alone = [float(score(profile, [paper], background=known)[0]) for paper in papers]
    assert together.tolist() == alone
    assert together.dtype == np.float64


def test_a_bare_paper_counts_as_a_candidate_and_duplicates_count_once():
    papers = [c.paper for c in world()]
    ranking = rank(Profile(topics=("speech recognition",)), [*papers, *world()], now=NOW)
    assert len(ranking) == len(papers)


def test_papers_can_be_looked_up_without_changing_what_is_usual():
    papers = [c.paper for c in world()]
    stranger = Paper(id="9999.00001", title="Bees and their gripper robot arms")
    known = Background.fit(papers)
    assert known.knowing([stranger]).find("9999.00001") == len(papers)
    assert np.array_equal(known.knowing([stranger]).rarity, known.rarity)


def test_a_background_of_no_papers_works():
    empty = Background.fit([])
    values = score(Profile(topics=("speech recognition",)), [], background=empty)
    assert values.shape == (0,)
    picks = select(Profile(topics=("speech recognition",)), world(), now=NOW, background=empty)
    assert _topics_of(picks) == {"speech recognition"}


def test_a_long_topic_or_title_is_cut_between_words_in_a_reason():
    long = "speech recognition " + "of many voices " * 20
    paper = Paper(id="9999.00001", title=long)
    (pick,) = select(Profile(topics=(long,)), [paper], now=NOW)
    assert len(pick.reasons[0].detail) <= 80
    assert pick.reasons[0].detail.endswith("…")
