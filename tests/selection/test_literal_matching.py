"""What a subscriber wrote is found literally, and only literally."""

from __future__ import annotations

import pytest

from newsletter.model import Paper
from newsletter.selection.texts import categories
from newsletter.selection.texts.matching import Mutes, Names, Phrases


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("KV cache", "We shrink KV-caches twice"),
        ("KV-cache", "the kv cache grows"),
        ("kvcache", "a KV-cache for all"),
        ("pre-training", "Pretraining at scale"),
        ("pretraining", "pre-training at scale"),
        ("large language model", "Large Language Models are few-shot learners"),
        ("GPU", "thousands of GPUs"),
        ("memories", "a memory of the past"),
        ("Poincaré", "in the Poincare ball"),
        ("C++", "from C++ to Rust"),
        ("3D", "3D scenes"),
        ("🤖", "robots 🤖 everywhere"),
        ("机器人", "关于机器人学习的研究"),
        ("diffusion", "(Diffusion), at last"),
    ],
)
def test_a_phrase_is_found_whatever_its_case_plural_hyphen_or_accent(phrase, text):
    assert Phrases.of([phrase]).found([text]) == (phrase,)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("RAG", "fragments and storage"),
        ("graph", "paragraphs"),
        ("C++", "vitamin C"),
        ("language model", "language and world models"),
        ("", "anything"),
        ("   ", "anything"),
    ],
)
def test_a_phrase_is_not_found_inside_words_or_torn_apart(phrase, text):
    assert Phrases.of([phrase]).found([text]) == ()


def test_a_phrase_does_not_reach_over_the_end_of_a_text():
    assert Phrases.of(["language models"]).found(["a language", "models of it"]) == ()


def test_phrases_come_back_in_the_order_the_subscriber_gave_them():
    assert Phrases.of(["zebra", "apple"]).found(["apple zebra"]) == ("zebra", "apple")


@pytest.mark.parametrize(
    ("followed", "author"),
    [
        ("Sergey Levine", "sergey levine"),
        ("S. Levine", "Sergey Levine"),
        ("Levine, Sergey", "Sergey Levine"),
        ("Rene Descartes", "René Descartes"),
        ("Michael I. Jordan", "Michael Irwin Jordan"),
        ("Jean-Luc Picard", "Jean Luc Picard"),
    ],
)
def test_an_author_is_found_by_full_name_or_by_a_written_initial(followed, author):
    assert Names.of([followed]).found(["Somebody Else", author]) == (followed,)


@pytest.mark.parametrize(
    ("followed", "author"),
    [("Sergey Levine", "S. Levine"), ("Levine", "Sergey Levine"), ("Song Han", "Song Hang")],
)
def test_an_author_who_may_be_somebody_else_is_not_found(followed, author):
    assert Names.of([followed]).found([author]) == ()


def test_a_category_is_known_by_code_archive_and_official_name():
    assert categories.codes("cs.CL") == {"cs.cl"}
    assert categories.codes("computation and language") == {"cs.cl"}
    assert categories.codes("Machine Learning") == {"cs.lg", "stat.ml"}
    assert categories.codes("hep-th") == categories.codes("High Energy Physics - Theory")
    assert categories.holds(categories.codes("hep-th"), ("hep-th",))
    assert categories.holds(categories.codes("astro-ph"), ("astro-ph.GA",))
    assert categories.holds(categories.codes("cs"), ("cs.RO",))
    assert not categories.holds(categories.codes("cs.CV"), ("cs.CL",))
    assert categories.codes("robots that walk") == frozenset()


@pytest.mark.parametrize(
    ("muted", "field"),
    [
        ("medical imaging", {"title": "Medical-Imaging at home"}),
        ("medical imaging", {"abstract": "for medical imaging."}),
        ("medical imaging", {"keywords": ("Medical Imaging",)}),
        ("J. Doe", {"authors": ("Jane Doe",)}),
        ("Acme", {"organization": "Acme Research"}),
        ("cs.CV", {"categories": ("cs.CV",)}),
        ("Robotics", {"categories": ("cs.RO",)}),
        ("secret", {"summary": "a secret plan"}),
    ],
)
def test_a_muted_word_is_found_in_every_field(muted, field):
    paper = Paper(**{"id": "1", "title": "A title", **field})
    assert Mutes.of([muted]).first(paper) == muted
    assert Mutes.of(["zebra"]).first(paper) == ""
