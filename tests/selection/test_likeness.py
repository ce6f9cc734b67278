"""What makes a paper like those that a reader liked, part by part."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from selection_world import NOW, world

from newsletter.model import Feedback, Paper, Profile, Verdict
from newsletter.selection import Background, score
from newsletter.selection.fit.columns import Columns
from newsletter.selection.learn import with_votes

WORLD = [candidate.paper for candidate in world(80)]
LIKED = replace(
    WORLD[3], id="9999.00001", authors=("Ada Byron", "S. Levine"), categories=("cs.SD",)
)
OTHERS = [replace(paper, categories=("cs.LG",)) for paper in WORLD]
KNOWN = Background.fit([*OTHERS, LIKED, replace(LIKED, id="9999.00002", title="Sounds")])
READER = Profile(liked=(LIKED.id,))


def _score(paper: Paper, profile: Profile = READER) -> float:
    return float(score(profile, [paper], background=KNOWN)[0])


@pytest.mark.parametrize("shared", [{"authors": ("ada byron",)}, {"categories": ("cs.SD",)}])
def test_a_shared_author_or_rare_category_brings_a_paper_up(shared):
    stranger = replace(WORLD[100], id="9999.1", authors=("Nobody Else",), categories=("cs.LG",))
    assert _score(replace(stranger, **shared)) > _score(stranger)


def test_more_shared_authors_than_two_count_no_more():
    many = replace(LIKED, authors=tuple(f"Author {n}" for n in range(9)))
    known = KNOWN.renewed([*OTHERS, many])
    two, nine = (replace(WORLD[100], id="9999.1", authors=many.authors[:n]) for n in (2, 9))
    first, second = score(READER, [two, nine], background=known)
    assert first == second


def test_a_paper_named_twice_counts_once():
    twice = Profile(liked=(LIKED.id, f"arXiv:{LIKED.id}v2"))
    assert _score(WORLD[5], twice) == _score(WORLD[5])


def test_a_faded_vote_weighs_less_than_a_fresh_one_of_another_topic():
    graphs, speech = WORLD[5], WORLD[85]
    votes = [
        Feedback(
            subscriber_id="1",
            paper_id=graphs.id,
            verdict=Verdict.MORE,
            at=NOW - timedelta(days=540),
        ),
        Feedback(subscriber_id="1", paper_id=speech.id, verdict=Verdict.MORE, at=NOW),
    ]
    scores = score(with_votes(Profile(), votes, now=NOW), WORLD, background=KNOWN)
    assert scores[80:160].mean() > scores[:80].mean() + 0.2


def test_beside_five_liked_papers_every_fit_of_a_topic_counts_by_the_same_share():
    """Faint fits sort what the liked papers let in; by themselves they stay faint."""
    topic = "protein folding of speech"
    likes = Profile(liked=tuple(paper.id for paper in WORLD[:5]))
    fits = Columns(WORLD, KNOWN)
    fits.of([Profile(topics=(topic,))])
    fit = np.maximum(fits.wholes[0], 0) ** 0.25
    faint = (fit > 0.1) & (fits.told[0] == -np.inf)
    gained = score(replace(likes, topics=(topic,)), WORLD, background=KNOWN)
    gained -= score(likes, WORLD, background=KNOWN)
    alone = score(Profile(topics=(topic,)), WORLD, background=KNOWN)
    assert faint.any()
    assert np.allclose(gained[fit > 0.1], 0.4 * fit[fit > 0.1], atol=1e-4)
    assert (alone[faint] < fit[faint]).all()


def test_related_words_make_papers_alike_that_share_none():
    """In the stored papers "gripper" and "tactile" go together."""
    texts = {"a": "gripper", "b": "tactile", "c": "phoneme"}
    rows = KNOWN.vectors([Paper(id=f"9999.{n}", title=text) for n, text in texts.items()])
    near, far = rows.dense[0] @ rows.dense[1], rows.dense[0] @ rows.dense[2]
    assert near > far + 0.3


def test_a_paper_amid_a_crowd_gives_way_to_an_equal_one_by_itself():
    crowd = KNOWN.fitted.crowd
    lone = Paper(id="9999.3", title="Bees of the northern valley", abstract="Honey and pollen.")
    rows = KNOWN.vectors([WORLD[7], lone])
    alone, amid = crowd.around(rows.units)[1], crowd.around(rows.units)[0]
    assert amid > alone
    assert np.isfinite(rows.crowd).all()
