"""Short forms are learned from the papers, and what means the same is found by either form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.model import Paper, Profile, Why
from newsletter.selection import Background
from newsletter.selection.fit.columns import Columns
from newsletter.selection.texts.matching import Mutes
from newsletter.selection.usual.acronyms import Acronyms, explained

RAG = "We study retrieval-augmented generation (RAG) for questions."


def papers(count: int, abstract: str, start: int = 0) -> list[Paper]:
    return [
        Paper(id=f"2601.{n:05d}", title=f"Study {n}", abstract=abstract)
        for n in range(start, start + count)
    ]


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        (RAG, ("rag", "retrieval augmented generation")),
        ("Mixture-of-Experts (MoE) layers", ("moe", "mixture of expert")),
        ("of Large Language Models (LLMs)", ("llm", "large language model")),
        (
            "Reinforcement learning with verifiable rewards (RLVR)",
            ("rlvr", "reinforcement learning with verifiable reward"),
        ),
        ("in text-to-image (T2I) models", ("t2i", "text to image")),
    ],
)
def test_a_short_form_in_brackets_is_explained_by_the_words_before_it(text, pair):
    assert list(explained(text)) == [pair]


@pytest.mark.parametrize(
    "text",
    ["a table (Left)", "our method (RAG)", "generation. (RAG)", "(RAG)", "gains on us (GX)", "(AB"],
)
def test_brackets_that_the_words_before_do_not_spell_explain_nothing(text):
    assert list(explained(text)) == []


@given(st.text(alphabet="aAbB2( ).-to", max_size=80))
def test_any_text_is_read_without_error_and_pairs_have_long_forms(text):
    assert all(" " in long and short for short, long in explained(text))


def test_a_pair_that_few_papers_explain_is_not_trusted():
    assert Acronyms.of(papers(3, RAG)).same_as("RAG") == ()
    assert Acronyms.of(papers(12, RAG)).same_as("RAG") == ("retrieval augmented generation",)


def test_a_short_form_with_two_meanings_stands_for_neither():
    other = papers(12, "random access games (RAG) are fun", start=50)
    assert Acronyms.of([*papers(12, RAG), *other]).same_as("RAG") == ()


def test_a_short_form_that_few_explain_does_not_stand_in_for_the_long_one():
    few = Acronyms.of(papers(5, "tracking any point (TAP) in video"))
    assert few.same_as("tap") == ("tracking any point",)
    assert few.same_as("tracking any point") == ()


def test_growing_tells_the_same_as_measuring_anew():
    first = [*papers(8, RAG), *papers(100, "nothing short here", start=100)]
    then = papers(5, RAG, start=20)
    grown = Background.fit(first).renewed([*first, *then])
    assert grown.acronyms == Acronyms.of([*first, *then])


@pytest.mark.parametrize("keyword", ["RAG", "retrieval-augmented generation"])
def test_a_keyword_meets_its_other_form_and_the_reason_stays_in_the_readers_words(keyword):
    known = Background.fit(papers(12, RAG))
    texts = ("RAG without tears", "Retrieval-augmented generation for all", "Rugs and carpets")
    asked = [Paper(id=f"2602.{n:05d}", title=text) for n, text in enumerate(texts)]
    columns = Columns(asked, known)
    columns.of([Profile(keywords=(keyword,))])
    assert columns.interests == [(Why.KEYWORD, keyword)]
    assert (columns.told > 0).tolist() == [[True, True, False]]


def test_a_muted_short_form_mutes_the_long_one_but_never_the_other_way():
    known = Acronyms.of(papers(12, RAG))
    long = Paper(id="1", title="Retrieval augmented generation, again")
    short = Paper(id="2", title="Painters", authors=("Rag Doll",))
    assert Mutes.of(["RAG"], known.long_forms).first(long) == "RAG"
    mutes = Mutes.of(["retrieval augmented generation"], known.long_forms)
    assert mutes.first(short) == ""
